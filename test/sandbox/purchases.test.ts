import { describe, expect, it } from 'vitest';

import { errorOf, login, open, surfaces, told, type Surface } from './raw-client.ts';

/** The contract's table: what validate and confirm of so much on each meter answer. */
const meters: [meter: string, amount: number, end: string | null, tokens: number, charge: string][] = [
  ['04040404040', 100, null, 1, 'BWP 2.50'],
  ['04040404099', 100, null, 1, 'BWP 7.50'],
  ['04040404107', 100, null, 1, 'BWP 10.00'],
  ['04040404461', 999.99, 'purchase_amount_too_low', 0, ''],
  ['04040404461', 1000, 'purchase_amount_too_low', 0, ''],
  ['04040404461', 1100, null, 1, 'BWP 1027.50'],
  ['04040404081', 100, 'meter_blocked', 0, ''],
  ['04040404057', 100, 'meter_purchases_blocked', 0, ''],
  ['04040404065', 100, 'meter_debt_outstanding', 0, ''],
  ['04040404073', 100, 'meter_transactions_blocked', 0, ''],
  ['04240297236', 100, 'meter_not_found', 0, ''],
  ['04040404198', 1000, 'purchase_amount_too_low', 0, ''],
  ['04040404198', 2000, null, 3, 'BWP 1050.00'],
  ['0404040404000', 100, null, 1, 'BWP 2.50'],
  ['04040404041', 100, 'meter_not_found', 0, ''],
];

describe.each(surfaces)('the test meters on %s', (surface) => {
  it.each(meters)('%s for %d: %s', async (meter, amount, end, tokens, charge) => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    const offered = await buy({ meter, amount }, 'validate');
    expect(sandbox.ledger).toHaveLength(0);
    const bought = await buy({ meter, amount, external_reference: 'r' });
    if (end === null) {
      expect([offered.status, bought.status]).toEqual([200, 200]);
      expect(offered.body['transaction'].charge).toBe(charge);
      expect(told(surface, bought)).toMatchObject({ status: 'SUCCESS', charges: { charge } });
      expect(told(surface, bought).tokens).toHaveLength(tokens);
      for (const token of told(surface, bought).tokens) expect(token).toMatch(/^\d{20}$/);
      expect(sandbox.ledger).toMatchObject([{ externalReference: 'r', subscriber: meter, surface }]);
    } else {
      for (const refused of [offered, bought]) {
        expect(refused.status).toBe(422);
        const { code, message } = errorOf(surface, refused);
        expect(code).toBe(surface === 'v1' ? end : '810');
        expect(message).toMatch(/^[A-Z].+\.$/);
      }
      expect(errorOf(surface, offered)).toEqual(errorOf(surface, bought));
      expect(sandbox.ledger).toHaveLength(0);
      expect(sandbox.balance(13209)).toBe('1000000.00');
    }
  });

  it('confirm debits every time it is processed, whatever its reference', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    const first = told(surface, await buy({ external_reference: 'same' }));
    const second = told(surface, await buy({ external_reference: 'same' }));
    expect(sandbox.ledger).toHaveLength(2);
    expect(sandbox.balance(13209)).toBe('999795.00');
    expect(second.tokens).not.toEqual(first.tokens);
  });

  it('retry finds the first success of its reference, whatever came before and after it', async () => {
    const sandbox = await open();
    const { buy, retry } = await login(sandbox, surface);
    expect((await buy({ meter: '04040404081', external_reference: 'same' })).status).toBe(422);
    const first = told(surface, await buy({ external_reference: 'same' }));
    await buy({ external_reference: 'same' });
    await buy({ meter: '04040404081', external_reference: 'same' });
    expect(told(surface, await retry('same'))).toEqual(first);
    expect(sandbox.ledger).toHaveLength(2);
  });

  it('retry of what a meter refuses is refused again', async () => {
    const sandbox = await open();
    const { buy, retry } = await login(sandbox, surface);
    const refused = await buy({ meter: '04040404081', external_reference: 'r' });
    expect(errorOf(surface, await retry('r'))).toEqual(errorOf(surface, refused));
    expect(sandbox.ledger).toHaveLength(0);
  });

  it('retry gives back what succeeded, and debits nothing more', async () => {
    const sandbox = await open();
    const { buy, retry } = await login(sandbox, surface);
    const first = await buy({ external_reference: 'r' });
    const again = await retry('r');
    expect(told(surface, again)).toEqual(told(surface, first));
    expect(sandbox.ledger).toHaveLength(1);
  });

  it('retry of a reference that it never saw is not found', async () => {
    const sandbox = await open();
    const { retry } = await login(sandbox, surface);
    const unknown = await retry('nobody');
    expect(unknown.status).toBe(404);
    expect(errorOf(surface, unknown).code).toBe(surface === 'v1' ? 'purchase_not_found' : '102');
  });

  it('retry attempts again what had failed', async () => {
    const sandbox = await open();
    sandbox.addFault({ endpoint: 'confirm', kind: 'failed' });
    const { buy, retry } = await login(sandbox, surface);
    expect(told(surface, await buy({ external_reference: 'r' })).status).toBe('FAILED');
    expect(sandbox.ledger).toHaveLength(0);
    expect(told(surface, await retry('r')).status).toBe('SUCCESS');
    expect(sandbox.ledger).toHaveLength(1);
  });

  it.each([
    ['SUCCESS', 1],
    ['FAILED', 0],
  ] as const)('a PENDING one becomes %s after so many retries', async (becomes, debits) => {
    const sandbox = await open();
    sandbox.addFault({ endpoint: 'confirm', kind: 'pending', pendingPolls: 2, becomes });
    const { buy, retry } = await login(sandbox, surface);
    expect(told(surface, await buy({ external_reference: 'r' })).status).toBe('PENDING');
    const seen = [];
    for (let n = 0; n < 3; n += 1) {
      const answer = await retry('r');
      seen.push(answer.status === 200 ? told(surface, answer).status : errorOf(surface, answer).code);
    }
    const failed = surface === 'v1' ? 'provider_failed' : '810';
    expect(seen).toEqual(['PENDING', 'PENDING', becomes === 'FAILED' ? failed : becomes]);
    expect(sandbox.ledger).toHaveLength(debits);
  });
});

