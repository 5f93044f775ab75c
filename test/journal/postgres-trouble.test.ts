import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { postgresMigrations } from '../../src/journal/postgres/migrations.ts';
import { fault } from '../../src/journal/postgres/fault.ts';
import { noPostgres, temporarySchema } from '../support/postgres.ts';
import { noServer, startPostgresServer, type PostgresServer } from '../support/postgres-server.ts';
import { finish, newAttempt, newPurchase, purchaseIn, to, trace } from './fixtures.ts';
import { freshSchema, open, opened } from './postgres-fixtures.ts';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function complaintOf(url: string): Promise<string> {
  try {
    await (await open(url)).close();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'it opened';
}

describe.skipIf(noPostgres !== undefined)('PostgreSQL: the tables', () => {
  test('of many that open an empty schema at once each one finds them made, once', async () => {
    const schema = await freshSchema();
    const journals = await Promise.all(Array.from({ length: 6 }, () => opened(schema.url)));
    for (const journal of journals) await journal.begin(newPurchase(), newAttempt());
    expect(await journals[0]?.lastPosition()).toBe(6);
    const done = await schema.query('select name from kysely_migration order by name');
    expect(done.map(({ name }) => name)).toEqual(Object.keys(postgresMigrations));
    expect(await schema.query('select position from event_counters')).toEqual([{ position: '6' }]);
  });

  test('schemas that others drop meanwhile do no harm to one that is made', async () => {
    const theirs = await freshSchema();
    const columns = Array.from({ length: 50 }, (_, n) => `c${n} serial`).join();
    let done = false;
    const others = Array.from({ length: 3 }, async (_, one) => {
      for (let n = 0; !done; n += 1) {
        const name = `${theirs.name}_${one}_${n}`;
        await theirs.query(`create schema ${name} create table t (${columns})`);
        await theirs.query(`drop schema ${name} cascade`);
      }
    });
    try {
      for (let n = 0; n < 10; n += 1) await (await open((await freshSchema()).url)).close();
    } finally {
      done = true;
      await Promise.all(others);
    }
  });

  test('a record of an older version is brought up to date by a gateway only', async () => {
    const schema = await freshSchema();
    await expect(open(schema.url, { migrates: false })).rejects.toThrow(
      /lacks migrations.*Start this version of the gateway on it once/,
    );
  });

  test('a record of a newer version, and a schema that is not there or not ours, are named', async () => {
    const schema = await freshSchema();
    await (await open(schema.url)).close();
    await schema.query(`insert into kysely_migration values ('9999-of-the-future', '2999')`);
    expect(await complaintOf(schema.url)).toMatch(/9999-of-the-future.*newer version/);
    expect(await complaintOf(schema.url.replace(schema.name, 'nowhere'))).toMatch(/no schema.*search_path/);
    const theirs = await freshSchema();
    await theirs.query('create table purchases (theirs integer)');
    expect(await complaintOf(theirs.url)).toMatch(/another program/);
  });

  test('the database itself refuses what must never happen', async () => {
    const schema = await freshSchema();
    const journal = await opened(schema.url);
    const { id } = await purchaseIn(journal, 'SUCCEEDED');
    await journal.begin(newPurchase(), newAttempt());
    const before = await trace(journal, id);
    const second = `insert into attempts (purchase_id, number, kind, outcome, started_at, request_id)
      select purchase_id, 2, 'RETRY', 'IN_FLIGHT', 0, '' from attempts where outcome = 'IN_FLIGHT'`;
    const refused: [statement: string, why: RegExp][] = [
      [`update purchases set state = '{}' where status = 'SUCCEEDED'`, /SUCCEEDED never changes/],
      [`update events set status = 'FAILED'`, /an event never changes/],
      ['delete from purchases', /purchases is never deleted/],
      ['delete from attempts', /attempts is never deleted/],
      ['delete from events', /events is never deleted/],
      ['truncate events', /events is never deleted/],
      [`update purchases set status = 'LOST' where status = 'PENDING'`, /violates check/],
      [second, /attempts_one_in_flight/],
      [second.replace(`'IN_FLIGHT', 0`, `'UNKNOWN', 0`), /violates check/],
    ];
    for (const [statement, why] of refused)
      await expect(schema.query(statement), statement).rejects.toThrow(why);
    expect(await trace(journal, id)).toEqual(before);
  });

  test('no error tells the row that it is about', async () => {
    const schema = await freshSchema();
    const journal = await opened(schema.url);
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    await schema.query(`alter table purchases add check (state not like '%12345678901234567890%')`);
    const tokens = [{ kind: 'CREDIT', digits: '12345678901234567890' }] as const;
    const done = finish(journal, { purchaseId: purchase.id, number: 1 }, to('SUCCEEDED', { tokens }));
    const error: unknown = await done.catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/violates check/);
    const told = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(Object(error), name)));
    expect(told.join('\n')).not.toContain('1234567890');
  });

  test('all connections ended, time and again under load: writes fail, nothing is half done, it goes on by itself', async () => {
    const schema = await freshSchema();
    const journals = [await opened(schema.url), await opened(schema.url)];
    const acknowledged: string[] = [];
    let failures = 0;
    const ended = new AbortController();
    const writers = Array.from({ length: 20 }, async (_, index) => {
      while (!ended.signal.aborted) {
        try {
          const journal = journals[index % 2] ?? expect.fail();
          acknowledged.push((await purchaseIn(journal, 'SUCCEEDED')).id);
        } catch {
          failures += 1;
          await sleep(10);
        }
      }
    });
    for (let times = 0; times < 4; times += 1) {
      await sleep(400);
      await schema.terminate();
    }
    await sleep(400);
    ended.abort();
    await Promise.all(writers);
    expect(failures).toBeGreaterThan(0);
    const [journal] = journals;
    const purchases = await journal?.purchases(acknowledged);
    expect(purchases?.filter(({ status }) => status === 'SUCCEEDED')).toHaveLength(acknowledged.length);
    const positions = await schema.query('select position::int from events order by 1');
    expect(positions.map(({ position }) => position)).toEqual(positions.map((_, index) => index + 1));
    await journal?.ping();
  });
});

