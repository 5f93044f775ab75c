import type { Decimal } from 'decimal.js';

import { demand, Difference, need } from './assumption.ts';
import { money } from './amounts.ts';

const UNREADABLE = 'v1 did not tell the balance, and only the balance shows it';
const OTHERS = 'somebody else uses this account: run it again when nobody does';

/** The balance stayed, or fell by what the purchase costs; anything else is somebody else's. */
export function unmoved(fell: Decimal | undefined, cost: Decimal | undefined): string {
  need(fell !== undefined, UNREADABLE);
  if (fell.isZero()) return 'the balance stayed';
  need(cost !== undefined && fell.equals(cost), `the balance fell by ${money(fell)}; ${OTHERS}`);
  throw new Difference('the balance to stay', `it fell by ${money(fell)}`);
}

/** The balance fell by what the purchase costs, or stayed; anything else is somebody else's. */
export function debited(fell: Decimal | undefined, cost: Decimal | undefined): string {
  need(fell !== undefined, UNREADABLE);
  need(cost !== undefined, 'nobody told what it costs');
  demand(!fell.isZero(), `the balance to fall by ${money(cost)}`, 'it stayed');
  if (!fell.equals(cost) && fell.equals(cost.mul(2)))
    demand(false, `the balance to fall by ${money(cost)}`, `it fell by ${money(fell)}, twice as much`);
  const either = `the balance fell by ${money(fell)} and not by the total, ${money(cost)}: something else is debited, or`;
  need(fell.equals(cost), `${either} ${OTHERS}`);
  return `the balance fell by ${money(fell)}`;
}
