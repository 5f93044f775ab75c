import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { Kysely, sql } from 'kysely';

import { SqlRecord } from '../../src/journal/record.ts';
import { migrate } from '../../src/journal/migrate.ts';
import { sealWith, unsealed, type DataKey } from '../../src/journal/seal.ts';
import { openSqliteRecord } from '../../src/journal/sqlite.ts';
import { Database, TransactionalSqliteDialect } from '../../src/journal/sqlite/database.ts';
import { sqliteMigrations } from '../../src/journal/sqlite/migrations.ts';
import { SqliteStore } from '../../src/journal/sqlite/store.ts';
import type { Tables } from '../../src/journal/tables.ts';
import { blotAnswers } from '../../src/journal/writes.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import { noPostgres } from '../support/postgres.ts';
import { command } from '../support/operator.ts';
import {
  answer,
  finish,
  later,
  newAttempt,
  newPurchase,
  newQuote,
  purchaseIn,
  to,
  trace,
} from './fixtures.ts';
import { journalSuite } from './journal-suite.ts';
import { freshSchema, inside, openRecord } from './postgres-fixtures.ts';
import { outsider, tempPath } from './sqlite-fixtures.ts';

const aKey = (id: string): DataKey => ({ id, key: randomBytes(32) });
const [old, current] = [aKey('2025'), aKey('2026')];

/** What must not be read from the record's files. */
const SECRETS = {
  meter: '04040404777',
  phone: '+26771999888',
  token: '99887766554433221100',
  name: 'Keabetswe Modise',
  address: 'Plot 4711, Maun',
  comment: 'for my aunt in Maun',
  reason: 'she read 99887766554433221100 to me',
};

async function fill(journal: Journal) {
  const { meter, phone, token, name, address, comment, reason } = SECRETS;
  const subscriber = { identifier: meter, name, address };
  const order = { subscriberIdentifier: meter, beneficiaryPhoneNumber: phone, comment };
  await journal.saveQuote(newQuote({ subscriber, order: newPurchase({ order }).order }));
  const { purchase } = await journal.begin(newPurchase({ subscriber, order }), newAttempt());
  const first = { purchaseId: purchase.id, number: 1 };
  await journal.keepAnswer(first, answer({ body: `{"token":"${token}","to":"${phone}"}` }));
  const tokens = [{ kind: 'CREDIT', digits: token }] as const;
  await finish(journal, first, to('SUCCEEDED', { tokens, subscriber }));
  const doubtful = await purchaseIn(journal, 'UNRESOLVED', { order, subscriber });
  const byHand = { author: 'kagiso', reason };
  await journal.decide(doubtful.id, byHand, () => to('SUCCEEDED', { tokens }));
  const entry = { at: later(1), action: 'REVEALED', actor: 'OPERATOR', name: 'naledi' } as const;
  await journal.audit([{ ...entry, purchaseId: purchase.id, reason }]);
  return { purchase, doubtful };
}

/** Everything that is read of it by its own ways. */
async function told(journal: Journal, ids: readonly string[]) {
  const traces = await Promise.all(ids.map((id) => trace(journal, id)));
  const filter = { subscriberIdentifier: SECRETS.meter };
  const found = await journal.page({ filter, limit: 10, inverted: false });
  return { traces, found, trail: await journal.auditTrail({ limit: 10 }) };
}

function leaks(bytes: string | Buffer): string[] {
  const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
  return Object.entries(SECRETS).flatMap(([what, secret]) => (text.includes(secret) ? [what] : []));
}

/** Of the file itself, its WAL and whatever else lies beside it. */
async function leaksOf(path: string): Promise<string[]> {
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(basename(path)));
  const files = await Promise.all(
    names.map((name) =>
      // A connection that was closed before takes its own away when it pleases.
      readFile(join(dirname(path), name)).catch(() => Buffer.alloc(0)),
    ),
  );
  return files.flatMap(leaks);
}

