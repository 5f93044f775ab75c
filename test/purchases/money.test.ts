import { describe, expect, it } from 'vitest';

import { currencyDecimals, Decimal, formatAmount } from '../../src/purchases/money.ts';

describe('a currency', () => {
  it.each([
    ['BWP', 2],
    ['ZAR', 2],
    ['JPY', 0],
    ['KWD', 3],
  ])('%s has %i decimals, however often it is asked', (currency, decimals) => {
    expect([currencyDecimals(currency), currencyDecimals(currency)]).toEqual([decimals, decimals]);
  });

  it.each(['QQQ', 'bwp', 'BW', 'BWPX', '', ' BWP', '__proto__'])('"%s" is none', (text) => {
    expect(currencyDecimals(text)).toBeUndefined();
  });
});

describe('an amount as text', () => {
  it.each([
    ['102.5', 'BWP', '102.50'],
    ['102', 'BWP', '102.00'],
    ['0', 'BWP', '0.00'],
    ['-3.1', 'BWP', '-3.10'],
    ['102', 'JPY', '102'],
    ['1.5', 'KWD', '1.500'],
    ['102.505', 'BWP', '102.505'],
    ['102.5', 'QQQ', '102.50'],
    ['123456789012.1', 'BWP', '123456789012.10'],
  ])('%s %s is written %s', (amount, currency, text) => {
    expect(formatAmount({ amount: new Decimal(amount), currency })).toBe(text);
  });
});
