import { describe, expect, it } from 'vitest';

import { testSubscribers } from '../../sandbox/meters.ts';
import { call, eventually, login, loginBody, open, paths, refreshBody, surfaces } from './raw-client.ts';

describe.each(surfaces)('a session on %s', (surface) => {
  const at = paths[surface];

  it('begins with a login as the contract has it', async () => {
    const sandbox = await open({ accessTokenSeconds: 90 });
    const { status, body } = await call(sandbox.url + at.login, { json: loginBody(sandbox) });
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      access_in: 90,
      token_type: 'bearer',
      refresh_token: expect.any(String),
      scope: 'read write',
    });
  });

  it.each(['client_id', 'client_secret', 'grant_type', 'identifier', 'secret_pass', 'org_code'])(
    'is refused when %s is wrong or missing',
    async (field) => {
      const sandbox = await open();
      for (const wrong of [{ [field]: 'wrong' }, { [field]: undefined }]) {
        const { status, body } = await call(sandbox.url + at.login, {
          json: { ...loginBody(sandbox), ...wrong },
        });
        expect(status).toBe(401);
        if (surface === 'v1') expect(body['error'].type).toBe('authentication_error');
        else expect(body['response_code']).toBe('158');
      }
    },
  );

  it('is refreshed once per refresh token', async () => {
    const sandbox = await open();
    const first = await call(sandbox.url + at.login, { json: loginBody(sandbox) });
    const refresh = (token: string) => call(sandbox.url + at.refresh, { json: refreshBody(sandbox, token) });
    const second = await refresh(first.body['refresh_token']);
    expect(second.status).toBe(200);
    expect(second.body['refresh_token']).not.toBe(first.body['refresh_token']);
    expect(second.body['access_token']).not.toBe(first.body['access_token']);
    expect((await refresh(first.body['refresh_token'])).status).toBe(401);
    expect((await refresh('invented')).status).toBe(401);
    expect((await refresh(second.body['refresh_token'])).status).toBe(200);
  });

  it('is not refreshed with another application’s secret, which uses nothing up', async () => {
    const sandbox = await open();
    const { body } = await call(sandbox.url + at.login, { json: loginBody(sandbox) });
    const right = refreshBody(sandbox, body['refresh_token']);
    for (const wrong of [{ client_secret: 'wrong' }, { client_id: 'wrong' }, { grant_type: 'password' }]) {
      expect((await call(sandbox.url + at.refresh, { json: { ...right, ...wrong } })).status).toBe(401);
    }
    expect((await call(sandbox.url + at.refresh, { json: right })).status).toBe(200);
  });

  it('is looked at when a call arrives, not when a slow one is done', async () => {
    let now = new Date('2026-11-23T10:00:00Z');
    const sandbox = await open({ accessTokenSeconds: 60, now: () => now });
    const { buy } = await login(sandbox, surface);
    sandbox.addFault({ endpoint: 'confirm', kind: 'late_landing', delayMs: 100 });
    await expect(buy()).rejects.toThrow();
    now = new Date('2026-11-23T11:00:00Z');
    await eventually(() => sandbox.ledger.length).toBe(1);
    expect((await buy()).status).toBe(401);
  });

  it('ends when its time is over, in the surface’s own envelope', async () => {
    let now = new Date('2026-11-23T10:00:00Z');
    const sandbox = await open({ accessTokenSeconds: 60, now: () => now });
    const { get } = await login(sandbox, surface);
    now = new Date('2026-11-23T10:00:59Z');
    expect((await get(at.me)).status).toBe(200);
    now = new Date('2026-11-23T10:01:00Z');
    const expired = await get(at.me);
    expect(expired.status).toBe(401);
    if (surface === 'v1') expect(expired.body['error']).toMatchObject({ code: 'authentication_failed' });
    else expect(expired.body).toMatchObject({ response_code: '110', errors: {} });
  });

  it('ends when it is told to, while its refresh token stays good', async () => {
    const sandbox = await open();
    const first = await call(sandbox.url + at.login, { json: loginBody(sandbox) });
    sandbox.expireTokens();
    const { access_token: token, refresh_token } = first.body;
    expect((await call(sandbox.url + at.me, { token })).status).toBe(401);
    const again = await call(sandbox.url + at.refresh, { json: refreshBody(sandbox, refresh_token) });
    expect((await call(sandbox.url + at.me, { token: again.body['access_token'] })).status).toBe(200);
  });

  it('is asked for by every other endpoint', async () => {
    const sandbox = await open();
    for (const path of [at.validate, at.confirm, at.retry]) {
      expect((await call(sandbox.url + path, { json: {} })).status).toBe(401);
      expect((await call(sandbox.url + path, { json: {}, token: 'invented' })).status).toBe(401);
    }
    expect((await call(sandbox.url + at.me)).status).toBe(401);
    expect(sandbox.calls.every(({ processed }) => !processed)).toBe(true);
  });

  it('tells who one is, and only on Current also the accounts', async () => {
    const sandbox = await open();
    const { get } = await login(sandbox, surface);
    const { body } = await get(at.me);
    expect(body).toMatchObject({ username: sandbox.credentials.username, roles: expect.any(Array) });
    if (surface === 'v1') expect(body).not.toHaveProperty('accounts');
    else
      expect(body['accounts'][0]).toEqual({
        ...{ id: 13209, name: 'Test Admin Account', currency: 'BWP', category: 'CURRENT' },
        ...{ type: 'WALLET', status: 'ACTIVE', rank: 1 },
      });
  });

  it('is ended with DELETE, which only audits', async () => {
    const sandbox = await open();
    const { token } = await login(sandbox, surface);
    const path = at.login.replace('login', 'logout');
    expect((await call(sandbox.url + path, { method: 'DELETE', token })).status).toBe(200);
    expect((await call(sandbox.url + at.me, { token })).status).toBe(200);
  });
});