describe('a seal', () => {
  const seal = sealWith([current, old]);

  test.each(['', 'x', '{"a":1}', '\ud83d\ude00 ключ', 'sealed:1:2026:AAAA', 'marked:x', 'y'.repeat(100_000)])(
    'opens what it closed, at the same place only (%#)',
    (text) => {
      const closed = seal.close('here', text);
      expect(closed).toMatch(/^sealed:1:2026:[\w-]+$/);
      expect(seal.close('here', text)).not.toBe(closed);
      expect(seal.open('here', closed)).toBe(text);
      expect(() => seal.open('there', closed)).toThrow(/does not open/);
    },
  );

  test('what is changed by a bit, cut off or of another key of that name does not open', () => {
    const closed = seal.close('here', 'text');
    const flipped = closed.slice(0, -3) + (closed.at(-3) === 'A' ? 'B' : 'A') + closed.slice(-2);
    for (const spoilt of [flipped, closed.slice(0, -4), closed.slice(0, 20)])
      expect(() => seal.open('here', spoilt), spoilt).toThrow(/damaged, or was changed/);
    expect(() => sealWith([aKey('2026')]).open('here', closed)).toThrow(/does not open/);
    expect(() => sealWith([old]).open('here', closed)).toThrow(/under the key 2026, which DATA_KEYS lacks/);
  });

  test('a mark is the same for the same text of one integration, and tells nothing of another', () => {
    expect(seal.mark('shop', 'meter')).toBe(seal.mark('shop', 'meter'));
    expect(seal.mark('shop', 'meter')).not.toBe(seal.mark('kiosk', 'meter'));
    expect(seal.marks('shop', 'meter')).toEqual([
      seal.mark('shop', 'meter'),
      sealWith([old]).mark('shop', 'meter'),
      'meter',
    ]);
  });

  test('without keys text stays as it is, and never looks sealed', () => {
    expect(unsealed.close('here', '{"a":1}')).toBe('{"a":1}');
    const posing = sealWith([current]).close('here', 'x');
    expect(seal.open('here', unsealed.close('here', posing))).not.toBe('x');
  });
});

// Every promise of the record, sealed.
journalSuite('SQLite, sealed', async () => {
  const database = new Database(await tempPath(), { busyTimeoutMs: 200 });
  database.exec('pragma journal_mode = wal; pragma foreign_keys = on');
  const db = new Kysely<Tables>({ dialect: new TransactionalSqliteDialect({ database }) });
  await migrate(db, sqliteMigrations);
  const store = new SqliteStore({ path: 'here', database, db, release: () => undefined });
  const as = (instance: string, integration = 'default') =>
    Promise.resolve(
      new SqlRecord(store, { instance, shared: true, seal: sealWith([current, old]) }).of(integration),
    );
  const journal = await as('one');
  return { journal, as, dispose: () => journal.close() };
});

