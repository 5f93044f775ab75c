import { Decimal } from 'decimal.js';

export { Decimal };

/** An exact amount: `amount` in whole currency units (102.5 is BWP 102.50), never a float on the way. */
export interface Money {
  readonly amount: Decimal;
  /** ISO 4217, upper case. */
  readonly currency: string;
}

/** The longest amount that is accepted: twelve digits before the decimal point. */
export const MAX_INTEGER_DIGITS = 12;

/**
 * How many decimals a currency has: 2 for BWP, 0 for JPY, 3 for KWD; undefined for a code that is no ISO 4217
 * currency. Source: the runtime's own CLDR data.
 */
export function currencyDecimals(currency: string): number | undefined {
  let decimals = knownCurrencies.get(currency);
  if (decimals === null) {
    // A formatter takes some 50 µs to be made, and there is one for each amount of a list.
    const format = new Intl.NumberFormat('en', { style: 'currency', currency });
    decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
    knownCurrencies.set(currency, decimals);
  }
  return decimals;
}

/** With their decimals, once somebody has asked for them. */
const knownCurrencies = new Map<string, number | null>(
  Intl.supportedValuesOf('currency').map((currency) => [currency, null]),
);

/** "102.50": every decimal of the currency, and more only where the amount really has more. */
export function formatAmount({ amount, currency }: Money): string {
  return amount.toFixed(Math.max(currencyDecimals(currency) ?? 2, amount.decimalPlaces()));
}
