import { channel } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';

import type { Kysely } from 'kysely';

import type { PurchaseEvent } from '../../purchases/purchase.ts';
import type { Statement } from '../statement.ts';
import { countEvent, insertEvent, markPurchase, movePurchase } from '../statements.ts';
import type { Committed, NewEvent, Store, Transaction, Wake } from '../store.ts';
import type { Tables } from '../tables.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Database } from './database.ts';
import type { Disk } from './disk.ts';
import { codeOf, fault } from './fault.ts';

interface SqliteStoreOptions {
  readonly path: string;
  readonly database: Database;
  /** On that database. Its one connection is handed from one transaction to the next. */
  readonly db: Kysely<Tables>;
  /** Told of each commit. Left out where each commit waits for the disk itself. */
  readonly disk?: Pick<Disk, 'wrote' | 'settled' | 'close'> | undefined;
  /** Told likewise. Left out where commits bring over what lies in the WAL by themselves. */
  readonly checkpoints?: Pick<Checkpoints, 'committed' | 'close'> | undefined;
  /** Lets another process have the file. */
  readonly release: () => void;
  /** Milliseconds of a clock that never goes back. Default: that of the process. */
  readonly monotonic?: (() => number) | undefined;
}

/** For whoever measures: one message for each transaction, with how long the event loop was held up by it. */
const transacted = channel('scratchpower:journal:transaction');

/**
 * So many write in one transaction at most, and no more than a few once it has gone on for long: nobody else is served
 * meanwhile, some hundred microseconds for each.
 */
const MOST_TOGETHER = 16;
const FEW_TOGETHER = 8;
const LONG_MS = 3;

/** One who wants to write. */
interface Writer {
  /** Does its work; what tells it of the outcome, once that is durable. */
  readonly work: (transaction: Transaction) => Promise<() => void>;
  readonly reject: (error: unknown) => void;
}

type Outcome =
  /** `tell` of each who wrote: the first of the writers, all of them unless it went on for too long. */
  | { readonly kind: 'COMMITTED'; readonly tell: readonly (() => void)[]; readonly wrote: Committed }
  /** Somebody's work failed, and nothing was written. */
  | { readonly kind: 'UNDONE'; readonly error: unknown }
  /** It did not begin, or its commit failed. */
  | { readonly kind: 'FAILED'; readonly error: unknown };

export class SqliteStore implements Store {
  readonly db: Kysely<Tables>;
  readonly mergesWalks = true;
  readonly #options: SqliteStoreOptions;
  readonly #monotonic: () => number;
  readonly #wakes = new Set<{ readonly integration: string; readonly wake: Wake }>();
  #writers: Writer[] = [];
  /** The transaction under way. */
  #transacting: Promise<unknown> | undefined;