describe('SQLite, sealed', () => {
  const opened = async (path: string, ...dataKeys: DataKey[]) => {
    const record = await openSqliteRecord({ path, dataKeys, busyTimeoutMs: 200 });
    onTestFinished(() => record.close());
    return record;
  };
  const reseal = (path: string, ...keys: DataKey[]) =>
    command('reseal', ['--json'], path, { env: { DATA_KEYS: written(keys) } });

  test('nothing personal and no token is in any of its files, while it is open and afterwards', async () => {
    const path = await tempPath();
    const record = await opened(path, current);
    const { purchase } = await fill(record.of('default'));
    expect(await leaksOf(path)).toEqual([]);
    // The test would see it: the reference is not sealed.
    const files = await readFile(`${path}-wal`);
    expect(files.includes(purchase.reference)).toBe(true);
    await record.close();
    expect(await leaksOf(path)).toEqual([]);
    expect((await readFile(path)).includes(purchase.reference)).toBe(true);
  });

  test('a record in plain text is sealed beside its gateway, what SUCCEEDED too, and reads the same', async () => {
    const path = await tempPath();
    const before = await opened(path);
    const { purchase, doubtful } = await fill(before.of('default'));
    const ids = [purchase.id, doubtful.id];
    const all = await told(before.of('default'), ids);
    await before.close();
    expect(await leaksOf(path)).toEqual(expect.arrayContaining(Object.keys(SECRETS)));

    const record = await opened(path, current);
    expect(await told(record.of('default'), ids)).toEqual(all);
    const { code, out, err } = await reseal(path, current);
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual({ purchases: 2, quotes: 1, retired: [] });
    expect(await leaksOf(path)).toEqual([]);
    expect(await told(record.of('default'), ids)).toEqual(all);
    // And it goes on: found by its meter before and after.
    const order = { subscriberIdentifier: SECRETS.meter };
    await purchaseIn(record.of('default'), 'FAILED', { order });
    const filter = { subscriberIdentifier: SECRETS.meter };
    expect(await record.of('default').page({ filter, limit: 10, inverted: false })).toHaveLength(3);
    expect(JSON.parse((await reseal(path, current)).out)).toEqual({ purchases: 0, quotes: 0, retired: [] });
  });

  test('a key is rotated: both are read, new writes lie under the new one, and the old one is retired', async () => {
    const path = await tempPath();
    const first = await opened(path, old);
    const { purchase, doubtful } = await fill(first.of('default'));
    const ids = [purchase.id, doubtful.id];
    const all = await told(first.of('default'), ids);
    await first.close();
    const both = await opened(path, current, old);
    expect(await told(both.of('default'), ids)).toEqual(all);
    await both.close();
    expect(JSON.parse((await reseal(path, current, old)).out)).toEqual({
      ...{ purchases: 2, quotes: 1, retired: ['2025'] },
    });
    const alone = await opened(path, current);
    expect(await told(alone.of('default'), ids)).toEqual(all);
    expect((await readFile(path)).includes(':2025:')).toBe(false);
  });

  test('without its key, or with another of that name, it does not open, and says why', async () => {
    const path = await tempPath();
    await (await opened(path, current)).close();
    await expect(opened(path)).rejects.toThrow(
      /gateway\.db cannot be used: .*the key 2026, and DATA_KEYS names none/,
    );
    await expect(opened(path, old)).rejects.toThrow(/the key 2026, which DATA_KEYS lacks: it names 2025/);
    await expect(opened(path, aKey('2026'))).rejects.toThrow(
      /another key of the name 2026\. Correct that key/,
    );
    const refused = await command('purchases', ['list'], path);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err).toMatch(/Add that key to DATA_KEYS/);
    expect(
      (await command('purchases', ['list'], path, { env: { DATA_KEYS: written([current]) } })).code,
    ).toBe(0);
    expect((await reseal(await emptyRecord())).err).toMatch(/There is no key to seal with/);
  });

  test('nobody but a transaction that seals anew may touch what SUCCEEDED, and even that one nothing but the seal', async () => {
    const path = await tempPath();
    const record = await opened(path, current);
    const { purchase } = await fill(record.of('default'));
    const outside = outsider(path);
    const sealed = `state = 'sealed:1:2026:AAAA'`;
    expect(() => outside.exec(`update purchases set ${sealed}`)).toThrow(/never changes/);
    expect(() => outside.exec(`update events set ${sealed}`)).toThrow(/never changes/);
    const seals = (statement: string) => {
      outside.exec('begin; insert into resealing values (1)');
      try {
        outside.exec(statement);
      } finally {
        outside.exec('rollback');
      }
    };
    for (const statement of [
      `update purchases set status = 'FAILED'`,
      `update purchases set ${sealed}, amount = '1'`,
      `update purchases set state = '{}'`,
      `update purchases set subscriber_identifier = '04040404040'`,
      `update events set status = 'FAILED'`,
      `update events set ${sealed}, at = 1`,
      `update audit set name = 'nobody'`,
      `delete from audit`,
    ])
      expect(() => seals(statement), statement).toThrow(/never/);
    seals(`update purchases set ${sealed} where id = '${purchase.id}'`);
    expect((await record.of('default').purchase('id', purchase.id))?.status).toBe('SUCCEEDED');
  });

  async function emptyRecord(): Promise<string> {
    const path = await tempPath();
    await (await opened(path)).close();
    return path;
  }
});

function written(keys: readonly DataKey[]): string {
  return keys.map(({ id, key }) => `${id}:${Buffer.from(key).toString('base64')}`).join(',');
}

