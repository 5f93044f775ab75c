import {
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  type SqliteDatabase,
  type SqliteDialectConfig,
  type SqliteStatement,
  type CompiledQuery,
} from 'kysely';
import Libsql from 'libsql';

import type { Ran } from '../store.ts';
import type { Disk } from './disk.ts';

/** Statements kept ready. The journal has some dozens; lists of ids and filters of pages make more shapes. */
const STATEMENTS_KEPT = 256;

interface Prepared extends SqliteStatement {
  get(parameters: readonly unknown[]): unknown;
}

/** libsql as Kysely wants it, without its traps. */
export class Database implements SqliteDatabase {
  readonly #libsql: Libsql.Database;
  readonly #onStatement: ((sql: string) => void) | undefined;
  readonly #statements = new Map<string, Prepared>();

  /** Throws when the file cannot be opened; what it holds is looked at by the first statement. */
  constructor(
    path: string,
    options: { busyTimeoutMs: number; onStatement?: ((sql: string) => void) | undefined },
  ) {
    this.#libsql = new Libsql(path, { timeout: options.busyTimeoutMs });
    this.#onStatement = options.onStatement;
  }

  get inTransaction(): boolean {
    return this.#libsql.inTransaction;
  }

  exec(sql: string): void {
    this.#onStatement?.(sql);
    this.#libsql.exec(sql);
  }

  pragma(name: string): unknown {
    const [row] = this.#libsql.prepare(`pragma ${name}`).all();
    return typeof row === 'object' && row !== null ? Object.values(row)[0] : undefined;
  }

  /**
   * Statements are kept and used again: one is five times faster than a new one, and libsql frees its memory only when
   * the garbage collector comes by, some hundred megabytes later.
   */
  prepare(sql: string): SqliteStatement {
    return this.#prepared(sql);
  }

  #prepared(sql: string): Prepared {
    this.#onStatement?.(sql);
    const kept = this.#statements.get(sql);
    if (kept !== undefined) {
      this.#statements.delete(sql);
      this.#statements.set(sql, kept);
      return kept;
    }
    const statement = guarded(this.#libsql.prepare(sql));
    this.#statements.set(sql, statement);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size > STATEMENTS_KEPT && oldest !== undefined) this.#statements.delete(oldest);
    return statement;
  }

  /** At once, without a connection that is handed over for it. */
  run<R>({ sql, parameters }: CompiledQuery<R>): Ran<R> {
    const statement = this.#prepared(sql);
    // The columns are what Kysely's types say; what lies in them is looked at by whoever reads the row.
    if (statement.reader) return { row: statement.get(parameters) as R | undefined, changed: 0 };
    return { row: undefined, changed: Number(statement.run(parameters).changes) };
  }

  /** A statement without parameters or rows. */
  command(sql: string): void {
    this.#prepared(sql).run([]);
  }

  /**
   * libsql keeps the file open until the garbage collector has taken the last statement. So whatever must be released
   * now, a transaction above all, is ended before.
   */
  close(): void {
    if (this.inTransaction) this.exec('rollback');
    this.#statements.clear();
    this.#libsql.close();
  }
}

function guarded(statement: Libsql.Statement): Prepared {
  return {
    reader: statement.reader,
    all: (parameters) => statement.all(bindable(parameters)),
    get: (parameters) => statement.get(bindable(parameters)),
    run: (parameters) => statement.run(bindable(parameters)),
    iterate: (parameters) => statement.iterate(bindable(parameters)),
  };
}

const UNBINDABLE = /[\0\p{Surrogate}]/u;

/** libsql aborts the whole process when it is given a boolean, and text it cannot keep as it is, it changes silently. */
function bindable(parameters: readonly unknown[]): readonly unknown[] {
  for (const value of parameters) {
    if (value === null) continue;
    if (typeof value === 'number' && Number.isFinite(value)) continue;
    if (typeof value === 'string' && !UNBINDABLE.test(value)) continue;
    throw new TypeError(`SQLite cannot keep this ${typeof value} as it is`);
  }
  return parameters;
}

/** SQLite's DDL is transactional, which Kysely does not use by itself: a migration that is killed half-way leaves nothing. */
export class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter();
  }
}

/** Whoever has read or written goes on once all that was committed by then is on disk. */
export class DurableSqliteDialect extends TransactionalSqliteDialect {
  readonly #options: SqliteDialectConfig & { readonly disk: Pick<Disk, 'settled'> };

  constructor(options: SqliteDialectConfig & { readonly disk: Pick<Disk, 'settled'> }) {
    super(options);
    this.#options = options;
  }

  override createDriver(): SqliteDriver {
    return new DurableSqliteDriver(this.#options);
  }
}

class DurableSqliteDriver extends SqliteDriver {
  readonly #disk: Pick<Disk, 'settled'>;

  constructor(options: SqliteDialectConfig & { readonly disk: Pick<Disk, 'settled'> }) {
    super(options);
    this.#disk = options.disk;
  }

  /** The next one has the connection while this one waits for the disk. */
  override async releaseConnection(): Promise<void> {
    await super.releaseConnection();
    await this.#disk.settled();
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
