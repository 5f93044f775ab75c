import { randomUUID } from 'node:crypto';

import { Kysely } from 'kysely';

import { DEFAULT_INTEGRATION } from '../purchases/journal.ts';
import type { Log, Runtime } from '../purchases/runtime.ts';
import { openSeal } from './data-keys.ts';
import type { SqlJournal } from './journal.ts';
import { SqlRecord } from './record.ts';
import { migrate, requireMigrated } from './migrate.ts';
import { RecordDialect } from './postgres/dialect.ts';
import { fault } from './postgres/fault.ts';
import { postgresMigrations } from './postgres/migrations.ts';
import { requireSchema, requireWhole } from './postgres/moving.ts';
import { connection, GuardedPool } from './postgres/pool.ts';
import { PostgresStore } from './postgres/store.ts';
import { Waker } from './postgres/waker.ts';
import { withoutPassword } from './postgres/where.ts';
import type { DataKey } from './seal.ts';
import type { Tables } from './tables.ts';

export interface PostgresJournalOptions {
  /**
   * postgres://user:password@host:port/database, with the parameters that node-postgres knows. The record lies in the
   * first schema of the search_path: `?options=-csearch_path%3Dgateway` names one of its own, which must exist.
   */
  readonly url: string;
  /** At most so many connections at once, and one more to listen. */
  readonly poolSize: number;
  /** A statement is given up after so long, in ms, whether it works or waits. */
  readonly statementTimeoutMs: number;
  readonly runtime: Pick<Runtime, 'sleep' | 'random'>;
  readonly log: Pick<Log, 'warn'>;
  /** False: the tables are left as they are, and refused unless they are exactly this version's. Default true. */
  readonly migrates?: boolean | undefined;
  /** The journal's `instance`; never the same twice. Default: a random one. */
  readonly instance?: string | undefined;
  /** Under which what is personal, or as good as cash, lies sealed; the current one first. Default: none, in plain text. */
  readonly dataKeys?: readonly DataKey[] | undefined;
  /** Told the SQL, without its parameters, of each statement: for tests and for diagnosis. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

/**
 * Opens the record in a PostgreSQL database, which any number of instances may do at the same time. Throws an `Error`
 * that names the database (never its password) and the remedy when it cannot be used.
 */
export async function openPostgresRecord(options: PostgresJournalOptions): Promise<SqlRecord> {
  const { url, poolSize, statementTimeoutMs, runtime, log, migrates = true, onStatement } = options;
  const where = withoutPassword(url);
  let opened: PostgresStore | undefined;
  try {
    const schema = await prepare(url, log, migrates);
    const db = new Kysely<Tables>({
      dialect: new RecordDialect({
        pool: new GuardedPool({ url, size: poolSize, statementTimeoutMs, log }),
      }),
      log: ({ query }) => onStatement?.(query.sql),
    });
    const waker = new Waker({
      connection: connection({ url, statementTimeoutMs }),
      channel: `scratchpower ${schema}`.slice(0, LONGEST_CHANNEL),
      ...{ runtime, log },
    });
    const store = new PostgresStore({ db, waker, where, runtime });
    opened = store;
    const seal = await openSeal(store, options.dataKeys ?? []);
    const record = new SqlRecord(store, { instance: options.instance ?? randomUUID(), shared: true, seal });
    await Promise.all([record.ping(), waker.start()]);
    return record;
  } catch (error) {
    await opened?.close();
    throw fault(where, error);
  }
}

/** The same, of the integration that there is when none is named. */
export async function openPostgresJournal(options: PostgresJournalOptions): Promise<SqlJournal> {
  return (await openPostgresRecord(options)).of(DEFAULT_INTEGRATION);
}

/** What PostgreSQL keeps of a name. */
const LONGEST_CHANNEL = 63;

/** Brings the tables up to date, or looks whether they are, on a connection of its own that may take its time for it; returns where they lie. */
async function prepare(url: string, log: Pick<Log, 'warn'>, migrates: boolean): Promise<string> {
  const pool = new GuardedPool({ url, size: 1, statementTimeoutMs: 0, log });
  const db = new Kysely<Tables>({ dialect: new RecordDialect({ pool }) });
  try {
    const schema = await requireSchema(db);
    await requireWhole(db);
    if (migrates) await migrate(db, postgresMigrations, schema);
    else await requireMigrated(db, postgresMigrations, schema);
    return schema;
  } finally {
    await db.destroy();
  }
}
