import { Decimal } from 'decimal.js';

import { at } from './surfaces.ts';

/** The contract's money format, to the letter. */
export const MONEY = /^[A-Z]{3} -?\d+(?:\.\d+)?$/;
export const chargeNames = ['entry', 'net', 'total', 'charge', 'commission'] as const;
export type ChargeName = (typeof chargeNames)[number];

/** The number in it, however it is written: that one thing differs shall not hide the others. */
export function amountIn(value: unknown): Decimal | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const digits = /-?\d[\d,\s]*(?:\.\d+)?/.exec(String(value))?.[0].replace(/[,\s]/g, '');
  return digits === undefined ? undefined : new Decimal(digits);
}

/** A charge of a validate's or a confirm's answer; on both surfaces they stand under `transaction`. */
export function chargeOf(json: unknown, name: ChargeName): Decimal | undefined {
  return amountIn(at(json, `transaction.${name}`));
}

export function money(amount: Decimal | undefined): string {
  return amount === undefined ? 'an amount that nobody told' : `BWP ${amount.toFixed(2)}`;
}
