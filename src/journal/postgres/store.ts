import { sql, type Kysely } from 'kysely';
import { z } from 'zod';

import type { Runtime } from '../../purchases/runtime.ts';
import type { PurchaseEvent } from '../../purchases/purchase.ts';
import type { Statement } from '../statement.ts';
import type { Committed, NewEvent, Store, Transaction, Wake } from '../store.ts';
import type { Tables } from '../tables.ts';
import { codeOf, fault } from './fault.ts';
import type { Waker } from './waker.ts';

interface PostgresStoreOptions {
  readonly db: Kysely<Tables>;
  readonly waker: Waker;
  /** The database, without a password. */
  readonly where: string;
  readonly runtime: Pick<Runtime, 'sleep' | 'random'>;
}

/** How often a transaction is run that another one got in the way of, at most. */
const MOST_TRIES = 10;
const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 200;
/** Nothing was written, and the same may succeed: serialization failure, deadlock. */
const IN_THE_WAY = ['40001', '40P01'];

const numbered = z.object({ position: z.int() });

export class PostgresStore implements Store {
  readonly db: Kysely<Tables>;
  readonly mergesWalks = false;
  readonly #options: PostgresStoreOptions;
  readonly #writing = new Set<Promise<unknown>>();

  constructor(options: PostgresStoreOptions) {
    this.db = options.db;
    this.#options = options;
  }

  async write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const writing = this.#write(work);
    this.#writing.add(writing);
    try {
      return await writing;
    } finally {
      this.#writing.delete(writing);
    }
  }

  async lookUp<P extends object, R>(statement: Statement<P, R>, values: P): Promise<R | undefined> {
    return (await this.db.executeQuery(statement.with({ db: this.db, locksRows: true }, values))).rows[0];
  }

  isUniqueViolation(error: unknown): boolean {
    return codeOf(error) === '23505';
  }

  onCommit(integration: string, wake: Wake): () => void {
    return this.#options.waker.onWake(integration, wake);
  }

  fault(error: unknown): Error {
    return fault(this.#options.where, error);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writing);
    await this.#options.waker.close();
    await this.db.destroy();
  }

  async #write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const { runtime, waker } = this.#options;
    for (let tries = 1, wait = FIRST_WAIT_MS; ; tries += 1, wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        const { result, wrote } = await this.#once(work);
        if (wrote.size > 0) waker.committed(wrote);
        return result;
      } catch (error) {
        if (tries === MOST_TRIES || !IN_THE_WAY.includes(codeOf(error) ?? '')) throw error;
        await runtime.sleep(wait * (0.5 + runtime.random()));
      }
    }
  }

  /**
   * READ COMMITTED: a statement that waited for a lock goes on with the row as it is then, where a higher level would
   * fail and be run again, at a counter of events each time. What is read to be written is locked by the reader.
   *
   * When the connection is lost during the commit nobody knows whether it was written: that is an error, and whoever
   * needs to know reads it back. It is never run again from here.
   */
  async #once<T>(work: (transaction: Transaction) => Promise<T>): Promise<{ result: T; wrote: Committed }> {
    return this.db.connection().execute(async (db) => {
      const wrote = new Map<string, PurchaseEvent[]>();
      const place = { db, locksRows: true };
      await sql`begin isolation level read committed`.execute(db);
      try {
        const result = await work({
          ...place,
          run: async (statement, values) => {
            const { rows, numAffectedRows } = await db.executeQuery(statement.with(place, values));
            return { row: rows[0], changed: Number(numAffectedRows ?? 0) };
          },
          exclusively: async (name) => {
            await sql`select pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || ${name}, 0))`.execute(
              db,
            );
          },
          appendEvent: async (event) => {
            const position = await appendEvent(db, event);
            const events = wrote.get(event.row.integration) ?? [];
            wrote.set(event.row.integration, [...events, event.told(position)]);
            return position;
          },
        });
        await sql`commit`.execute(db);
        return { result, wrote };
      } catch (error) {
        // The error that led here says more; a connection that is lost is not used again.
        await sql`rollback`.execute(db).catch(() => undefined);
        throw error;
      }
    });
  }
}

/**
 * The one order of an integration's events (R7). A sequence would hand out its numbers in one order and show them in another, for of two
 * transactions the one with the later number may commit first: a reader that has gone past it never sees the earlier one.
 * So positions are counted in a row of the integration, whose lock is held until the commit: who gets the next number has waited until the
 * one before was there for all to see (a commit becomes visible before its locks are released), or was rolled back and
 * gave its number back. Whoever sees a position sees all before it, and there are no gaps. Of an integration that has no row
 * yet one makes it, and who waits for that finds it, or makes it when the first was rolled back.
 *
 * All who write events of one integration queue here, so it is one statement and the last one of its transaction: the lock is held for one
 * round trip and the commit. That is also why it cannot deadlock: who waits here asks for no other lock afterwards.
 */
async function appendEvent(db: Kysely<Tables>, { row: event, change }: NewEvent): Promise<number> {
  const columns = Object.keys(event).map((name) => sql.ref(name));
  const changed = Object.entries(change ?? {}).map(([name, value]) => sql`${sql.ref(name)} = ${value}, `);
  const { rows } = await sql`
    with counted as (
      insert into event_counters as counter (integration, position) values (${event.integration}, 1)
      on conflict (integration) do update set position = counter.position + 1
      returning position
    ), appended as (
      insert into events (position, ${sql.join(columns)})
      select position, ${sql.join(Object.values(event))} from counted
      returning position
    )
    update purchases set ${sql.join(changed, sql``)} last_event = appended.position
    from appended where purchases.id = ${event.purchase_id}
    returning appended.position`.execute(db);
  return numbered.parse(rows[0]).position;
}
