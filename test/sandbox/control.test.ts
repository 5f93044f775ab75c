import { describe, expect, it } from 'vitest';

import { testSubscribers } from '../../sandbox/meters.ts';
import { call, eventually, login, loginBody, open, paths, refreshBody } from './raw-client.ts';

describe('the control path', () => {
  it('gives back the ledger, the calls and the balances', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    await buy({ external_reference: 'r' });
    const { body: ledger } = await call(`${sandbox.url}/__sandbox/ledger`);
    expect(ledger['list']).toMatchObject([{ seq: 1, externalReference: 'r', total: '102.50' }]);
    const { body: calls } = await call(`${sandbox.url}/__sandbox/calls`);
    expect(calls['list']).toMatchObject([
      { endpoint: 'login', status: 200, processed: true },
      { endpoint: 'confirm', surface: 'v1', status: 200, processed: true, externalReference: 'r' },
    ]);
    const { body: state } = await call(`${sandbox.url}/__sandbox/state`);
    expect(state['accounts'][0]).toMatchObject({ id: 13209, balance: '999897.50' });
    expect(state['testSubscribers']).toHaveLength(testSubscribers.length);
  });

  it('never shows a secret, neither a right nor a wrong one', async () => {
    const sandbox = await open();
    const session = await call(sandbox.url + paths.v1.login, { json: loginBody(sandbox) });
    const { access_token: token, refresh_token } = session.body;
    for (const { login, refresh, me } of Object.values(paths)) {
      const wrong = { client_secret: 'wrong-secret-1', secret_pass: 'wrong-secret-2' };
      await call(sandbox.url + login, { json: { ...loginBody(sandbox), ...wrong } });
      await call(sandbox.url + refresh, { json: refreshBody(sandbox, 'wrong-secret-3') });
      await call(sandbox.url + me, { token });
    }
    const renewed = await call(sandbox.url + paths.v1.refresh, { json: refreshBody(sandbox, refresh_token) });
    const { clientSecret, password } = sandbox.credentials;
    const { body, text } = await call(`${sandbox.url}/__sandbox/calls`);
    expect(body['list']).toHaveLength(8);
    for (const secret of [clientSecret, password, token, refresh_token, 'wrong-secret'])
      expect(text).not.toContain(secret);
    expect(text).not.toContain(renewed.body['refresh_token']);
    expect(body['list'][0].body).toMatchObject({ client_id: 'sandbox-client', client_secret: '…' });
    expect(body['list'].at(-1).body).toMatchObject({ client_secret: '…', refresh_token: '…' });
  });

  it('takes, lists and clears faults, and names what is wrong with one', async () => {
    const sandbox = await open();
    const url = `${sandbox.url}/__sandbox/faults`;
    const added = await call(url, { json: { endpoint: 'confirm', kind: 'pending', count: 3 } });
    expect(added.status).toBe(201);
    expect(added.body).toMatchObject({ id: 1, left: 3, becomes: 'SUCCESS' });
    expect((await call(url)).body['list']).toHaveLength(1);
    const wrong = await call(url, { json: { endpoint: 'confrim', kind: 'explode', count: 0, often: true } });
    expect(wrong.status).toBe(400);
    const fields = wrong.body['fields'].map(({ field }: { field: string }) => field);
    expect(fields).toEqual(['endpoint', 'kind', 'count', 'body']);
    expect(wrong.text).toContain('must be one of: login, refresh');
    expect((await call(url, { method: 'DELETE' })).status).toBe(200);
    expect(sandbox.faults).toEqual([]);
    expect((await call(url, { json: 'nonsense' })).status).toBe(400);
  });

  it.each(['pending', 'failed'])('takes no fault %s but for a confirm, and says so', async (kind) => {
    const url = `${(await open()).url}/__sandbox/faults`;
    for (const endpoint of ['confirm', '*'])
      expect((await call(url, { json: { endpoint, kind } })).status).toBe(201);
    const { status, body } = await call(url, { json: { endpoint: 'validate', kind } });
    expect([status, body['fields']]).toEqual([
      400,
      [{ field: 'endpoint', message: `must be confirm, or *: ${kind} does nothing to another` }],
    ]);
  });

  it('says that a fault is no JSON', async () => {
    const url = `${(await open()).url}/__sandbox/faults`;
    for (const [body, message] of [
      ['{"endpoint":', 'is no JSON'],
      ['', 'is no JSON'],
      [`"${'a'.repeat(100_000)}"`, 'is longer than 100 kB'],
    ] as const) {
      const response = await fetch(url, { method: 'POST', body });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ fields: [{ field: 'body', message }] });
    }
  });

  it('expires the tokens', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    const { status } = await call(`${sandbox.url}/__sandbox/expire-tokens`, { method: 'POST' });
    expect([status, (await buy()).status]).toEqual([200, 401]);
    expect((await (await login(sandbox, 'v1')).buy()).status).toBe(200);
  });

  it('starts anew', async () => {
    const sandbox = await open();
    const { buy, retry } = await login(sandbox, 'v1');
    await buy({ external_reference: 'r' });
    const { body: session } = await call(sandbox.url + paths.v1.login, { json: loginBody(sandbox) });
    sandbox.addFault({ endpoint: 'confirm', kind: 'failed' });
    await call(`${sandbox.url}/__sandbox/reset`, { method: 'POST' });
    expect([sandbox.ledger, sandbox.calls, sandbox.faults]).toEqual([[], [], []]);
    expect([sandbox.balance(13209), sandbox.balance(13210)]).toEqual(['1000000.00', '0.00']);
    expect((await retry('r')).status).toBe(401);
    const renewal = refreshBody(sandbox, session['refresh_token']);
    expect((await call(sandbox.url + paths.v1.refresh, { json: renewal })).status).toBe(401);
    expect((await (await login(sandbox, 'v1')).retry('r')).status).toBe(404);
  });

  it('lets nothing land late that was sent before a new start', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    sandbox.addFault({ endpoint: 'confirm', kind: 'late_landing', delayMs: 50 });
    await expect(buy()).rejects.toThrow();
    sandbox.reset();
    const again = await login(sandbox, 'v1');
    sandbox.addFault({ endpoint: 'confirm', kind: 'late_landing', delayMs: 60 });
    await expect(again.buy({ external_reference: 'new' })).rejects.toThrow();
    await eventually(() => sandbox.ledger.length).toBe(1);
    expect(sandbox.ledger).toMatchObject([{ externalReference: 'new' }]);
  });

  it.each(['GET nothing', 'GET ledger/1', 'POST ledger', 'DELETE calls', 'GET reset', 'PUT faults'])(
    'says what there is instead of %s, and is no call of ScratchPower',
    async (asked) => {
      const sandbox = await open();
      const [method = '', path = ''] = asked.split(' ');
      const { status, text } = await call(`${sandbox.url}/__sandbox/${path}`, { method });
      expect(status).toBe(404);
      expect(text).toContain('GET ledger');
      expect(sandbox.calls).toEqual([]);
    },
  );
});
