import { randomUUID } from 'node:crypto';
import { access, constants, open } from 'node:fs/promises';

import { Kysely } from 'kysely';

import { DEFAULT_INTEGRATION } from '../purchases/journal.ts';
import { openSeal } from './data-keys.ts';
import type { SqlJournal } from './journal.ts';
import { SqlRecord } from './record.ts';
import { migrate } from './migrate.ts';
import { Checkpoints, PAGES_AT_MOST } from './sqlite/checkpoints.ts';
import { Database, DurableSqliteDialect, TransactionalSqliteDialect } from './sqlite/database.ts';
import { Disk } from './sqlite/disk.ts';
import { codeOf, fault } from './sqlite/fault.ts';
import { lock } from './sqlite/lock.ts';
import { APPLICATION_ID } from './sqlite/existing.ts';
import { sqliteMigrations } from './sqlite/migrations.ts';
import { requireRestored, truePath } from './sqlite/path.ts';
import { SqliteStore } from './sqlite/store.ts';
import type { DataKey } from './seal.ts';
import type { Tables } from './tables.ts';

export interface SqliteJournalOptions {
  /** A file, made with its folder where there is none, or ':memory:', which is lost with the process. */
  readonly path: string;
  /** The journal's `instance`; never the same twice. Default: a random one. */
  readonly instance?: string | undefined;
  /**
   * How long to wait for another process that has the file locked, in ms; 5,000 by default. The whole process waits:
   * SQLite is called synchronously.
   */
  readonly busyTimeoutMs?: number | undefined;
  /** Under which what is personal, or as good as cash, lies sealed; the current one first. Default: none, in plain text. */
  readonly dataKeys?: readonly DataKey[] | undefined;
  /** Told the SQL, without its parameters, of each statement: for tests and for diagnosis. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

const MEMORY = ':memory:';
/** What is left of the WAL on disk after a checkpoint that followed a burst. */
const WAL_LEFT_BYTES = 64 * 1024 * 1024;
/**
 * Of every connection that writes. fullfsync: on macOS an ordinary fsync does not reach the disk; elsewhere it changes
 * nothing. secure_delete: an answer that is blotted out does not go on lying in the file.
 */
export const DURABLE = `pragma synchronous = full; pragma foreign_keys = on; pragma fullfsync = on;
  pragma checkpoint_fullfsync = on; pragma secure_delete = on`;

/**
 * Opens the record in a SQLite file, for this process alone. Throws an `Error` that names the file and the remedy when
 * it cannot be used: not writable, not a database, damaged, locked, in use by another gateway, of a newer version.
 */
export async function openSqliteRecord(options: SqliteJournalOptions): Promise<SqlRecord> {
  const { busyTimeoutMs = 5_000, onStatement } = options;
  const path = options.path === MEMORY ? MEMORY : await truePath(options.path);
  const held = path === MEMORY ? { release: () => undefined } : lock(path, busyTimeoutMs);
  const disk = path === MEMORY ? undefined : Disk.underWal(path);
  let database: Database | undefined;
  try {
    if (path !== MEMORY) await requireRestored(path);
    if (path !== MEMORY) await prepareFile(path);
    database = new Database(path, { busyTimeoutMs, onStatement });
    recognise(database);
    configure(database, path);
    const dialect =
      disk === undefined
        ? new TransactionalSqliteDialect({ database })
        : new DurableSqliteDialect({ database, disk });
    const db = new Kysely<Tables>({ dialect });
    await migrate(db, sqliteMigrations);
    const checkpoints = disk && new Checkpoints(path);
    const store = new SqliteStore({ path, database, db, disk, checkpoints, release: held.release });
    const seal = await openSeal(store, options.dataKeys ?? []);
    const record = new SqlRecord(store, { instance: options.instance ?? randomUUID(), shared: false, seal });
    await record.ping();
    // From here on `disk` waits for the disk, with the WAL made and its folder on disk.
    if (disk !== undefined) {
      database.exec('pragma synchronous = normal');
      requireSetting(database, 'synchronous', 1);
      database.exec(`pragma wal_autocheckpoint = ${PAGES_AT_MOST}`);
    }
    return record;
  } catch (error) {
    await disk?.close();
    database?.close();
    held.release();
    throw fault(path, error);
  }
}

/** The same, of the integration that there is when none is named. */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<SqlJournal> {
  return (await openSqliteRecord(options)).of(DEFAULT_INTEGRATION);
}

/** The record holds tokens that are as good as cash: nobody but its owner reads a file that we make. */
async function prepareFile(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    // Not opened when it exists: to close a file drops every lock that this process has on it.
    if (codeOf(error) !== 'EEXIST') throw error;
    await access(path, constants.R_OK | constants.W_OK);
  }
}

function recognise(database: Database): void {
  const id = database.pragma('application_id');
  if (id === APPLICATION_ID) return;
  const [table] = database.prepare('select 1 from sqlite_master limit 1').all([]);
  if (id !== 0 || table !== undefined) {
    throw new Error('it is the database of another program. Name another file.');
  }
  database.exec(`pragma application_id = ${APPLICATION_ID}`);
}

/** Durable at every commit (R2): what is asked for is read back. */
function configure(database: Database, path: string): void {
  const wanted = { journal_mode: path === MEMORY ? 'memory' : 'wal', synchronous: 2, foreign_keys: 1 };
  database.exec(`pragma journal_mode = wal; ${DURABLE}; pragma journal_size_limit = ${WAL_LEFT_BYTES}`);
  for (const [name, value] of Object.entries(wanted)) requireSetting(database, name, value);
}

function requireSetting(database: Database, name: string, value: string | number): void {
  const got = database.pragma(name);
  if (got === value) return;
  throw new Error(`${name} is ${String(got)} where ${value} is needed. The file must be on a local disk.`);
}
