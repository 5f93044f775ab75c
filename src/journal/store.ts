import type { Kysely, Selectable } from 'kysely';

import type { PurchaseEvent } from '../purchases/purchase.ts';
import type { Place, Statement } from './statement.ts';
import type { PurchaseChanges } from './statements.ts';
import type { EventTable, Tables } from './tables.ts';

/** One write transaction: it sees all that is committed, and no other can commit a change of what it has read. */
export interface Transaction extends Place {
  run<P extends object, R>(statement: Statement<P, R>, values: P): Promise<Ran<R>>;
  /**
   * Until the commit no other transaction that asks for the same name goes on. To be asked for before anything else that
   * may wait, so that no two wait for each other.
   */
  exclusively(name: string): Promise<void>;
  /**
   * Gives the event the next position of its integration's one order (R7), changes its purchase with it (`last_event` in any case),
   * and wakes the integration's listeners once it is committed. The last statement of a transaction, for it may hold up
   * every other of the integration until the commit.
   */
  appendEvent(event: NewEvent): Promise<number>;
}

/** What a statement returned, and did. */
export interface Ran<R> {
  /** The first one; undefined when there is none. */
  readonly row: R | undefined;
  /** How many rows it inserted or updated, where it returns none. */
  readonly changed: number;
}

export interface NewEvent {
  readonly row: Omit<Selectable<EventTable>, 'position'>;
  /** What changes of its purchase beside `last_event`. */
  readonly change: PurchaseChanges | null;
  /** As those are told who listen to commits. */
  readonly told: (position: number) => PurchaseEvent;
}

/** Of each integration, the events of one commit, in order. */
export type Committed = ReadonlyMap<string, readonly PurchaseEvent[]>;

/** Called after a commit of the integration; without events where it is not known which: read them. */
export type Wake = (events?: readonly PurchaseEvent[]) => void;

/** Where one database differs from another. */
export interface Store {
  /** For reads; never sees what is not committed. */
  readonly db: Kysely<Tables>;
  /** Whether the parts of a `union all`, each in order by an index, are merged in that order without being told. */
  readonly mergesWalks: boolean;
  /**
   * Commits what `work` did, resolving once that is durable; or, when `work` or the commit throws, undoes it and
   * rejects. `work` may be run more than once, and with that of others in one transaction: so it has no effect but on the
   * transaction.
   */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /**
   * What there is. When there is nothing it does not wait for what others wrote to be durable: only for what is never
   * deleted and keeps its key, so that a power cut cannot bring it back.
   */
  lookUp<P extends object, R>(statement: Statement<P, R>, values: P): Promise<R | undefined>;
  /** Whether a write failed because a row with that key exists. */
  isUniqueViolation(error: unknown): boolean;
  /** Calls `wake` after each commit that appended an event of the integration; returns how to stop. */
  onCommit(integration: string, wake: Wake): () => void;
  /** An error that tells an operator what is wrong with the database and what to do. */
  fault(error: unknown): Error;
  /** Waits for the writes under way. */
  close(): Promise<void>;
}