describe.skipIf(noServer !== undefined)('PostgreSQL: a server that is not as it must be', () => {
  let server: PostgresServer;
  beforeAll(async () => void (server = await startPostgresServer({ fsync: 'off' })));
  afterAll(() => server[Symbol.asyncDispose]());

  test('settings that lose what was committed are refused, with the remedy', async () => {
    expect(await complaintOf(server.url)).toMatch(/fsync is off.*fsync = on/);
    await server.stop('SIGINT');
    await server.start({ synchronous_commit: 'off' });
    expect(await complaintOf(server.url)).toMatch(/synchronous_commit is off.*Set it on/);
    await server.stop('SIGINT');
    await server.start();
    expect(await complaintOf(server.url)).toBe('it opened');
  });

  test('what an operator can mend is told in sentences, never with the password', async () => {
    await server.stop('SIGINT');
    await server.start({ max_connections: '8', superuser_reserved_connections: '1' });
    await using schema = await temporarySchema(server.url);
    await schema.query(`create role gateway login password 'hush-hush'`);
    await schema.query(`grant usage on schema ${schema.name} to gateway`);
    await schema.query('create database latin encoding latin1 template template0');
    const as = (change: (url: URL) => void) => {
      const url = new URL(schema.url);
      [url.username, url.password] = ['gateway', 'hush-hush'];
      change(url);
      return complaintOf(url.href);
    };
    const told = {
      privileges: await as(() => undefined),
      database: await as((url) => (url.pathname = '/nowhere')),
      user: await as((url) => (url.username = 'nobody-we-know')),
      refused: await as((url) => (url.port = '1')),
      unknown: await as((url) => (url.hostname = 'nowhere.invalid')),
      tls: await as((url) => url.searchParams.set('sslmode', 'require')),
      encoding: await as((url) => {
        url.username = 'postgres';
        url.pathname = '/latin';
      }),
    };
    expect(told).toEqual({
      privileges: expect.stringMatching(/lacks privileges.*Grant/),
      database: expect.stringMatching(/no such database.*Create it/),
      user: expect.stringMatching(/refuses the user or the password/),
      refused: expect.stringMatching(/cannot be reached.*host and port/),
      unknown: expect.stringMatching(/cannot be reached.*host and port/),
      tls: expect.stringMatching(/TLS.*sslmode/),
      encoding: expect.stringMatching(/LATIN1.*UTF8/),
    });
    const standby = schema.url.replace('options=', 'options=-cdefault_transaction_read_only%3Don+');
    expect(await complaintOf(standby)).toMatch(/read-only.*primary/);
    const url = new URL(server.url);
    for (let held = 0; held < 7; held += 1) await holdConnection(url.href);
    expect(await as(() => undefined)).toMatch(/no connection left.*max_connections/);
    for (const one of Object.values(told)) expect(one).toMatch(/^The record in postgres:\/\/(?!.*hush)/);
  });

  test('a restart under load: it is told, and all goes on by itself', async () => {
    await server.stop('SIGQUIT');
    await server.start();
    await using schema = await temporarySchema(server.url);
    const warnings: object[] = [];
    const journal = await open(schema.url, { log: { warn: (details) => void warnings.push(details) } });
    const ids = [(await purchaseIn(journal, 'SUCCEEDED')).id];
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
      const stopping = server.stop(signal);
      const during = await purchaseIn(journal, 'SUCCEEDED').catch((error: unknown) => error);
      await stopping;
      if (!(during instanceof Error)) ids.push((during as { id: string }).id);
      await expect(journal.ping()).rejects.toThrow(/cannot be used: .*(reached|starting or stopping)/);
      await expect(journal.begin(newPurchase(), newAttempt())).rejects.toThrow();
      await server.start();
      ids.push((await purchaseIn(journal, 'SUCCEEDED')).id);
    }
    const purchases = await journal.purchases(ids);
    expect(purchases.filter(({ status }) => status === 'SUCCEEDED')).toHaveLength(ids.length);
    expect(warnings.length).toBeGreaterThan(0);
    await journal.close();
  });
});

async function holdConnection(url: string): Promise<void> {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect().catch(() => undefined);
  onTestFinished(() => client.end().catch(() => undefined));
}

test.each([
  ['53100', /disk is full/],
  ['57014', /too long.*DATABASE_STATEMENT_TIMEOUT_MS/],
  ['57P03', /starting or stopping/],
  ['XX001', /damaged.*backup/],
  ['ECONNRESET', /cannot be reached/],
])('PostgreSQL: what %s means is told with its remedy', (code, sentence) => {
  const error = Object.assign(new Error('no'), { code });
  expect(fault('postgres://here/gateway', error).message).toMatch(sentence);
});
