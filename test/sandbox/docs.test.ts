import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { endpointNames, faultKinds, type Endpoint } from '../../sandbox/faults.ts';
import { testSubscribers } from '../../sandbox/meters.ts';
import { demoCredentials } from '../../sandbox/oauth.ts';
import { call, errorOf, eventually, login, loginBody, open, type Reply } from './raw-client.ts';

const page = readFileSync('docs/sandbox.md', 'utf8');

/** The cells of a table, row by row, found by its first heading. */
function table(heading: string): string[][] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} `));
  if (start === -1) throw new Error(`no table begins with ${heading}`);
  const end = lines.findIndex((line, n) => n > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands between backquotes. */
const quoted = (cell = '') => [...cell.matchAll(/`([^`]*)`/g)].map(([, text]) => text ?? '');

interface Command {
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

const commands: Command[] = [...page.matchAll(/^curl (.*)$/gm)].map(([, line = '']) => {
  const headers = [...line.matchAll(/-H (['"])([\w-]+): (.*?)\1/g)];
  const body = /-d '([^']*)'/.exec(line)?.[1];
  return {
    path: / http:\/\/127\.0\.0\.1:4010(\S*)$/.exec(` ${line}`)?.[1] ?? 'no address',
    method: /-X (\w+)/.exec(line)?.[1] ?? (body === undefined ? 'GET' : 'POST'),
    headers: Object.fromEntries(headers.map(([, , name, value]) => [name, value])),
    body,
  };
});

describe('docs/sandbox.md', () => {
  it('names every endpoint, every fault and every test number, and no other', () => {
    expect(
      table('kind')
        .flatMap(([kind]) => quoted(kind))
        .sort(),
    ).toEqual([...faultKinds].sort());
    const numbers = [...table('electricity'), ...table('v1 only')].flatMap(([number]) => quoted(number));
    expect([...new Set(numbers)].sort()).toEqual(testSubscribers.map(({ identifier }) => identifier).sort());
    const line = /^- `endpoint`:.*(?:\n {2}.*)*/m.exec(page)?.[0];
    expect(quoted(line).slice(1)).toEqual([...endpointNames, '*']);
  });

  it('tells the right credentials and settings', () => {
    const rows = table('login field').map(([field, value]) => [...quoted(field), ...quoted(value)]);
    const {
      grant_type: _type,
      source_channel: _channel,
      ...fields
    } = loginBody({ credentials: demoCredentials });
    expect(Object.fromEntries(rows)).toEqual(fields);
    const source = readFileSync('sandbox/main.ts', 'utf8');
    const settings = table('setting').map(([name, value]) => [quoted(name)[0], quoted(value)[0]]);
    expect(settings.map(([name]) => name)).toEqual(['HOST', 'PORT', 'ACCESS_TOKEN_SECONDS', 'PROCESSING_MS']);
    for (const [name, value] of settings)
      expect(source).toMatch(new RegExp(`${name ?? ''}: .*\\(('|)${value ?? ''}\\1[,)]`));
  });

  it('shows only commands that work, in their order', async () => {
    const sandbox = await open();
    expect(commands.length).toBeGreaterThan(10);
    let token = '';
    for (const { path, method, headers, body } of commands) {
      const said = JSON.stringify([method, path, body]);
      if (body !== undefined) expect(headers['content-type'], said).toBe('application/json');
      // A command that speaks to ScratchPower is shown without a fault waiting for it.
      if (!path.startsWith('/__sandbox/')) expect(sandbox.faults, said).toEqual([]);
      const authorization = headers['authorization']?.replace('$TOKEN', token);
      const reply = await call(sandbox.url + path, {
        method,
        headers: authorization === undefined ? {} : { authorization },
        ...(body === undefined ? {} : { json: body }),
      });
      expect(reply.status, said).toBe(method === 'POST' && path.endsWith('/faults') ? 201 : 200);
      if (path.endsWith('/login')) token = reply.body['access_token'];
      if (path.endsWith('/confirm') || path.endsWith('/retry')) expect(sandbox.ledger).toHaveLength(1);
    }
    expect([sandbox.ledger, sandbox.faults, sandbox.calls]).toEqual([[], [], []]);
  });

  it.each(table('electricity'))('%s: %s, for %s', async (number, _what, amount, charge, code) => {
    const sandbox = await open();
    for (const surface of ['v1', 'current'] as const) {
      const { buy } = await login(sandbox, surface);
      const change = { meter: quoted(number)[0] ?? '', amount: Number(quoted(amount)[0]) };
      const wanted = surface === 'v1' ? quoted(code)[0] : code === '' ? undefined : '810';
      expectEnd(await buy(change), quoted(charge)[0], wanted, surface);
    }
  });

  it.each(table('v1 only'))('%s: %s: %s, for %s', async (number, product, _what, amount, charge, code) => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    expect(quoted(product).length).toBeGreaterThan(0);
    for (const provider_code of quoted(product)) {
      const product_type = product.split(' ')[0]?.toUpperCase();
      const change = { meter: quoted(number)[0] ?? '', amount: Number(quoted(amount)[0]) };
      const reply = await buy({ ...change, product_type, provider_code });
      expectEnd(reply, quoted(charge)[0], quoted(code)[0], 'v1');
    }
  });

  function expectEnd(
    reply: Reply,
    charge: string | undefined,
    code: string | undefined,
    surface: 'v1' | 'current',
  ) {
    if (charge === undefined) expect(errorOf(surface, reply).code).toBe(code);
    else expect(reply.body['transaction'].charge).toBe(`BWP ${charge}`);
    expect([charge, code].filter((one) => one !== undefined)).toHaveLength(1);
  }

  it('tells the accounts as they are at the start', async () => {
    const sandbox = await open();
    const { get } = await login(sandbox, 'v1');
    const { body } = await get('/v1/accounts');
    const accounts = body['list'].map(({ id, balance }: { id: number; balance: string }) => [
      `${id}`,
      balance,
    ]);
    expect(table('account').map(([id, balance]) => [...quoted(id), ...quoted(balance)])).toEqual(accounts);
  });

  it.each(table('kind'))('%s: %s; debited: %s; options: %s', async (kind, _what, debited, options) => {
    const sandbox = await open();
    const { buy, retry } = await login(sandbox, 'v1');
    const url = `${sandbox.url}/__sandbox/faults`;
    const order = (more: object) =>
      call(url, { json: { endpoint: 'confirm', kind: quoted(kind)[0], ...more } });
    const { body: fault } = await order({});
    for (const [, name = '', value] of options.matchAll(/`(\w+)` (\w+)/g))
      if (name in fault) expect(`${fault[name]}`).toBe(value);
    for (const name of quoted(options.replaceAll(/`(SUCCESS|FAILED)`/g, '')))
      expect((await order({ [name]: {} })).body['fields']).toMatchObject([{ field: name }]);
    sandbox.clearFaults();
    await order({ ...(options.includes('delayMs') ? { delayMs: 1 } : {}) });
    const reply = await buy({ external_reference: 'r' }).catch(() => undefined);
    const status = /`status` (\d+)/.exec(options)?.[1];
    if (status !== undefined) expect(reply?.status).toBe(Number(status));
    if (debited === 'later') {
      await retry('r');
      await retry('r');
    }
    await eventually(() => sandbox.ledger.length).toBe(debited === 'no' ? 0 : 1);
  });

  it('tells the truth about which calls pending and failed strike', async () => {
    const sandbox = await open();
    const { buy, retry } = await login(sandbox, 'v1');
    await buy({ external_reference: 'r' });
    const harmless: [Endpoint, () => Promise<Reply>][] = [
      ['validate', () => buy({}, 'validate')],
      ['retry', () => retry('r')],
    ];
    for (const kind of ['pending', 'failed'] as const) {
      for (const [endpoint, ask] of harmless) {
        const plain = await ask();
        sandbox.addFault({ endpoint, kind });
        expect((await ask()).text).toBe(plain.text);
      }
    }
    sandbox.addFault({ endpoint: 'confirm', kind: 'pending', pendingPolls: 0, becomes: 'FAILED' });
    await buy({ external_reference: 's' });
    expect(errorOf('v1', await retry('s')).code).toBe('provider_failed');
    expect((await retry('s')).body['status']).toBe('SUCCESS');
  });
});