describe.skipIf(noPostgres !== undefined)('PostgreSQL, sealed', () => {
  test('from plain text to a key, and from that to the next, beside an instance that goes on buying', async () => {
    const schema = await freshSchema();
    const everything = async () => {
      const rows = await schema.query(
        `select t::text as row from purchases t union all select t::text from events t union all
         select t::text from attempts t union all select t::text from quotes t union all select t::text from audit t`,
      );
      return leaks(rows.map(({ row }) => String(row)).join('\n'));
    };
    const opened = async (...dataKeys: DataKey[]) => {
      const record = await openRecord(schema.url, { dataKeys });
      onTestFinished(() => record.close());
      return record;
    };
    const before = await opened();
    const { purchase, doubtful } = await fill(before.of('default'));
    const ids = [purchase.id, doubtful.id];
    const all = await told(before.of('default'), ids);
    await before.close();
    expect((await everything()).length).toBeGreaterThan(0);

    for (const [keys, retired] of [
      [[old], []],
      [[current, old], ['2025']],
    ] as const) {
      const record = await opened(...keys);
      const [key] = keys;
      const buying = Promise.all(
        Array.from({ length: 20 }, () => purchaseIn(record.of('shop'), 'SUCCEEDED')),
      );
      const env = { DATA_KEYS: written(keys), DATABASE_URL: schema.url };
      const { code, out, err } = await command('reseal', ['--json'], '', { env });
      expect([code, err]).toEqual([0, '']);
      await buying;
      expect(JSON.parse(out)).toMatchObject({ quotes: 1, retired });
      expect(await everything()).toEqual([]);
      expect(await told(record.of('default'), ids)).toEqual(all);
      const shop = await record.of('shop').page({ limit: 100, inverted: false });
      expect(shop.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
      const [row] = await schema.query('select content from purchases where id = $1', [purchase.id]);
      expect(row?.['content']).toMatch(new RegExp(`^sealed:1:${key.id}:`));
      await record.close();
    }
    await expect(opened(old)).rejects.toThrow(/the key 2026, which DATA_KEYS lacks/);
    const belts = [
      `update purchases set state = 'sealed:1:2026:AAAA'`,
      `update events set state = 'sealed:1:2026:AAAA'`,
      `begin; insert into resealing values (1); update purchases set status = 'FAILED'; commit`,
      `begin; insert into resealing values (1); update events set state = '{}'; commit`,
      `begin; insert into resealing values (1); update audit set name = 'nobody'; commit`,
      `delete from audit`,
    ];
    for (const statement of belts) await expect(schema.query(statement), statement).rejects.toThrow(/never/);
  });

  test('an answer that is blotted out while it is sealed anew stays blotted out', async () => {
    const schema = await freshSchema();
    const { db, store } = await inside(schema.url);
    const record = await openRecord(schema.url, { dataKeys: [old] });
    const journal = record.of('default');
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    const first = { purchaseId: purchase.id, number: 1 };
    await journal.keepAnswer(first, answer({ body: 'a token' }));
    const finished = { outcome: 'SUCCEEDED', problem: null, finishedAt: later(1) } as const;
    await journal.finishAttempt(first, finished, to('SUCCEEDED'));
    await record.close();
    const renewed = await openRecord(schema.url, { dataKeys: [current, old] });
    onTestFinished(() => renewed.close());
    const day = later(86_400_000);
    let resealing: Promise<unknown> = Promise.resolve();
    await store.write(async (transaction) => {
      const blotted = await blotAnswers(transaction, { settledBefore: day, now: day, limit: 10 });
      expect(blotted).toBe(1);
      // It reads what was there before this commits, and waits for this to write it.
      resealing = renewed.reseal();
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction.db);
      const blocked = sql`select from pg_stat_activity where ${rows[0]?.pid} = any (pg_blocking_pids(pid))`;
      await expect.poll(async () => (await blocked.execute(db)).rows.length).toBe(1);
    });
    await resealing;
    const [attempt] = await renewed.of('default').attempts([purchase.id]);
    expect([attempt?.answer?.body, attempt?.answerBlottedAt]).toEqual(['', day]);
    const [row] = await schema.query('select answer_body from attempts');
    expect(row?.['answer_body']).toBe('');
  });
});
