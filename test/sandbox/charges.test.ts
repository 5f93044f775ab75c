import { describe, expect, it } from 'vitest';

import { errorOf, login, open, surfaces, told } from './raw-client.ts';

type Price = [meter: string, amount: number, charge: string, total: string, commission: string];

/** Charges on top: the subscriber gets the whole amount. */
const onTop: Price[] = [
  ['04040404040', 100, '2.50', '102.50', '1.20'],
  ['0404040404000', 100, '2.50', '102.50', '1.20'],
  ['04040404099', 100, '7.50', '107.50', '1.20'],
  ['04040404099', 99.99, '7.50', '107.49', '1.20'],
  ['04040404107', 100, '10.00', '110.00', '1.20'],
  ['04040404461', 1000.01, '1025.00', '2025.01', '12.00'],
  ['04040404198', 1000.01, '1025.00', '2025.01', '12.00'],
  ['04040404198', 2000, '1050.00', '3050.00', '24.00'],
  // Halves go up, and less than a half goes down.
  ['04040404040', 0.01, '0.00', '0.01', '0.00'],
  ['04040404040', 0.19, '0.00', '0.19', '0.00'],
  ['04040404040', 0.2, '0.01', '0.21', '0.00'],
  ['04040404040', 1, '0.03', '1.03', '0.01'],
  ['04040404040', 1.25, '0.03', '1.28', '0.02'],
  ['04040404040', 123_456.78, '3086.42', '126543.20', '1481.48'],
];

/** Charges out of the amount: the total is the amount. */
const outOf: [meter: string, amount: number, charge: string, net: string, commission: string][] = [
  ['04040404040', 100, '2.50', '97.50', '1.20'],
  ['0404040404000', 100, '2.50', '97.50', '1.20'],
  ['04040404099', 99.99, '7.50', '92.49', '1.20'],
  ['04040404107', 100, '10.00', '90.00', '1.20'],
  ['04040404461', 1025.65, '1025.64', '0.01', '12.31'],
  ['04040404198', 2000, '1050.00', '950.00', '24.00'],
  ['04040404040', 0.2, '0.01', '0.19', '0.00'],
];

/** The contract's boundary, and amounts of which the charges leave nothing. */
const refused: [meter: string, amount: number, onTop: boolean, code: string][] = [
  ['04040404461', 999.99, true, 'purchase_amount_too_low'],
  ['04040404461', 1000, true, 'purchase_amount_too_low'],
  ['04040404461', 1000, false, 'purchase_amount_too_low'],
  ['04040404198', 1000, true, 'purchase_amount_too_low'],
  ['04040404461', 1000.01, false, 'purchase_amount_invalid'],
  ['04040404461', 1025.64, false, 'purchase_amount_invalid'],
];

const bwp = (amount: string | number) => `BWP ${Number(amount).toFixed(2)}`;

describe.each(surfaces)('on %s', (surface) => {
  const check = async (meter: string, amount: number, flag: object, expected: Record<string, string>) => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    const offered = await buy({ meter, amount, ...flag }, 'validate');
    const bought = await buy({ meter, amount, ...flag });
    for (const answer of [offered, bought]) expect(told(surface, answer).charges).toMatchObject(expected);
    const debited = Number(expected['total']?.replace('BWP ', ''));
    expect(sandbox.balance(13209)).toBe((1_000_000 - debited).toFixed(2));
    expect(bwp(sandbox.balance(13210))).toBe(expected['commission']);
    const { charge, commission, total, entry } = expected;
    const [row] = sandbox.ledger;
    expect([row?.charge, row?.commission, row?.total, row?.entry].map((one) => `BWP ${one ?? ''}`)).toEqual([
      ...[charge, commission, total, entry],
    ]);
  };

  it.each(onTop)('%s for %d is charged %s on top: %s', async (meter, amount, charge, total, commission) => {
    const expected = {
      ...{ entry: bwp(amount), net: bwp(amount), charge: `BWP ${charge}` },
      ...{ total: `BWP ${total}`, commission: `BWP ${commission}` },
    };
    await check(meter, amount, {}, expected);
    await check(meter, amount, { charges_on_top_flag: true }, expected);
  });

  it.each(outOf)('%s for %d is charged %s out of it: %s', async (meter, amount, charge, net, commission) => {
    await check(
      meter,
      amount,
      { charges_on_top_flag: false },
      {
        ...{ entry: bwp(amount), net: `BWP ${net}`, charge: `BWP ${charge}` },
        ...{ total: bwp(amount), commission: `BWP ${commission}` },
      },
    );
  });

  it.each(refused)('%s for %d, charges on top %s: %s', async (meter, amount, charges_on_top_flag, code) => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    for (const endpoint of ['validate', 'confirm'] as const) {
      const answer = await buy({ meter, amount, charges_on_top_flag }, endpoint);
      expect(answer.status).toBe(422);
      expect(errorOf(surface, answer).code).toBe(surface === 'v1' ? code : '810');
    }
    expect(sandbox.ledger).toHaveLength(0);
  });

  it('the wallet is spent to its last thebe and no further', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    const refusedFor = async (amount: number) => errorOf(surface, await buy({ amount })).code;
    const poor = surface === 'v1' ? 'insufficient_funds' : '810';
    expect(await refusedFor(975_609.77)).toBe(poor);
    expect(sandbox.balance(13209)).toBe('1000000.00');
    expect((await buy({ amount: 975_609.76 })).status).toBe(200);
    expect(sandbox.balance(13209)).toBe('0.00');
    expect(await refusedFor(0.01)).toBe(poor);
    expect(sandbox.ledger).toHaveLength(1);
  });

  it('validate does not ask whether there is enough money', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    expect((await buy({ amount: 2_000_000 }, 'validate')).status).toBe(200);
  });
});
