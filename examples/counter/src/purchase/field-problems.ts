import type { Problem } from '../gateway/operations.ts';
import type { Field } from './draft.ts';

const fields: Readonly<Record<string, Field>> = {
  providerCode: 'providerCode',
  accountId: 'accountId',
  subscriberIdentifier: 'identifier',
  'amount.amount': 'amount',
  'amount.currency': 'accountId',
  beneficiaryPhoneNumber: 'phone',
};

/** A provider's refusal names no field, but its code tells what it is about. */
const abouts: readonly (readonly [RegExp, Field])[] = [
  [/^(meter|number)_/, 'identifier'],
  [/^purchase_amount_/, 'amount'],
  [/^insufficient_funds$/, 'accountId'],
];

export type FieldMessages = Readonly<Partial<Record<Field, string>>>;

/** The problem's sentences by the field that each belongs beside; `rest` is what belongs to none. */
export function besideFields(problem: Problem | null): { beside: FieldMessages; rest: string | null } {
  if (problem === null) return { beside: {}, rest: null };
  const beside: Partial<Record<Field, string>> = {};
  let placed = problem.fields.length > 0;
  for (const { field: path, message } of problem.fields) {
    const field = fields[path.replace(/^from\.details\./, '')];
    if (field === undefined) placed = false;
    else beside[field] = beside[field] === undefined ? message : `${beside[field]} ${message}`;
  }
  const about = abouts.find(([pattern]) => pattern.test(problem.code))?.[1];
  if (!placed && about !== undefined) return { beside: { ...beside, [about]: problem.message }, rest: null };
  return { beside, rest: placed ? null : problem.message };
}
