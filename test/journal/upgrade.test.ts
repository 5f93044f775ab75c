import { Kysely } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';

import { migrate } from '../../src/journal/migrate.ts';
import { RecordDialect } from '../../src/journal/postgres/dialect.ts';
import { GuardedPool } from '../../src/journal/postgres/pool.ts';
import { postgresMigrations } from '../../src/journal/postgres/migrations.ts';
import { openSqliteRecord } from '../../src/journal/sqlite.ts';
import { verifyCopy } from '../../src/journal/sqlite/verify.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import { noPostgres } from '../support/postgres.ts';
import { finish, newAttempt, newPurchase, NOON, to } from './fixtures.ts';
import { before, oldIds, oldRows, oldSqliteRecord } from './old-record.ts';
import { freshSchema, opened as openedPostgres, openRecord, quiet } from './postgres-fixtures.ts';
import { opened, outsider, tempPath } from './sqlite-fixtures.ts';

/** What stands already that a caller was shown, on the same day: nobody writes it a second time. */
const SECOND_REVEAL = `insert into audit (integration, at, action, actor, name, purchase_id)
  select integration, at + 1, action, actor, name, purchase_id from audit where actor = 'CALLER'`;

async function expectUpgraded(journal: Journal, other: Journal): Promise<void> {
  expect(await journal.purchase('idempotencyKey', `key-${oldIds[0]}`)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await journal.purchases(oldIds)).toHaveLength(2);
  expect(await journal.attempts([oldIds[0]])).toMatchObject([{ answer: { body: 'raw' } }]);
  expect(await journal.quotes(['q'])).toHaveLength(1);
  const events = await journal.events({ after: 0, limit: 10 });
  expect(events.map(({ position, purchase: { id } }) => [position, id])).toEqual([
    [1, oldIds[0]],
    [2, oldIds[0]],
    [3, oldIds[1]],
  ]);
  const taken = await journal.begin(newPurchase({ idempotencyKey: `key-${oldIds[0]}` }), newAttempt());
  expect(taken.attempt).toBeNull();
  expect((await journal.begin(newPurchase(), newAttempt())).purchase.lastEvent).toBe(4);
  const audited = { at: NOON, action: 'REVEALED', actor: 'OPERATOR', name: 'k', reason: null } as const;
  await journal.audit([{ ...audited, purchaseId: oldIds[0] }]);
  await journal.reveal({ caller: 'app', at: NOON, purchaseIds: [oldIds[0]] });
  expect(await journal.owners()).toEqual(['old']);
  expect(await journal.adopt('old', undefined)).toBe(1);
  const settled = await finish(journal, { purchaseId: oldIds[1], number: 1 }, to('FAILED'));
  expect(settled.lastEvent).toBe(5);
  expect(await other.page({ limit: 10, inverted: false })).toEqual([]);
  expect((await other.begin(newPurchase(), newAttempt())).purchase.lastEvent).toBe(1);
}

test('a SQLite record of before there were integrations is the default one’s, positions, keys, belts and all', async () => {
  const path = await tempPath();
  await oldSqliteRecord(path);
  // A backup of that version can be restored still.
  expect(await verifyCopy(path, { older: true })).toMatchObject({ purchases: 2, events: 3, lastPosition: 3 });

  const record = await openSqliteRecord({ path });
  onTestFinished(() => record.close());
  await expectUpgraded(record.of('default'), record.of('shop'));
  expect(await record.integrations()).toEqual(['default', 'shop']);
  const outside = outsider(path);
  for (const statement of [
    `update purchases set state = '{}' where id = '${oldIds[0]}'`,
    `update purchases set integration = 'shop'`,
    `update events set status = 'FAILED'`,
    `delete from purchases`,
    `update audit set name = 'nobody'`,
    `delete from audit`,
  ])
    expect(() => outside.exec(statement), statement).toThrow(/never/);
  expect(() => outside.exec(SECOND_REVEAL)).toThrow(/UNIQUE/);
  expect(outside.prepare('pragma foreign_key_check').all()).toEqual([]);
  expect(outside.prepare(`select name from sqlite_master where name like 'new_%'`).all()).toEqual([]);
});

test('a SQLite record of before that was empty begins its events at 1', async () => {
  const path = await tempPath();
  await oldSqliteRecord(path, []);
  const journal = await opened(path);
  expect((await journal.begin(newPurchase(), newAttempt())).purchase.lastEvent).toBe(1);
});

describe.skipIf(noPostgres !== undefined)('an older record in PostgreSQL', () => {
  test('is the default one’s, positions, keys, belts and all', async () => {
    const schema = await freshSchema();
    const options = { url: schema.url, statementTimeoutMs: 10_000 };
    const pool = new GuardedPool({ ...options, size: 1, log: quiet });
    const db = new Kysely<unknown>({ dialect: new RecordDialect({ pool }) });
    await migrate(db, before(postgresMigrations), schema.name);
    await db.destroy();
    for (const statement of oldRows) await schema.query(statement);
    await schema.query('update event_counter set position = 3');
    const journal = await openedPostgres(schema.url);
    const record = await openRecord(schema.url);
    onTestFinished(() => record.close());
    await expectUpgraded(journal, record.of('shop'));
    for (const statement of [
      `update purchases set state = '{}' where id = '${oldIds[0]}'`,
      `update purchases set integration = 'shop'`,
      `update events set status = 'FAILED'`,
      `delete from audit`,
      `truncate audit`,
    ])
      await expect(schema.query(statement), statement).rejects.toThrow(/never/);
    await expect(schema.query(SECOND_REVEAL)).rejects.toThrow(/unique/);
  });
});
