import { describe, expect, it } from 'vitest';

import { call, errorOf, login, open, paths, purchase, surfaces } from './raw-client.ts';

type Wrong = [what: string, change: Record<string, unknown>, status: number, number: string, param: string];

const onBoth: Wrong[] = [
  ['no amount', { amount: undefined }, 400, '136', 'amount'],
  ['an amount of null', { amount: null }, 400, '136', 'amount'],
  ['an amount of zero', { amount: 0 }, 400, '120', 'amount'],
  ['a negative amount', { amount: -5 }, 400, '120', 'amount'],
  ['an amount that is a string', { amount: '100' }, 400, '120', 'amount'],
  ['three decimals', { amount: 1.005 }, 400, '120', 'amount'],
  ['an amount that a float has spoilt', { amount: 0.1 + 0.2 }, 400, '120', 'amount'],
  ['an unknown account', { debited_account_id: 1 }, 404, '146', 'debited_account_id'],
  ['no account', { debited_account_id: undefined }, 400, '136', 'debited_account_id'],
  ['an account in another currency', { currency: 'ZAR' }, 404, '163', 'currency'],
  ['no currency', { currency: undefined }, 400, '136', 'currency'],
  ['a currency in small letters', { currency: 'bwp' }, 400, '120', 'currency'],
  [
    'a phone with a plus',
    { beneficiary_phone_number: '+26771436390' },
    400,
    '104',
    'beneficiary_phone_number',
  ],
  ['no phone', { beneficiary_phone_number: undefined }, 400, '136', 'beneficiary_phone_number'],
  ['no language', { language: undefined }, 400, '136', 'language'],
  ['an empty language', { language: '' }, 400, '136', 'language'],
  ['no channel', { source_channel: undefined }, 400, '136', 'source_channel'],
  ['an unknown channel', { source_channel: 'FAX' }, 400, '120', 'source_channel'],
  ['a flag that is a word', { charges_on_top_flag: 'yes' }, 400, '120', 'charges_on_top_flag'],
  ['an empty reference', { external_reference: '' }, 400, '136', 'external_reference'],
];
const onV1: Wrong[] = [
  ['no product', { product_type: undefined }, 400, '', 'product_type'],
  ['an unknown product', { product_type: 'GAS' }, 400, '', 'product_type'],
  ['no provider', { provider_code: undefined }, 400, '', 'provider_code'],
  ['an unknown provider', { provider_code: 'NOBODY' }, 400, '', 'provider_code'],
  ['the provider of another product', { provider_code: 'WUC' }, 400, '', 'provider_code'],
  ['no meter', { subscriber_identifier: undefined }, 400, '', 'subscriber_identifier'],
  ['an empty meter', { subscriber_identifier: '' }, 400, '', 'subscriber_identifier'],
];
const onCurrent: Wrong[] = [
  ['no meter', { meter_number: undefined }, 400, '136', 'meter_number'],
  ['an empty meter', { meter_number: '' }, 400, '136', 'meter_number'],
  ['no date', { date: undefined }, 400, '136', 'date'],
  ['a date of another form', { date: '2026-11-23T12:00:00Z' }, 400, '120', 'date'],
];

