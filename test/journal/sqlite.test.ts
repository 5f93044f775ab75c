import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { sql, type Kysely, type Migration } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';

import { SqlRecord } from '../../src/journal/record.ts';
import { migrate } from '../../src/journal/migrate.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { sqliteMigrations } from '../../src/journal/sqlite/migrations.ts';
import { finish, newAttempt, newPurchase, NOON, purchaseIn, to, trace } from './fixtures.ts';
import { journalSuite } from './journal-suite.ts';
import { holder, opened, openInside, outsider, tempFolder, tempPath } from './sqlite-fixtures.ts';

journalSuite('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  const path = join(folder, 'gateway.db');
  // Its one process writes with one connection.
  const { journal, store } = await openInside(path);
  return {
    journal,
    as: (instance, integration = 'default') =>
      Promise.resolve(new SqlRecord(store, { instance, shared: true }).of(integration)),
    dispose: async () => {
      await journal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

describe('SQLite: the file', () => {
  test('it is made with its folder, durable at every commit, and for its owner only', async () => {
    const path = join(await tempFolder(), 'a', 'b', 'gateway.db');
    const statements: string[] = [];
    await opened(path, { onStatement: (statement) => statements.push(statement) });
    expect(outsider(path).prepare('pragma journal_mode').all()).toEqual([{ journal_mode: 'wal' }]);
    expect((await stat(path)).mode & 0o077).toBe(0);
    expect((await stat(dirname(path))).mode & 0o077).toBe(0);
    expect(statements.some((statement) => statement.startsWith('create table'))).toBe(true);
    const synchronous = statements.flatMap((sql) => [...sql.matchAll(/\bsynchronous\s*=\s*(\w+)/g)]);
    // The second once each commit is brought to the disk by `Disk`.
    expect(synchronous.map(([, how]) => how)).toEqual(['full', 'normal']);
  });

  test('what was written is there after closing and opening, and closing leaves no WAL to read', async () => {
    const path = await tempPath();
    const first = await openSqliteJournal({ path });
    const { id } = await purchaseIn(first, 'NEEDS_ATTENTION');
    const before = await trace(first, id);
    await first.close();
    expect((await stat(`${path}-wal`).catch(() => ({ size: 0 }))).size).toBe(0);
    const second = await opened(path);
    expect(await trace(second, id)).toEqual(before);
    expect(await second.lastPosition()).toBe(before.lastPosition);
  });

  test('in memory it lives as long as it is open', async () => {
    const journal = await opened(':memory:');
    const { id } = await purchaseIn(journal, 'SUCCEEDED');
    expect(await journal.purchase('id', id)).toBeDefined();
    expect(await (await opened(':memory:')).lastPosition()).toBe(0);
  });

  test('migrations run once, and all of one or nothing', async () => {
    const path = await tempPath();
    const { db } = await openInside(path);
    await migrate(db, sqliteMigrations);
    const broken: Record<string, Migration> = {
      ...sqliteMigrations,
      '9999-broken': {
        async up(connection: Kysely<unknown>) {
          await sql`create table half (id integer)`.execute(connection);
          throw new Error('power cut');
        },
      },
    };
    await expect(migrate(db, broken)).rejects.toThrow('power cut');
    await expect(sql`select * from half`.execute(db)).rejects.toThrow(/no such table/);
    await migrate(db, sqliteMigrations);
  });
});

describe('SQLite: the belts', () => {
  test('the database itself refuses to change a purchase that SUCCEEDED, an event, or to delete a purchase', async () => {
    const path = await tempPath();
    const journal = await opened(path);
    const { id } = await purchaseIn(journal, 'SUCCEEDED');
    const before = await trace(journal, id);
    const database = outsider(path);
    const refused = [
      `update purchases set status = 'FAILED'`,
      `update purchases set state = '{}'`,
      `update events set status = 'FAILED'`,
      `delete from purchases`,
    ];
    for (const statement of refused) expect(() => database.exec(statement), statement).toThrow(/never/);
    expect(await trace(journal, id)).toEqual(before);
  });

  test('the database itself refuses a status it does not know, and a second attempt in flight', async () => {
    const path = await tempPath();
    const journal = await opened(path);
    await journal.begin(newPurchase(), newAttempt());
    const database = outsider(path);
    expect(() => database.exec(`update purchases set status = 'LOST'`)).toThrow(/CHECK/);
    const second = `insert into attempts (purchase_id, number, kind, outcome, started_at, request_id)
      select purchase_id, 2, 'RETRY', 'IN_FLIGHT', 0, '' from attempts`;
    expect(() => database.exec(second)).toThrow(/UNIQUE/);
    expect(() => database.exec(second.replace(`'IN_FLIGHT', 0`, `'UNKNOWN', 0`))).toThrow(/CHECK/);
  });

  test('a damaged row is named, and its text is not in the error', async () => {
    const path = await tempPath();
    const journal = await opened(path);
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    outsider(path).exec(`update purchases set state = '12345678901234567890 token'`);
    const error: unknown = await journal.purchase('id', purchase.id).catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/record is damaged: the row of purchases \(/);
    expect(String(error)).not.toContain('1234567890');
  });
});

describe('SQLite: failing transactions', () => {
  test('a commit that fails undoes all, wakes nobody, and the connection goes on', async () => {
    const { db, store, journal } = await openInside(await tempPath());
    let wakes = 0;
    journal.onCommit(() => wakes++);
    const newOne = { ...newPurchase(), lastEvent: 0, owner: journal.instance };
    const failed = store.write(async (transaction) => {
      await sql`pragma defer_foreign_keys = on`.execute(transaction.db);
      const nobody = { integration: 'default', purchase_id: 'nobody', author: null, reason: null };
      await transaction.appendEvent({
        row: { ...nobody, at: 0, status: 'PENDING', state: '{}' },
        change: null,
        told: (position) => ({ position, at: NOON, purchase: newOne, byHand: null }),
      });
    });
    await expect(failed).rejects.toThrow(/FOREIGN KEY/);
    expect(await journal.lastPosition()).toBe(0);
    const { rows } = await sql`select count(*) as n from events`.execute(db);
    expect(rows).toEqual([{ n: 0 }]);
    await purchaseIn(journal, 'SUCCEEDED');
    expect(await journal.lastPosition()).toBe(2);
    expect(wakes).toBe(2);
  });

  test('a full disk fails the write and nothing else; with room again it goes on', async () => {
    const path = await tempPath();
    const { database, journal } = await openInside(path);
    const { id } = await purchaseIn(journal, 'UNRESOLVED');
    const before = await trace(journal, id);
    database.exec(`pragma max_page_count = ${String(database.pragma('page_count'))}`);
    const big = newPurchase({ idempotencyKey: 'big', order: { comment: 'x'.repeat(100_000) } });
    await expect(journal.begin(big, newAttempt())).rejects.toThrow(/full/);
    expect(await trace(journal, id)).toEqual(before);
    expect(await journal.purchase('idempotencyKey', 'big')).toBeUndefined();
    database.exec('pragma max_page_count = 1000000');
    expect((await journal.begin(big, newAttempt())).attempt).not.toBeNull();
  });

  test('a transaction that was left open is ended before the next', async () => {
    const { database, journal } = await openInside(await tempPath());
    database.exec('begin');
    await journal.ping();
    expect(database.inTransaction).toBe(false);
  });

  test('a statement that fails inside a crowd of others fails alone', async () => {
    const { store, journal } = await openInside(await tempPath());
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        index % 4 === 0
          ? store.write(({ db }) => sql`insert into nowhere values (1)`.execute(db))
          : journal.begin(newPurchase(), newAttempt()),
      ),
    );
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10);
    expect(await journal.lastPosition()).toBe(30);
  });

  test('while another process writes, a write waits and then fails with the remedy', async () => {
    const path = await tempPath();
    const journal = await opened(path);
    const database = outsider(path);
    database.exec('begin immediate');
    await expect(journal.ping()).rejects.toThrow(/gateway\.db.*another process/s);
    database.exec('rollback');
    await journal.ping();
  });
});