describe('v1', () => {
  it('lists accounts with their balances, and one of them', async () => {
    const sandbox = await open();
    const { get } = await login(sandbox, 'v1');
    const { body } = await get('/v1/accounts');
    expect(body['list']).toHaveLength(4);
    const wallet = {
      ...{ id: 13209, name: 'Test Admin Account', currency: 'BWP', category: 'CURRENT', type: 'WALLET' },
      ...{ status: 'ACTIVE', rank: 1, balance: 'BWP 1000000.00' },
    };
    expect(body['list'][0]).toEqual(wallet);
    expect((await get('/v1/accounts/13209')).body).toEqual(wallet);
    for (const id of ['99', '0', '999999999999999', '9'.repeat(20), 'me']) {
      const other = await get(`/v1/accounts/${id}`);
      expect(other.status).toBe(404);
      expect(other.body['error'].type).toBe('not_found_error');
    }
  });

  it('lists its products with their formats and providers', async () => {
    const sandbox = await open();
    const { get } = await login(sandbox, 'v1');
    const { body } = await get('/v1/vas-products');
    const types = body['list'].map(({ product_type }: { product_type: string }) => product_type);
    expect(types).toEqual(['ELECTRICITY', 'AIRTIME', 'WATER']);
    expect(body['list'][0]).toMatchObject({
      subscriber_id_label: 'Meter Number',
      subscriber_id_min_length: 11,
      subscriber_id_max_length: 13,
      subscriber_id_pattern: '^[0-9]{11,13}$',
      providers: [{ code: 'BPC', name: 'Botswana Power Corporation' }],
    });
    for (const { productType, identifier } of testSubscribers) {
      const { subscriber_id_pattern, subscriber_id_min_length, subscriber_id_max_length } = body['list'].find(
        (product: { product_type: string }) => product.product_type === productType,
      );
      expect(identifier).toMatch(new RegExp(subscriber_id_pattern));
      expect(identifier.length).toBeGreaterThanOrEqual(subscriber_id_min_length);
      expect(identifier.length).toBeLessThanOrEqual(subscriber_id_max_length);
    }
  });

  it('tells a wrong method and a wrong path apart', async () => {
    const sandbox = await open();
    expect((await call(`${sandbox.url}/v1/purchases/confirm`)).status).toBe(405);
    expect((await call(`${sandbox.url}/v1/nothing`)).status).toBe(404);
  });
});
