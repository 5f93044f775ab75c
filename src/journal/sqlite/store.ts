import { sql, type Kysely } from 'kysely';

import type { Store, Transaction } from '../store.ts';
import type { Tables } from '../tables.ts';
import type { Database } from './database.ts';
import type { Disk } from './disk.ts';
import { codeOf, fault } from './fault.ts';

interface SqliteStoreOptions {
  readonly path: string;
  readonly database: Database;
  /** On that database. Its one connection is handed from one transaction to the next. */
  readonly db: Kysely<Tables>;
  /** Told of each commit. Left out where each commit waits for the disk itself. */
  readonly disk?: Pick<Disk, 'wrote' | 'close'> | undefined;
  /** Lets another process have the file. */
  readonly release: () => void;
}

export class SqliteStore implements Store {
  readonly db: Kysely<Tables>;
  readonly mergesWalks = true;
  readonly #options: SqliteStoreOptions;
  readonly #wakes = new Set<{ readonly integration: string; readonly wake: () => void }>();

  constructor(options: SqliteStoreOptions) {
    this.db = options.db;
    this.#options = options;
  }

  async write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const wrote = new Set<string>();
    const result = await this.db.connection().execute(async (connection) => {
      const transaction: Transaction = {
        db: connection,
        locksRows: false,
        // One transaction at a time writes.
        exclusively: () => Promise.resolve(),
        appendEvent: async (event, change) => {
          const { position } = await connection
            .insertInto('event_counters')
            .values({ integration: event.integration, position: 1 })
            .onConflict((conflict) =>
              conflict
                .column('integration')
                .doUpdateSet(({ eb }) => ({ position: eb('event_counters.position', '+', 1) })),
            )
            .returning('position')
            .executeTakeFirstOrThrow();
          await connection
            .insertInto('events')
            .values({ ...event, position })
            .execute();
          await connection
            .updateTable('purchases')
            .set({ ...change, last_event: position })
            .where('id', '=', event.purchase_id)
            .execute();
          wrote.add(event.integration);
          return position;
        },
      };
      return this.#immediately(connection, () => work(transaction));
    });
    if (wrote.size > 0) this.#wake(wrote);
    return result;
  }

  isUniqueViolation(error: unknown): boolean {
    return ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY'].includes(codeOf(error) ?? '');
  }

  onCommit(integration: string, wake: () => void): () => void {
    // Wrapped, so that the same function given twice is two listeners.
    const listener = { integration, wake };
    this.#wakes.add(listener);
    return () => this.#wakes.delete(listener);
  }

  fault(error: unknown): Error {
    return fault(this.#options.path, error);
  }

  async close(): Promise<void> {
    const { database, disk, release } = this.#options;
    try {
      // Waits for the transaction under way.
      await this.db.connection().execute(() => {
        // Without waiting for a reader.
        database.exec('pragma busy_timeout = 0; pragma wal_checkpoint(truncate)');
        return Promise.resolve();
      });
    } catch {
      // Nothing is lost: what is in the WAL is read by the next one to open the file.
    }
    try {
      await this.db.destroy();
      await disk?.close();
    } finally {
      release();
    }
  }

  /** BEGIN IMMEDIATE: the write lock is taken before the first read, so that what was read still holds at the write. */
  async #immediately<T>(connection: Kysely<Tables>, work: () => Promise<T>): Promise<T> {
    this.#rollback();
    await sql`begin immediate`.execute(connection);
    try {
      const result = await work();
      await sql`commit`.execute(connection);
      this.#options.disk?.wrote();
      return result;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  /** SQLite has ended the transaction by itself after some errors (a full disk), and after others not (a failed commit). */
  #rollback(): void {
    const { database } = this.#options;
    if (!database.inTransaction) return;
    try {
      database.exec('rollback');
    } catch {
      // The error that led here says more. The next transaction tries again before it begins.
    }
  }

  /** In turns of their own: what a listener throws must not make a committed write look failed. */
  #wake(wrote: ReadonlySet<string>): void {
    for (const { integration, wake } of this.#wakes) if (wrote.has(integration)) queueMicrotask(wake);
  }
}