it.each(meters.filter(([, , end]) => end !== null))(
  'both surfaces refuse %s for %d with the same sentence',
  async (meter, amount) => {
    const sandbox = await open();
    const sentence = async (surface: Surface) =>
      errorOf(surface, await (await login(sandbox, surface)).buy({ meter, amount })).message;
    expect(await sentence('v1')).toBe(await sentence('current'));
    expect(await sentence('v1')).toMatch(/^[A-Z].+\.$/);
  },
);

describe('what only one surface has', () => {
  it.each([
    ['AIRTIME', 'MASCOM', '71436390', 0],
    ['AIRTIME', 'ORANGE', '74000001', 0],
    ['AIRTIME', 'BTC', '71436390', 0],
    ['WATER', 'WUC', '5000001', 1],
  ] as const)('v1 sells %s of %s', async (product_type, provider_code, meter, tokens) => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    const bought = await buy({ product_type, provider_code, meter });
    expect(told('v1', bought)).toMatchObject({ status: 'SUCCESS' });
    expect(told('v1', bought).tokens).toHaveLength(tokens);
    expect(bought.body['unit']).toBe(tokens === 0 ? null : 'kl');
  });

  it('POS is a channel of v1, SMS_MO one of Current', async () => {
    const sandbox = await open();
    const v1 = await login(sandbox, 'v1');
    const current = await login(sandbox, 'current');
    const status = async (session: typeof v1, source_channel: string) =>
      (await session.buy({ source_channel }, 'validate')).status;
    expect([await status(v1, 'POS'), await status(current, 'POS')]).toEqual([200, 400]);
    expect([await status(v1, 'SMS_MO'), await status(current, 'SMS_MO')]).toEqual([400, 200]);
  });

  it('both keep one ledger: what was bought on one is found on the other', async () => {
    const sandbox = await open();
    const bought = told('v1', await (await login(sandbox, 'v1')).buy({ external_reference: 'r' }));
    const found = told('current', await (await login(sandbox, 'current')).retry('r'));
    expect(found.tokens).toEqual(bought.tokens);
    expect(sandbox.ledger).toHaveLength(1);
  });
});
