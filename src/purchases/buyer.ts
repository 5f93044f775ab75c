import type { DayLimitError, Mandate } from './journal.ts';
import { formatAmount, type Decimal, type Money } from './money.ts';
import { dayOf } from './day.ts';
import { problem, type Problem } from './problem.ts';
import type { Order } from './purchase.ts';

/** On whose behalf the domain works: what it may see and debit, and how much it may spend. */
export interface Buyer {
  readonly name: string;
  /** The only accounts that there are for it; undefined: all. */
  readonly accounts: ReadonlySet<number> | undefined;
  /** Of each currency; null: no limit. */
  readonly mostPerPurchase: Decimal | null;
  readonly mostPerDay: Decimal | null;
  /** For all of the integration together. */
  readonly mostPerDayByAll: Decimal | null;
}

/** Whether what the account pays for is there for the buyer. */
export function sees(
  { accounts }: Pick<Buyer, 'accounts'>,
  { accountId }: Pick<Order, 'accountId'>,
): boolean {
  return accounts?.has(accountId) ?? true;
}

export function mandateOf({ name, mostPerDay, mostPerDayByAll }: Buyer, at: Date): Mandate {
  return { caller: name, day: dayOf(at), mostByCaller: mostPerDay, mostByAll: mostPerDayByAll };
}

/** Why one purchase of that amount is not allowed; null when it is. */
export function overPurchaseLimit(
  { mostPerPurchase: most }: Buyer,
  { amount, currency }: Money,
  field: string,
): Problem | null {
  if (most === null || !amount.greaterThan(most)) return null;
  const message = `One purchase may be of ${shown(most, currency)} at most.`;
  return overLimit('limit_per_purchase', message, field);
}

/** Why the day does not allow it. */
export function overDayLimit(
  { whose, most, left }: DayLimitError,
  { currency }: Money,
  field: string,
): Problem {
  const who = whose === 'CALLER' ? 'for you' : 'for all callers together';
  const message = `The limit of a day is ${shown(most, currency)} ${who}, of which ${shown(left, currency)} is left today.`;
  return overLimit('limit_per_day', message, field);
}

/** Not retryable: tomorrow it is another day, but the same purchase is not to be sent again by a machine until then. */
function overLimit(code: string, message: string, field: string): Problem {
  return problem({ type: 'PERMISSION', code, message, fields: [{ field, message }] });
}

function shown(amount: Decimal, currency: string): string {
  return `${currency} ${formatAmount({ amount, currency })}`;
}