describe('SQLite: one gateway per file', () => {
  test('a second gateway is refused, reads by others are not, and after kill -9 it takes over', async () => {
    const path = await tempPath();
    const first = await holder(path);
    expect(first.says).toBe('open');
    expect(outsider(path).prepare('select status from purchases').all()).toEqual([{ status: 'PENDING' }]);

    await expect(openSqliteJournal({ path, busyTimeoutMs: 100 })).rejects.toThrow(
      /Another gateway is using the record .*gateway\.db/,
    );
    const link = join(dirname(path), 'other-name.db');
    await symlink(path, link);
    await expect(openSqliteJournal({ path: link, busyTimeoutMs: 100 })).rejects.toThrow(/Another gateway/);
    expect((await holder(path)).says).toMatch(/Another gateway/);

    await first.kill();
    const journal = await opened(path);
    const [owner = ''] = await journal.owners();
    expect(await journal.adopt(owner, undefined)).toBe(1);
    const [left] = await journal.inFlight();
    expect(left?.purchase.idempotencyKey).toBe('in flight');
    if (left === undefined) return;
    await finish(journal, left.attempt, to('UNRESOLVED'));
    expect(await journal.inFlight()).toEqual([]);
  });

  test('within one process too; closing lets go at once', async () => {
    const path = await tempPath();
    const first = await opened(path);
    await expect(openSqliteJournal({ path, busyTimeoutMs: 50 })).rejects.toThrow(/Another gateway/);
    await first.close();
    await (await opened(path)).ping();
  });

  test('a file that could not be opened is not left locked', async () => {
    const path = await tempPath();
    await writeFile(
      path,
      'this is a text file, and longer than the header of a database would be. '.repeat(20),
    );
    await expect(openSqliteJournal({ path })).rejects.toThrow(/not a SQLite database/);
    await rm(path);
    await (await opened(path)).ping();
  });
});

