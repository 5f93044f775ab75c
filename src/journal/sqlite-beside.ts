import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';

import { Kysely } from 'kysely';

import { DEFAULT_INTEGRATION } from '../purchases/journal.ts';
import { openSeal } from './data-keys.ts';
import type { SqlJournal } from './journal.ts';
import { SqlRecord } from './record.ts';
import { requireMigrated } from './migrate.ts';
import { DURABLE } from './sqlite.ts';
import { TransactionalSqliteDialect, type Database } from './sqlite/database.ts';
import { openExisting } from './sqlite/existing.ts';
import { fault } from './sqlite/fault.ts';
import { sqliteMigrations } from './sqlite/migrations.ts';
import { SqliteStore } from './sqlite/store.ts';
import type { DataKey } from './seal.ts';
import type { Tables } from './tables.ts';

export interface BesideOptions {
  readonly path: string;
  /** How long to wait for another process that is writing, in ms; 5,000 by default. */
  readonly busyTimeoutMs?: number;
  /** The keys that its gateway has. Default: none. */
  readonly dataKeys?: readonly DataKey[] | undefined;
}

/** The same, of the integration that there is when none is named. */
export async function openSqliteJournalBeside(options: BesideOptions): Promise<SqlJournal> {
  return (await openSqliteRecordBeside(options)).of(DEFAULT_INTEGRATION);
}

/**
 * Opens a record that there is, beside the gateway that is using it or without one: takes no lock of it and never
 * migrates it. Throws an `Error` that names the file and the remedy, also when the record is not exactly of this version.
 */
export async function openSqliteRecordBeside(options: BesideOptions): Promise<SqlRecord> {
  const path = resolve(options.path);
  let database: Database | undefined;
  try {
    database = await openExisting(path, { busyTimeoutMs: options.busyTimeoutMs ?? 5_000 });
    database.exec(DURABLE);
    const db = new Kysely<Tables>({ dialect: new TransactionalSqliteDialect({ database }) });
    await requireMigrated(db, sqliteMigrations);
    const store = new SqliteStore({ path, database, db, release: () => undefined });
    const seal = await openSeal(store, options.dataKeys ?? []);
    return new SqlRecord(store, { instance: randomUUID(), shared: false, seal });
  } catch (error) {
    database?.close();
    throw fault(path, error);
  }
}