  constructor(options: SqliteStoreOptions) {
    this.db = options.db;
    this.#options = options;
    this.#monotonic = options.monotonic ?? (() => performance.now());
  }

  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#writers.push({
        work: async (transaction) => {
          const result = await work(transaction);
          return () => resolve(result);
        },
        reject,
      });
      if (this.#writers.length === 1) this.#writeSoon();
    });
  }

  async lookUp<P extends object, R>(statement: Statement<P, R>, values: P): Promise<R | undefined> {
    const { database, disk } = this.#options;
    // On the one connection there is: what is not committed yet is not looked at.
    while (this.#transacting !== undefined) await this.#transacting;
    this.#rollback();
    const { row } = database.run(statement.with({ db: this.db, locksRows: false }, values));
    if (row !== undefined) await disk?.settled();
    return row;
  }

  isUniqueViolation(error: unknown): boolean {
    return ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY'].includes(codeOf(error) ?? '');
  }

  onCommit(integration: string, wake: Wake): () => void {
    // Wrapped, so that the same function given twice is two listeners.
    const listener = { integration, wake };
    this.#wakes.add(listener);
    return () => this.#wakes.delete(listener);
  }

  fault(error: unknown): Error {
    return fault(this.#options.path, error);
  }

  async close(): Promise<void> {
    const { database, disk, checkpoints, release } = this.#options;
    while (this.#writers.length > 0) await this.#writeTogether();
    await checkpoints?.close();
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

  /** Once this turn of the event loop is over: all who want to write by then do so together. */
  #writeSoon(): void {
    setImmediate(() => void this.#writeTogether());
  }

  /** Before all others: they came first. */
  #writeNext(writers: readonly Writer[]): void {
    if (writers.length === 0) return;
    if (this.#writers.length === 0) this.#writeSoon();
    this.#writers.unshift(...writers);
  }

  /**
   * The next writers in one transaction, which is one after another for each of them: it sees what those before it wrote.
   * When the work of one fails, all is undone, and each is done again in a transaction of its own, so that no other's
   * fails with it. Nobody is told anything before it is durable.
   */
  async #writeTogether(): Promise<void> {
    let writers: readonly Writer[] = [];
    const outcomes: (readonly [writers: readonly Writer[], outcome: Outcome])[] = [];
    try {
      // Resolves when all that was committed is on disk; the next ones write meanwhile.
      await this.db.connection().execute(async (connection) => {
        writers = this.#writers.splice(0, MOST_TOGETHER);
        if (this.#writers.length > 0) this.#writeSoon();
        if (writers.length === 0) return;
        const together = await this.#transact(connection, writers);
        if (together.kind !== 'UNDONE' || writers.length === 1) {
          outcomes.push([writers, together]);
          if (together.kind === 'COMMITTED') this.#writeNext(writers.slice(together.tell.length));
          return;
        }
        for (const one of writers) outcomes.push([[one], await this.#transact(connection, [one])]);
      });
    } catch (error) {
      for (const { reject } of writers.length > 0 ? writers : this.#writers.splice(0)) reject(error);
      return;
    }
    for (const [some, outcome] of outcomes) {
      if (outcome.kind === 'COMMITTED') {
        for (const tell of outcome.tell) tell();
        this.#wake(outcome.wrote);
      } else for (const { reject } of some) reject(outcome.error);
    }
  }

  #transact(connection: Kysely<Tables>, writers: readonly Writer[]): Promise<Outcome> {
    const startedAt = this.#monotonic();
    const transacting = this.#immediately(connection, writers, startedAt).finally(() => {
      this.#transacting = undefined;
      if (!transacted.hasSubscribers) return;
      transacted.publish({ writers: writers.length, ms: this.#monotonic() - startedAt });
    });
    this.#transacting = transacting;
    return transacting;
  }

  /** BEGIN IMMEDIATE: the write lock is taken before the first read, so that what was read still holds at the write. */
  async #immediately(
    connection: Kysely<Tables>,
    writers: readonly Writer[],
    startedAt: number,
  ): Promise<Outcome> {
    const { database, disk, checkpoints } = this.#options;
    const { transaction, wrote } = this.#transaction(connection);
    const tell: (() => void)[] = [];
    this.#rollback();
    try {
      database.command('begin immediate');
    } catch (error) {
      return { kind: 'FAILED', error };
    }
    try {
      for (const { work } of writers) {
        if (tell.length >= FEW_TOGETHER && this.#monotonic() - startedAt > LONG_MS) break;
        tell.push(await work(transaction));
      }
    } catch (error) {
      this.#rollback();
      return { kind: 'UNDONE', error };
    }
    try {
      database.command('commit');
      disk?.wrote();
      checkpoints?.committed();
      return { kind: 'COMMITTED', tell, wrote };
    } catch (error) {
      this.#rollback();
      return { kind: 'FAILED', error };
    }
  }

  #transaction(connection: Kysely<Tables>) {
    const { database } = this.#options;
    const wrote = new Map<string, PurchaseEvent[]>();
    const place = { db: connection, locksRows: false };
    const run: Transaction['run'] = async (statement, values) =>
      Promise.resolve(database.run(statement.with(place, values)));
    const transaction: Transaction = {
      ...place,
      run,
      // One transaction at a time writes.
      exclusively: () => Promise.resolve(),
      appendEvent: async ({ row, change, told }: NewEvent) => {
        const { integration, purchase_id: id } = row;
        const { row: counted } = await run(countEvent, { integration });
        if (counted === undefined) throw new Error(`the events of ${integration} are not counted`);
        const { position } = counted;
        await run(insertEvent, { ...row, position });
        if (change === null) await run(markPurchase, { id, last_event: position });
        else await run(movePurchase, { ...change, id, last_event: position });
        const events = wrote.get(integration);
        if (events === undefined) wrote.set(integration, [told(position)]);
        else events.push(told(position));
        return position;
      },
    };
    return { transaction, wrote };
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
  #wake(wrote: Committed): void {
    for (const { integration, wake } of this.#wakes) {
      const events = wrote.get(integration);
      if (events !== undefined) queueMicrotask(() => wake(events));
    }
  }
}