describe.each(surfaces)('on %s a purchase', (surface) => {
  it.each([...onBoth, ...(surface === 'v1' ? onV1 : onCurrent)])(
    'with %s is refused at its field',
    async (_what, change, status, number, param) => {
      const sandbox = await open();
      const { post } = await login(sandbox, surface);
      for (const endpoint of ['validate', 'confirm'] as const) {
        const { status: answered, body } = await post(endpoint, { ...purchase(surface), ...change });
        expect(answered).toBe(status);
        if (surface === 'v1') expect(body['error']).toMatchObject({ param, retryable: false });
        else expect(body).toMatchObject({ response_code: number, errors: { [param]: expect.any(String) } });
      }
      expect(sandbox.ledger).toHaveLength(0);
    },
  );

  it('is refused for digits that a float would lose', async () => {
    const sandbox = await open();
    const { post } = await login(sandbox, surface);
    const whole = JSON.stringify(purchase(surface));
    const json = whole.replace('"amount":100', '"amount":100.00000000000000000001');
    for (const endpoint of ['validate', 'confirm'] as const)
      expect([(await post(endpoint, whole)).status, (await post(endpoint, json)).status]).toEqual([200, 400]);
  });

  it('with fields that nobody knows is taken', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    expect((await buy({ x_new_field: { amount: 7 }, comment: 'a "quoted" amount: 5, of it' })).status).toBe(
      200,
    );
    expect(sandbox.ledger).toMatchObject([{ entry: '100.00' }]);
  });

  it.each(['123', '0404040404', '04040404040400', '0404040404x', ' 04040404040', '٠٤٠٤٠٤٠٤٠٤٠'])(
    'for the meter %j is refused by its format',
    async (meter) => {
      const sandbox = await open();
      const { buy } = await login(sandbox, surface);
      const refused = await buy({ meter }, 'validate');
      expect(refused.status).toBe(400);
      expect(errorOf(surface, refused).code).toBe(surface === 'v1' ? 'invalid_request' : '120');
    },
  );

  it.each([
    ['no JSON', '{"amount":', 400],
    ['nothing', '', 400],
    ['a list', [purchase(surface)], 400],
    ['a word', '"100"', 400],
    ['more than 100 kB', { ...purchase(surface), comment: 'x'.repeat(100_001) }, 413],
  ])('whose body is %s is refused', async (_what, json, status) => {
    const sandbox = await open();
    const { post } = await login(sandbox, surface);
    expect((await post('confirm', json)).status).toBe(status);
    expect(sandbox.ledger).toHaveLength(0);
  });

  it.each(['external_reference', 'source_channel', 'language'])(
    'is not retried without %s',
    async (field) => {
      const sandbox = await open();
      const { post } = await login(sandbox, surface);
      const whole = { external_reference: 'r', source_channel: 'WEB', language: 'en-BW' };
      const { status, body } = await post('retry', { ...whole, [field]: undefined });
      expect(status).toBe(400);
      if (surface === 'v1') expect(body['error'].param).toBe(field);
      else expect(body['response_code']).toBe('136');
    },
  );

  it('is asked for with POST only', async () => {
    const sandbox = await open();
    const { token } = await login(sandbox, surface);
    for (const endpoint of ['validate', 'confirm', 'retry'] as const) {
      const url = sandbox.url + paths[surface][endpoint];
      expect((await call(url, { token })).status).toBe(405);
      expect((await call(url, { token, method: 'PUT', json: purchase(surface) })).status).toBe(405);
    }
    expect((await call(`${sandbox.url}${paths[surface].me}/nothing`, { token })).status).toBe(404);
  });
});

describe('the formats of v1', () => {
  it.each([
    ['AIRTIME', 'BPC', '71436390', 400],
    ['AIRTIME', 'MASCOM', '61436390', 400],
    ['AIRTIME', 'MASCOM', '7143639', 400],
    ['AIRTIME', 'MASCOM', '714363900', 400],
    ['AIRTIME', 'MASCOM', '79999999', 422],
    ['WATER', 'MASCOM', '5000001', 400],
    ['WATER', 'WUC', '500001', 400],
    ['WATER', 'WUC', '50000010000', 400],
    ['WATER', 'WUC', '5000002', 422],
    ['WATER', 'WUC', '5000003', 422],
    ['ELECTRICITY', 'BPC', '71436390', 400],
  ])('refuse %s of %s for %s with %d', async (product_type, provider_code, meter, status) => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    for (const endpoint of ['validate', 'confirm'] as const)
      expect((await buy({ product_type, provider_code, meter }, endpoint)).status).toBe(status);
    expect(sandbox.ledger).toHaveLength(0);
  });

  it('let a meter of 12 digits through to the provider; Current takes 11 or 13 only', async () => {
    const sandbox = await open();
    const meter = '040404040400';
    expect((await (await login(sandbox, 'v1')).buy({ meter })).status).toBe(422);
    expect((await (await login(sandbox, 'current')).buy({ meter })).status).toBe(400);
  });
});
