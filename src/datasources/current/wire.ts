import { z } from 'zod';

import type { Identity, Product, ProductType } from '../../purchases/catalogue.ts';
import type { ProblemType } from '../../purchases/problem.ts';
import { fieldProblem, typeByStatus, type Envelope, type Told } from '../failure.ts';
import {
  isOfAPurchase,
  optionalDecimal,
  optionalMoney,
  optionalText,
  parseTokens,
  requiredText,
} from '../wire-values.ts';

/** Current's wire: frozen. [D] documented, [A] assumed: docs/upstream.md lists the assumptions. */

/** [D] that it lists accounts with their `id`; [A] the rest, accounts being shaped as v1's. */
export const me = z.object({
  username: requiredText,
  role: optionalText,
  roles: z.array(z.string()).catch([]),
  organisation: z.object({ code: requiredText, name: optionalText }).nullish().catch(null),
  accounts: z.array(z.unknown()).catch([]),
});

export function identityOf({ accounts: _accounts, ...wire }: z.output<typeof me>): Identity {
  return { ...wire, organisation: wire.organisation ?? null };
}

/** [D] current/topup: electricity from BPC, 11 or 13 digits; there is no discovery. */
export const electricity: Product = {
  type: 'ELECTRICITY',
  displayName: 'Electricity',
  subscriberId: {
    label: 'Meter Number',
    minLength: 11,
    maxLength: 13,
    pattern: '^(?:[0-9]{11}|[0-9]{13})$',
    hint: '11 or 13 digits, as printed on the meter',
  },
  providers: [{ code: 'BPC', name: 'Botswana Power Corporation' }],
  surfaces: ['CURRENT', 'V1'],
};

const customer = z.object({ name: optionalText, address: optionalText, meter_number: optionalText });
export const chargesWire = z.object({
  entry: optionalMoney,
  net: optionalMoney,
  total: optionalMoney,
  charge: optionalMoney,
  commission: optionalMoney,
});

/** [A] validate's answer: what does not exist yet is left out. */
export const priced = z.object({ customer: customer.nullish().catch(null), transaction: chargesWire });

/** [A] confirm's and retry's answer. */
const transaction = z.object({
  customer: customer.nullish().catch(null),
  transaction: chargesWire.extend({
    reference: optionalText,
    external_reference: optionalText,
    status: requiredText,
    token: z.unknown().optional(),
    units: optionalDecimal,
    receipt_number: optionalText,
  }),
});

export function toldBy(body: unknown, productType: ProductType): Told | null {
  const { data } = transaction.safeParse(body);
  if (data === undefined || !isOfAPurchase(data.transaction)) return null;
  const { transaction: wire, customer: owner } = data;
  const tokens = parseTokens(wire.token, productType);
  const { entry, net, total, charge, commission } = wire;
  const charges = { entry, net, total, charge, commission };
  return {
    status: wire.status,
    externalReference: wire.external_reference,
    subscriberIdentifier: owner?.meter_number ?? null,
    vend: tokens && {
      upstreamReference: wire.reference,
      subscriber: owner
        ? { identifier: owner.meter_number ?? '', name: owner.name, address: owner.address }
        : null,
      charges: Object.values(charges).some((one) => one !== null) ? charges : null,
      tokens,
      // [A] electricity's unit: the wire has no field for it.
      units: wire.units && { value: wire.units, unit: 'kWh' },
      receiptNumber: wire.receipt_number,
    },
  };
}

/** [D] current/errors. `developer_message` is never read. */
const errorWire = z.object({
  response_code: requiredText,
  response_message: optionalText,
  errors: z.record(z.string(), z.unknown()).nullish().catch(null),
});

/** [D] the documented codes; others, whatever they are named, are typed by their HTTP status. */
const types: ReadonlyMap<string, ProblemType> = new Map([
  ['100', 'INTERNAL'],
  ['101', 'INVALID_INPUT'],
  ['102', 'NOT_FOUND'],
  ['103', 'PERMISSION'],
  ['104', 'INVALID_INPUT'],
  ['110', 'PERMISSION'],
  ['115', 'PERMISSION'],
  ['120', 'INVALID_INPUT'],
  ['130', 'NOT_FOUND'],
  ['136', 'INVALID_INPUT'],
  ['146', 'NOT_FOUND'],
  ['147', 'INVALID_INPUT'],
  ['150', 'INVALID_INPUT'],
  ['151', 'NOT_FOUND'],
  ['152', 'NOT_FOUND'],
  ['156', 'INVALID_INPUT'],
  ['157', 'INVALID_INPUT'],
  ['158', 'AUTHENTICATION'],
  ['159', 'INVALID_INPUT'],
  ['163', 'NOT_FOUND'],
  ['164', 'NOT_FOUND'],
  ['810', 'PROVIDER'],
]);
/** [D] Fields that a code means without naming them. */
const implied: ReadonlyMap<string, string> = new Map([
  ['104', 'beneficiary_phone_number'],
  ['146', 'debited_account_id'],
  ['163', 'currency'],
]);

export function envelopeIn(body: unknown, status: number): Envelope | null {
  const { data: wire } = errorWire.safeParse(body);
  if (wire === undefined) return null;
  const code = wire.response_code;
  const message = wire.response_message ?? 'The provider refused this.';
  const named = Object.keys(wire.errors ?? {}).flatMap((param) => fieldProblem(param, message));
  return {
    type: types.get(code) ?? typeByStatus(status),
    code,
    message,
    retryable: status === 429 ? true : code === '810' ? false : null,
    fromProvider: code === '810',
    unknownReference: code === '102',
    unexpected: code === '100',
    docUrl: null,
    requestId: null,
    fields: named.length > 0 ? named : fieldProblem(implied.get(code) ?? null, message),
  };
}
