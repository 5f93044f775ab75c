import type { Insertable, Kysely, Updateable } from 'kysely';

import type { EventTable, PurchaseTable, Tables } from './tables.ts';

/** One write transaction: it sees all that is committed, and no other can commit a change of what it has read. */
export interface Transaction {
  readonly db: Kysely<Tables>;
  /** Whether a row that is read in order to be written must be locked (`for update`): here others write meanwhile. */
  readonly locksRows: boolean;
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
  appendEvent(
    event: Omit<Insertable<EventTable>, 'position'>,
    change?: Omit<Updateable<PurchaseTable>, 'id' | 'last_event'>,
  ): Promise<number>;
}

/** Where one database differs from another. */
export interface Store {
  /** For reads; never sees what is not committed. */
  readonly db: Kysely<Tables>;
  /** Whether the parts of a `union all`, each in order by an index, are merged in that order without being told. */
  readonly mergesWalks: boolean;
  /**
   * Commits what `work` did, resolving once that is durable; or, when `work` or the commit throws, undoes it and
   * rejects. `work` may be run more than once and so has no effect but on the transaction.
   */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Whether a write failed because a row with that key exists. */
  isUniqueViolation(error: unknown): boolean;
  /** Calls `wake` after each commit that appended an event of the integration; returns how to stop. */
  onCommit(integration: string, wake: () => void): () => void;
  /** An error that tells an operator what is wrong with the database and what to do. */
  fault(error: unknown): Error;
  /** Waits for the writes under way. */
  close(): Promise<void>;
}
