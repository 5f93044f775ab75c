import { describe, expect, it } from 'vitest';

import { call, login, loginBody, open, paths, purchase } from './raw-client.ts';

const NOW = new Date('2026-11-23T10:00:00.000Z');
const owner = { name: 'K. MOTHIBI', address: 'PLOT 50370, GABORONE' };
const charges = {
  ...{ entry: 'BWP 100.00', net: 'BWP 100.00', total: 'BWP 102.50' },
  ...{ charge: 'BWP 2.50', commission: 'BWP 1.20' },
};
const token: unknown = expect.stringMatching(/^\d{20}$/);
const reference: unknown = expect.stringMatching(/^SP\d+$/);
const receipt_number: unknown = expect.stringMatching(/^R\d+$/);

describe('the answers, field by field', () => {
  it('of v1', async () => {
    const sandbox = await open({ now: () => NOW });
    const { buy, retry } = await login(sandbox, 'v1');
    const subscriber = { identifier: '04040404040', ...owner };
    expect((await buy({}, 'validate')).body).toEqual({ subscriber, transaction: charges });
    const bought = await buy({ external_reference: 'mine' });
    expect(bought.body).toEqual({
      ...{ id: expect.any(Number), reference, external_reference: 'mine', status: 'SUCCESS' },
      ...{ subscriber, transaction: charges, token, units: '54.30', unit: 'kWh', receipt_number },
      created_at: NOW.toISOString(),
    });
    expect((await retry('mine')).body).toEqual(bought.body);
  });

  it('of Current', async () => {
    const sandbox = await open({ now: () => NOW });
    const { buy, retry } = await login(sandbox, 'current');
    const customer = { ...owner, meter_number: '04040404040' };
    expect((await buy({}, 'validate')).body).toEqual({ customer, transaction: charges });
    const bought = await buy({ external_reference: 'mine' });
    expect(bought.body).toEqual({
      customer,
      transaction: {
        ...{ id: expect.any(Number), reference, external_reference: 'mine', status: 'SUCCESS', ...charges },
        ...{ token, units: '54.30', receipt_number, timestamp: NOW.getTime() },
      },
    });
    expect((await retry('mine')).body).toEqual(bought.body);
  });

  it('have three tokens in one field for a key change', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    const { body } = await buy({ meter: '04040404198', amount: 2000 });
    expect(body['token']).toMatch(/^\d{20}\|\d{20}\|\d{20}$/);
  });

  it('have no token, no units and no unit for airtime', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    const { body } = await buy({ product_type: 'AIRTIME', provider_code: 'BTC', meter: '71436390' });
    expect(body).toMatchObject({ status: 'SUCCESS', token: null, units: null, unit: null });
  });

  it('speak of money in the currency of the account', async () => {
    const sandbox = await open();
    const { buy, get } = await login(sandbox, 'v1');
    const { body } = await buy({ debited_account_id: 13212, currency: 'ZAR' });
    expect(body['transaction']).toMatchObject({ total: 'ZAR 102.50', commission: 'ZAR 1.20' });
    expect((await get('/v1/accounts/13212')).body['balance']).toBe('ZAR 397.50');
    expect([sandbox.balance(13209), sandbox.balance(13210)]).toEqual(['1000000.00', '0.00']);
    expect(sandbox.ledger).toMatchObject([{ accountId: 13212, currency: 'ZAR', total: '102.50' }]);
  });
});

describe('an error', () => {
  it('of v1 is under `error`, with all its fields', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    const refused = await buy({ meter: '04040404081' });
    expect(refused.body).toEqual({
      error: {
        ...{ type: 'provider_error', code: 'meter_blocked', param: null, retryable: false },
        message: 'This meter is blocked. Please contact your provider.',
        doc_url: 'https://developers.scratchpower.com/developers/reference/errors#meter_blocked',
        request_id: refused.headers.get('x-request-id'),
      },
    });
  });

  it('of Current has its number, a sentence, a time and the wrong fields', async () => {
    const sandbox = await open({ now: () => NOW });
    const { buy } = await login(sandbox, 'current');
    const common = { timestamp: NOW.getTime(), developer_message: expect.stringContaining('Exception') };
    const blocked = await buy({ meter: '04040404081' });
    const sentence = 'This meter is blocked. Please contact your provider.';
    expect(blocked.body).toEqual({
      ...{ response_code: '810', response_message: sentence, errors: {}, ...common },
    });
    const wrong = await buy({ amount: undefined });
    expect(wrong.body).toMatchObject({ response_code: '136', errors: { amount: expect.any(String) } });
  });
});

describe('X-Request-Id', () => {
  const meters = { '200': '04040404040', '422': '04040404081', '400': '1' };

  it.each(Object.entries(meters))('is echoed by v1 with a %s', async (status, meter) => {
    const sandbox = await open();
    const { token } = await login(sandbox, 'v1');
    const json = { ...purchase('v1'), subscriber_identifier: meter };
    const url = sandbox.url + paths.v1.validate;
    const mine = await call(url, { json, token, headers: { 'x-request-id': 'mine' } });
    expect([mine.status, mine.headers.get('x-request-id')]).toEqual([Number(status), 'mine']);
    if (mine.status !== 200) expect(mine.body['error'].request_id).toBe('mine');
    expect(sandbox.calls.at(-1)?.requestId).toBe('mine');
  });

  it('is made by v1 where none or an empty one is sent, each time another', async () => {
    const sandbox = await open();
    const url = sandbox.url + paths.v1.login;
    const json = loginBody(sandbox);
    const none = [await call(url, { json }), await call(url, { json: {} })];
    const empty = await call(url, { json, headers: { 'x-request-id': '' } });
    const ids = [...none, empty].map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(/^req_.+/);
    expect(new Set(ids).size).toBe(3);
  });

  it('comes with every fault that answers on v1', async () => {
    const sandbox = await open();
    const { token } = await login(sandbox, 'v1');
    for (const kind of ['html_error', 'garbage', 'empty', 'rate_limit', 'unauthorized', 'error'] as const) {
      sandbox.addFault({ endpoint: 'me', kind });
      const { headers } = await call(sandbox.url + paths.v1.me, {
        ...{ token, headers: { 'x-request-id': kind } },
      });
      expect(headers.get('x-request-id')).toBe(kind);
    }
  });

  it('is cut to 128 characters', async () => {
    const sandbox = await open();
    const headers = { 'x-request-id': 'x'.repeat(200) };
    const { headers: given } = await call(sandbox.url + paths.v1.me, { headers });
    expect(given.get('x-request-id')).toBe('x'.repeat(128));
  });

  it('is no business of Current, neither with an answer nor with an error', async () => {
    const sandbox = await open();
    const { token } = await login(sandbox, 'current');
    const headers = { 'x-request-id': 'mine' };
    for (const session of [{ token }, {}]) {
      const { headers: given } = await call(sandbox.url + paths.current.me, { ...session, headers });
      expect(given.get('x-request-id')).toBeNull();
    }
    expect(sandbox.calls.at(-1)?.requestId).toBe('mine');
  });
});
