import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { newApiKey } from '../../src/auth/api-key.ts';
import { KeyRing, REFRESH_MS, STALE_MS } from '../../src/auth/key-ring.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { loadConfig } from '../../src/config.ts';
import { startGateway } from '../../src/gateway.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { keysCommand } from '../../src/operator/keys.ts';
import { open as openPostgres } from '../journal/postgres-fixtures.ts';
import { newKey } from '../support/keys.ts';
import { command, script } from '../support/operator.ts';
import { noPostgres, temporarySchema } from '../support/postgres.ts';
import {
  confirm,
  electricity,
  environment,
  graphqlCaller,
  socketClient,
  startStack,
  subscribe,
  temporaryFolder,
  until,
} from '../support/stack.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function keys(databaseUrl: string, ...argv: string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const code = await keysCommand(argv, {
    env: { DATABASE_URL: databaseUrl },
    terminal: {
      out: (more) => void (said.out += more),
      err: (more) => void (said.err += more),
      interactive: false,
      ask: () => Promise.resolve(''),
    },
    now: () => new Date(),
  });
  return { code, ...said };
}

async function create(databaseUrl: string, ...argv: string[]): Promise<{ id: string; key: string }> {
  const { code, out, err } = await keys(databaseUrl, 'create', '--json', ...argv);
  if (code !== 0) throw new Error(err);
  return JSON.parse(out);
}

async function statusOf(url: string, key: string): Promise<number> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: '{ viewer { scopes } }' }),
  });
  await response.text();
  return response.status;
}

const databases = ['SQLite', ...(noPostgres === undefined ? ['PostgreSQL'] : [])];

