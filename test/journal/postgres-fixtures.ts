import { Kysely } from 'kysely';
import { onTestFinished } from 'vitest';

import { RecordDialect } from '../../src/journal/postgres/dialect.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import type { SqlJournal } from '../../src/journal/journal.ts';
import type { SqlRecord } from '../../src/journal/record.ts';
import { openPostgresRecord, type PostgresJournalOptions } from '../../src/journal/postgres.ts';
import { connection, GuardedPool } from '../../src/journal/postgres/pool.ts';
import { PostgresStore } from '../../src/journal/postgres/store.ts';
import { Waker } from '../../src/journal/postgres/waker.ts';
import type { Tables } from '../../src/journal/tables.ts';
import { DEFAULT_INTEGRATION } from '../../src/purchases/journal.ts';
import { temporarySchema, type TestSchema } from '../support/postgres.ts';

export const quiet = { warn: () => undefined };

export async function open(url: string, options: Partial<PostgresJournalOptions> = {}): Promise<SqlJournal> {
  return (await openRecord(url, options)).of(DEFAULT_INTEGRATION);
}

export function openRecord(url: string, options: Partial<PostgresJournalOptions> = {}): Promise<SqlRecord> {
  return openPostgresRecord({
    url,
    poolSize: 5,
    statementTimeoutMs: 10_000,
    runtime: systemRuntime(),
    log: quiet,
    ...options,
  });
}

export async function opened(
  url: string,
  options: Partial<PostgresJournalOptions> = {},
): Promise<SqlJournal> {
  const journal = await open(url, options);
  onTestFinished(() => journal.close());
  return journal;
}

export async function freshSchema(): Promise<TestSchema> {
  const schema = await temporarySchema();
  onTestFinished(() => schema[Symbol.asyncDispose]());
  return schema;
}

/** A store whose transactions the test can reach, on a record that is there already after `opened`. */
export async function inside(url: string): Promise<{ db: Kysely<Tables>; store: PostgresStore }> {
  await (await open(url)).close();
  const options = { url, statementTimeoutMs: 10_000 };
  const runtime = systemRuntime();
  const pool = new GuardedPool({ ...options, size: 5, log: quiet });
  const db = new Kysely<Tables>({ dialect: new RecordDialect({ pool }) });
  const waker = new Waker({ connection: connection(options), channel: 'inside', runtime, log: quiet });
  const store = new PostgresStore({ db, waker, where: 'here', runtime });
  onTestFinished(() => store.close());
  return { db, store };
}
