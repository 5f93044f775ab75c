import { z } from 'zod';

import { Database } from '../src/journal/sqlite/database.ts';
import { openSqliteJournal } from '../src/journal/sqlite.ts';
import { finish, newAttempt, newPurchase, to } from '../test/journal/fixtures.ts';
import { ANSWER, details, END } from './fill.ts';

/** From one purchase to the next. */
const APART_MS = 2_000;
const BUSY_TIMEOUT_MS = 5_000;
/** Nothing is lost that cannot be made again; half a gigabyte of pages, for the keys that are in no order. */
const QUICK = `pragma journal_mode = off; pragma synchronous = off; pragma foreign_keys = off;
  pragma cache_size = -500000; pragma temp_store = memory`;

const columns = z.array(z.object({ name: z.string() }));
const indices = z.array(z.object({ name: z.string(), sql: z.string() }));

/** The reference of the nth purchase, of a record that holds `count`. */
export const referenceOf = (n: number, count: number): string => `GW-${idOf(n, count)}`;

/**
 * Makes a record in a SQLite file with `count` purchases that SUCCEEDED, each with its attempt and its raw answer, two events
 * and an entry of the audit trail. The first is written by the gateway's own code; the others are copies of its rows, so that they are as
 * long; indices are made at the end.
 */
export async function fillSqlite(path: string, count: number): Promise<void> {
  const journal = await openSqliteJournal({ path: `${path}.first` });
  const id = idOf(1, count);
  const { purchase } = await journal.begin(
    newPurchase({ id, createdAt: new Date(timeOf(1, count)) }),
    newAttempt(),
  );
  const first = { purchaseId: purchase.id, number: 1 };
  await journal.keepAnswer(first, { status: 200, body: ANSWER, complete: true, retryAfterSeconds: null });
  await finish(journal, first, to('SUCCEEDED', details.SUCCEEDED));
  await journal.close();

  // A file of its own: libsql lets go of one that was closed when the garbage collector comes by.
  const template = new Database(`${path}.first`, { busyTimeoutMs: BUSY_TIMEOUT_MS });
  template.exec(`vacuum into '${path}'`);
  template.close();
  const database = new Database(path, { busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    database.exec(QUICK);
    const made = indices.parse(
      database
        .prepare(`select name, sql from sqlite_master where type = 'index' and sql is not null`)
        .all([]),
    );
    for (const { name } of made) database.exec(`drop index ${name}`);
    const copy = (table: string, changes: Readonly<Record<string, string>>) => {
      const names = columns.parse(database.prepare(`pragma table_info(${table})`).all([]));
      const values = names.map(({ name }) => changes[name] ?? `template.${name}`);
      // The series is the outer loop: what is numbered is written in order.
      database.exec(`create temp table template as select * from ${table};
        insert into ${table} (${names.map(({ name }) => name).join()})
          select ${values.join()} from generate_series(2, ${count}) cross join template;
        drop table template`);
    };
    const at = `${timeOf(0, count)} + value * ${APART_MS}`;
    const nth = `printf('%08x-%04x-7000-8000-%012x', (${at}) >> 16, (${at}) & 65535, value)`;
    copy('purchases', {
      ...{ id: nth, idempotency_key: `printf('%08x%08x', value * 2654435761 & 4294967295, value)` },
      ...{ reference: `'GW-' || ${nth}`, created_at: at, last_event: '2 * value' },
    });
    copy('attempts', { purchase_id: nth, started_at: at, finished_at: `${at} + 1000` });
    copy('events', { purchase_id: nth, position: 'template.position + 2 * value - 2', at });
    database.exec(`insert into audit (integration, at, action, actor, name, purchase_id)
      select integration, created_at, 'CONFIRMED', 'CALLER', 'shop-frontend', id from purchases;
      update event_counters set position = ${2 * count}`);
    for (const { sql } of made) database.exec(sql);
    database.exec('analyze');
  } finally {
    database.close();
  }
}

const timeOf = (n: number, count: number) => END - (count - n) * APART_MS;

/** As the statement above makes it: a UUID of version 7, in order of time. */
function idOf(n: number, count: number): string {
  const time = timeOf(n, count).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}