describe.each(databases)('with AUTH_MODE=api-key on %s', (database) => {
  const everything: AsyncDisposable[] = [];
  afterAll(async () => {
    for (const one of everything.reverse()) await one[Symbol.asyncDispose]();
  });

  async function gateway() {
    const folder = await temporaryFolder();
    const schema = database === 'SQLite' ? undefined : await temporarySchema();
    const databaseUrl = schema?.url ?? `file:${join(folder.path, 'gateway.db')}`;
    const env = { AUTH_MODE: 'api-key', DATABASE_URL: databaseUrl };
    const stack = await startStack({ env });
    everything.push(folder, ...(schema ? [schema] : []), stack);
    return { stack, databaseUrl, url: stack.gateway.url };
  }

  it('a key that was just made is let in at once, as its caller, with its scopes', async () => {
    const { stack, databaseUrl, url } = await gateway();
    const { key } = await create(
      databaseUrl,
      '--name',
      'till-7',
      '--scopes',
      'accounts:read,purchases:write',
    );
    const { data } = await graphqlCaller(url, key)('{ viewer { scopes } accounts { id } }');
    expect(data?.['viewer'].scopes).toEqual(['accounts:read', 'purchases:write']);
    const log = stack.logged();
    expect(log).toContain('"caller":"till-7"');
    expect(log).not.toContain(key.slice(-32));
  });

  it('one that is revoked is refused within three seconds, its sockets are closed with 4403, and its streams are cut', async () => {
    const { databaseUrl, url } = await gateway();
    const { id, key } = await create(databaseUrl, '--name', 'till-7', '--scopes', 'purchases:read');
    const other = await create(databaseUrl, '--name', 'till-8', '--scopes', 'purchases:read');
    const closed: unknown[] = [];
    const listen = (own: string) => {
      const client = socketClient(url, {
        connectionParams: { Authorization: `Bearer ${own}` },
        on: { closed: (event) => void closed.push([own, (event as { code: number }).code]) },
      });
      return { client, live: subscribe(client, 'subscription { purchaseEvents { cursor } }') };
    };
    const [mine, theirs] = [listen(key), listen(other.key)];
    mine.live.done.catch(() => undefined);
    const stream = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${key}`,
      },
      body: JSON.stringify({ query: 'subscription { purchaseEvents { cursor } }' }),
    });
    const ended = stream.text().then(
      () => 'completed',
      () => 'cut off',
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    const revokedAt = Date.now();
    expect((await keys(databaseUrl, 'revoke', `sp_${id}`)).out).toContain('Revoked.');
    await until(() => closed.length > 0, 'the end of the socket', 5_000);
    expect(Date.now() - revokedAt).toBeLessThan(3_500);
    expect(closed).toEqual([[key, 4403]]);
    expect(await ended).toBe('cut off');
    expect(await statusOf(url, key)).toBe(401);
    expect(await statusOf(url, other.key)).toBe(200);
    await theirs.live.stop();
    await Promise.all([mine.client.dispose(), theirs.client.dispose()]);
  });

  it('one that expires is refused then, and its socket is closed', async () => {
    const { databaseUrl, url } = await gateway();
    const expires = new Date(Date.now() + 1_500).toISOString();
    const { key } = await create(
      databaseUrl,
      '--name',
      'till',
      '--scopes',
      'purchases:read',
      '--expires',
      expires,
    );
    expect(await statusOf(url, key)).toBe(200);
    const codes: number[] = [];
    const client = socketClient(url, {
      connectionParams: { authorization: `Bearer ${key}` },
      on: { closed: (event) => void codes.push((event as { code: number }).code) },
    });
    const live = subscribe(client, 'subscription { purchaseEvents { cursor } }');
    live.done.catch(() => undefined);
    await until(() => codes.length > 0, 'the end', 5_000);
    expect(codes).toEqual([4403]);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires));
    expect(await statusOf(url, key)).toBe(401);
  });

  it('wrong, cut, foreign and changed keys are refused alike', async () => {
    const { databaseUrl, url } = await gateway();
    const { id, key } = await create(databaseUrl, '--name', 'till', '--scopes', 'purchases:read');
    const last = key.endsWith('0') ? '1' : '0';
    for (const wrong of [
      newApiKey().key,
      key.slice(0, -1),
      `${key}0`,
      key.slice(0, -1) + last,
      key.toUpperCase(),
      `sp_${id}_${'0'.repeat(64)}`,
      `sp_${id}`,
      'sp__',
      `eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.`,
      "sp_' or 1=1 --",
    ])
      expect([401, 400], wrong).toContain(await statusOf(url, wrong));
    const { errors } = await graphqlCaller(url, newApiKey().key)('{ viewer { scopes } }');
    expect(errors).toEqual([
      {
        message: 'This is no key that is valid here: it is unknown, was revoked or has expired.',
        extensions: { code: 'UNAUTHENTICATED', retryable: false },
      },
    ]);
  });

  it('nothing that lies in the record lets anybody in', async () => {
    const { databaseUrl, url } = await gateway();
    const { key } = await create(databaseUrl, '--name', 'till', '--scopes', 'purchases:read');
    const { out } = await keys(databaseUrl, 'list', '--json');
    expect(out).not.toContain(key.slice(20));
    const store = database === 'SQLite' ? undefined : await openPostgres(databaseUrl, { migrates: false });
    const recorded = store === undefined ? [] : await store.keys.all();
    await store?.close();
    for (const { id, secretSha256 } of recorded)
      expect(await statusOf(url, `sp_${id}_${secretSha256}`)).toBe(401);
  });
});

describe('the keys command', () => {
  async function record() {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'gateway.db');
    const journal = await openSqliteJournal({ path });
    await journal.close();
    return { url: `file:${path}`, path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  }

  it('warns of an integration that is not configured, where the configuration can be read', async () => {
    await using at = await record();
    await using sandbox = await startSandbox();
    const env = environment(sandbox, at.path);
    const create = (integration: string, given: Readonly<Record<string, string>>) =>
      command(
        'keys',
        ['create', '--name', 'a', '--scopes', 'purchases:read', '--integration', integration],
        at.path,
        {
          env: given,
        },
      );
    const { code, err, out } = await create('north', env);
    expect([code, out.includes('sp_')]).toEqual([0, true]);
    expect(err).toBe(
      'Warning: no integration "north" is configured here, but: default. The key is good for nothing until it is.\n',
    );
    for (const made of [await create('default', env), await create('north', {})]) {
      expect(made.code).toBe(0);
      expect(made.err).not.toContain('Warning');
    }
  });

  it('shows a key once, and what it is for; afterwards only what is no secret', async () => {
    await using at = await record();
    const options = [
      ...['--name', 'shop', '--scopes', 'purchases:read,tokens:read', '--integration', 'north'],
      ...[
        '--accounts',
        '13209,13210',
        '--expires',
        '2999-01-01',
        '--per-purchase',
        '500.00',
        '--per-day',
        '5000',
      ],
    ];
    const made = await keys(at.url, 'create', ...options);
    expect(made.code).toBe(0);
    const key = /^sp_[0-9a-f]{16}_[0-9a-f]{64}$/m.exec(made.out)?.[0] ?? '';
    for (const told of ['shop', 'north', '13209 13210', '500.00 a purchase, 5000 a day', '2999-01-01', key])
      expect(made.out).toContain(told);
    const listed = await keys(at.url, 'list');
    expect(listed.out).toContain(`${key.slice(0, 19)} `);
    expect(listed.out).not.toContain(key);
    const described = JSON.parse((await keys(at.url, 'list', '--json')).out).keys;
    expect(described).toMatchObject([
      {
        ...{ name: 'shop', state: 'live', scopes: ['purchases:read', 'tokens:read'], integration: 'north' },
        ...{ accounts: [13209, 13210], perPurchase: '500.00', perDay: '5000' },
        expiresAt: '2998-12-31T22:00:00.000Z',
      },
    ]);
    expect(JSON.stringify(described)).not.toMatch(/[0-9a-f]{64}/);
  });

  it('revokes by id, by name and by the whole key, once; several of a name only by id', async () => {
    await using at = await record();
    const [one, two, three] = [
      await create(at.url, '--name', 'a', '--scopes', 'purchases:read'),
      await create(at.url, '--name', 'a', '--scopes', 'purchases:read'),
      await create(at.url, '--name', 'b', '--scopes', 'purchases:read'),
    ];
    const several = await keys(at.url, 'revoke', 'a');
    expect([several.code, several.err]).toEqual([1, expect.stringContaining(`sp_${one.id}`)]);
    expect((await keys(at.url, 'revoke', one.id)).code).toBe(0);
    expect((await keys(at.url, 'revoke', 'a')).out).toContain(two.id);
    expect((await keys(at.url, 'revoke', three.key)).out).not.toContain(three.key);
    expect((await keys(at.url, 'revoke', three.key)).err).toContain('already');
    expect((await keys(at.url, 'list')).out).toBe('0 keys.\n');
    expect((await keys(at.url, 'list', '--all')).out).toContain('3 keys.');
    expect((await keys(at.url, 'revoke', 'nobody')).err).toContain('no valid key of this name');
  });

  it('says that another key of that name is valid', async () => {
    await using at = await record();
    const { id } = await create(at.url, '--name', 'a', '--scopes', 'purchases:read');
    const again = await keys(at.url, 'create', '--name', 'a', '--scopes', 'purchases:read');
    expect([again.code, again.err]).toEqual([0, `There is another key of this name: sp_${id}.\n`]);
  });

  it.each([
    [['--scopes', 'purchases:read'], '--name'],
    [['--name', 'a'], '--scopes'],
    [['--name', 'a', '--scopes', 'purchases:write,admin'], '--scopes'],
    [['--name', 'a', '--scopes', ','], '--scopes'],
    [['--name', '', '--scopes', 'purchases:read'], '--name'],
    [['--name', 'a\u0000b', '--scopes', 'purchases:read'], '--name'],
    [['--name', '\u202eadmin', '--scopes', 'purchases:read'], '--name'],
    [['--name', 'a', '--scopes', 'purchases:read', '--accounts', '13209,x'], '--accounts'],
    [['--name', 'a', '--scopes', 'purchases:read', '--accounts', ''], '--accounts'],
    [['--name', 'a', '--scopes', 'purchases:read', '--per-day', '-1'], '--per-day'],
    [['--name', 'a', '--scopes', 'purchases:read', '--per-purchase', '1e3'], '--per-purchase'],
    [['--name', 'a', '--scopes', 'purchases:read', '--expires', 'soon'], '--expires'],
    [['--name', 'a', '--scopes', 'purchases:read', '--expires', '2020-01-01'], '--expires'],
  ])('refuses %j and names %s', async (argv, option) => {
    await using at = await record();
    const { code, out, err } = await keys(at.url, 'create', ...argv);
    expect([code === 0, out, err]).toEqual([false, '', expect.stringContaining(option)]);
    expect((await keys(at.url, 'list', '--all')).out).toBe('0 keys.\n');
  });

  it('is a script with help, and says where there is no record', async () => {
    const help = await script('keys', ['--help'], 'none');
    for (const name of ['create', 'list', 'revoke']) expect(help.out).toContain(name);
    const nowhere = await script('keys', ['list'], '/nowhere/gateway.db');
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('no such file')]);
  });
});

describe('the record’s keys', () => {
  it('are kept exactly, revoked once, and live until they expire', async () => {
    await using folder = await temporaryFolder();
    const journal = await openSqliteJournal({ path: join(folder.path, 'gateway.db') });
    const [one, two] = [newKey(), newKey({ limits: undefined, accounts: undefined, integration: undefined })];
    for (const key of [one, two]) await journal.keys.add(key);
    expect(new Set(await journal.keys.all())).toEqual(new Set([one, two]));
    const at = new Date('2026-04-01T00:00:00Z');
    expect(await journal.keys.live(at)).toHaveLength(2);
    expect(await journal.keys.revoke(one.id, at)).toBe(true);
    expect(await journal.keys.revoke(one.id, new Date())).toBe(false);
    expect(await journal.keys.revoke('nobody', at)).toBe(false);
    expect(await journal.keys.live(at)).toEqual([two]);
    expect(await journal.keys.live(new Date('2027-03-01T10:00:00.000Z'))).toEqual([]);
    expect((await journal.keys.all()).find(({ id }) => id === one.id)?.revokedAt).toEqual(at);
    await journal.close();
  });
});

describe('a ring of keys', () => {
  /** A clock that a test moves, and a record that may be down. */
  async function ring() {
    const key = newKey();
    let time = 0;
    let reads = 0;
    const state = { down: false, keys: [key] };
    const sleepers = new Set<{ due: number; wake: () => void }>();
    const made = new KeyRing({
      store: {
        live: () => {
          reads += 1;
          return state.down ? Promise.reject(new Error('down')) : Promise.resolve(state.keys);
        },
      },
      runtime: {
        now: () => new Date('2026-03-02T00:00:00Z'),
        monotonic: () => time,
        sleep: (ms, signal) =>
          new Promise((resolve) => {
            sleepers.add({ due: time + ms, wake: resolve });
            signal?.addEventListener('abort', () => resolve());
          }),
      },
      log: { warn: () => undefined, info: () => undefined },
    });
    await made.start();
    const pass = async (ms: number) => {
      time += ms;
      for (const sleeper of sleepers) {
        if (sleeper.due > time) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { key, made, state, reads: () => reads, pass };
  }

  it('lets nobody in once the record has not answered for long, and all again when it does', async () => {
    const { key, made, state, pass } = await ring();
    state.down = true;
    await pass(STALE_MS);
    expect(await made.find(key.id)).toMatchObject({ admission: { caller: { name: key.name } } });
    await pass(1);
    expect(await made.find(key.id)).toBe('unavailable');
    state.down = false;
    await pass(REFRESH_MS);
    expect(await made.find(key.id)).toMatchObject({ admission: {} });
    await made.close();
  });

  it('asks the record for unknown keys together, and no more than four times a second', async () => {
    const { made, reads, pass } = await ring();
    const before = reads();
    const asked: Promise<unknown>[] = [];
    for (let ms = 0; ms < 1_000; ms += 10) {
      for (let n = 0; n < 20; n += 1) asked.push(made.find(`unknown-${ms}-${n}`));
      await pass(10);
    }
    await pass(250);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['unknown']));
    expect(reads() - before).toBeLessThanOrEqual(5);
    await made.close();
  });

  it('lets in who has a key that was made a moment after the last look', async () => {
    const { made, state, pass } = await ring();
    const key = newKey();
    state.keys = [...state.keys, key];
    const asked = made.find(key.id);
    await pass(250);
    expect(await asked).toMatchObject({ admission: {} });
    await made.close();
  });

  it('tells who watches that a key is gone, once', async () => {
    const { key, made, state, pass } = await ring();
    const held = await made.find(key.id);
    if (typeof held === 'string') throw new Error(held);
    let told = 0;
    held.admission.revoked?.addEventListener('abort', () => (told += 1));
    state.keys = [];
    await pass(REFRESH_MS);
    expect(told).toBe(1);
    const asked = made.find(key.id);
    await pass(250);
    expect([told, await asked]).toEqual([1, 'unknown']);
    await made.close();
  });
});

describe('a gateway whose keys cannot be read', () => {
  it.skipIf(noPostgres !== undefined)(
    'says try again (503), and buys again for its callers when it can',
    { timeout: 60_000 },
    async () => {
      await using sandbox = await startSandbox();
      await using schema = await temporarySchema();
      const env = environment(sandbox, 'unused', { env: { AUTH_MODE: 'api-key', DATABASE_URL: schema.url } });
      await using gateway = await startGateway(loadConfig(env), {
        log: await createLog('silent'),
        runtime: systemRuntime(),
      });
      const { key } = await create(schema.url, '--name', 'till', '--scopes', 'accounts:read,purchases:write');
      expect(await statusOf(gateway.url, key)).toBe(200);
      await schema.query('alter table api_keys rename to api_keys_away');
      await expect.poll(() => statusOf(gateway.url, key), { timeout: 25_000, interval: 500 }).toBe(503);
      expect(await statusOf(gateway.url, newApiKey().key)).toBe(503);
      await schema.query('alter table api_keys_away rename to api_keys');
      await expect.poll(() => statusOf(gateway.url, key), { timeout: 10_000 }).toBe(200);
      const graphql = graphqlCaller(gateway.url, key);
      const bought = await confirm(graphql, {
        idempotencyKey: 'a',
        from: { details: await electricity(graphql) },
      });
      expect(bought['__typename']).toBe('Purchase');
    },
  );
});