describe('SQLite: files that cannot be used', () => {
  const problemOf = async (path: string): Promise<string> => {
    try {
      await opened(path);
    } catch (error) {
      if (error instanceof Error) return error.message;
    }
    return 'it opened';
  };

  test('a folder in its place, a file where a folder should be', async () => {
    const path = await tempPath();
    await mkdir(path);
    expect(await problemOf(path)).toMatch(/gateway\.db cannot be used: .*write access/);
    await writeFile(join(dirname(path), 'file'), '');
    expect(await problemOf(join(dirname(path), 'file', 'gateway.db'))).toMatch(/file.*write access/);
  });

  test('another program’s database', async () => {
    const path = await tempPath();
    outsider(path).exec('create table theirs (id integer)');
    expect(await problemOf(path)).toMatch(/gateway\.db cannot be used: .*another program/);
    expect(outsider(path).prepare('select name from sqlite_master').all()).toEqual([{ name: 'theirs' }]);
  });

  test('a record of a newer version', async () => {
    const path = await tempPath();
    await (await opened(path)).close();
    outsider(path).exec(`insert into kysely_migration values ('9999-of-the-future', '2999')`);
    expect(await problemOf(path)).toMatch(/gateway\.db.*9999-of-the-future.*newer version/);
  });

  test('a damaged one', async () => {
    const path = await tempPath();
    await (await opened(path)).close();
    const { size } = await stat(path);
    await writeFile(path, Buffer.alloc(size - 100, 0xa5), { flag: 'r+' });
    expect(await problemOf(path)).toMatch(/gateway\.db cannot be used: .*(damaged|not a SQLite database)/);
  });

  test('one that is locked by another program', async () => {
    const path = await tempPath();
    const theirs = outsider(path);
    theirs.exec('begin exclusive');
    expect(await problemOf(path)).toMatch(/gateway\.db cannot be used: another process keeps it locked/);
    theirs.exec('rollback');
    expect(await problemOf(path)).toBe('it opened');
  });

  test('one that may only be read, and a folder in which nothing may be made', async () => {
    const path = await tempPath();
    const folder = dirname(path);
    await (await opened(path)).close();
    onTestFinished(() => chmod(folder, 0o700));
    await chmod(path, 0o444);
    await chmod(`${path}.lock`, 0o666);
    await chmod(folder, 0o777);
    expect((await holder(path, 'unprivileged')).says).toMatch(/gateway\.db cannot be used: .*write access/);
    await chmod(folder, 0o555);
    expect((await holder(join(folder, 'new.db'), 'unprivileged')).says).toMatch(/new\.db.*write access/);
    expect((await holder(join(folder, 'sub', 'new.db'), 'unprivileged')).says).toMatch(
      /new\.db.*write access/,
    );
  });
});

test('SQLite: an id is read at the clock’s earliest instant too', async () => {
  const journal = await opened(await tempPath());
  const createdAt = new Date(0);
  const { purchase } = await journal.begin(newPurchase({ createdAt }), newAttempt({ startedAt: NOON }));
  const filter = { createdAfter: createdAt, createdBefore: new Date(1) };
  expect(await journal.page({ filter, limit: 2, inverted: false })).toEqual([purchase]);
});
