import type { KeyStore } from '../auth/key-store.ts';
import type { JournalRecord, Unsettled } from '../purchases/journal.ts';
import { SqlJournal } from './journal.ts';
import { SqlKeyStore } from './keys.ts';
import { reseal, type ResealReport } from './reseal.ts';
import { unsealed, type Seal } from './seal.ts';
import type { Store } from './store.ts';
import { unsettled } from './unsettled.ts';

/** The record in SQL, the same for every database behind a `Store`. */
export class SqlRecord implements JournalRecord {
  readonly instance: string;
  readonly shared: boolean;
  /** Beside the purchases, in the same database: who may call. */
  readonly keys: KeyStore;
  readonly seal: Seal;
  readonly #store: Store;
  /** At least as many as the record has counted: one that joins again never repeats what others have seen before. */
  #signs = 0;
  #closed: Promise<void> | undefined;

  constructor(store: Store, options: { instance: string; shared: boolean; seal?: Seal | undefined }) {
    this.#store = store;
    this.seal = options.seal ?? unsealed;
    this.keys = new SqlKeyStore(store);
    this.instance = options.instance;
    this.shared = options.shared;
  }

  of(integration: string): SqlJournal {
    return new SqlJournal(this.#store, this, integration);
  }

  async integrations(): Promise<readonly string[]> {
    const rows = await this.#store.db
      .selectFrom('event_counters')
      .select('integration')
      .orderBy('integration')
      .execute();
    return rows.map(({ integration }) => integration);
  }

  unsettled(integration: string): Promise<readonly Unsettled[]> {
    return unsettled(this.#store.db, integration);
  }

  /** See `reseal.ts`. */
  reseal(tell?: Parameters<typeof reseal>[2]): Promise<ResealReport> {
    return reseal(this.#store, this.seal, tell);
  }

  async join(): Promise<void> {
    this.#signs += 1;
    await this.#store.write(({ db }) =>
      db
        .insertInto('instances')
        .values({ id: this.instance, beat: this.#signs })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet(({ eb }) => ({ beat: eb('instances.beat', '+', 1) })),
        )
        .execute(),
    );
  }

  async beat(): Promise<boolean> {
    this.#signs += 1;
    const { numUpdatedRows } = await this.#store.write(({ db }) =>
      db
        .updateTable('instances')
        .set(({ eb }) => ({ beat: eb('beat', '+', 1) }))
        .where('id', '=', this.instance)
        .executeTakeFirst(),
    );
    return numUpdatedRows === 1n;
  }

  async beats(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#store.db.selectFrom('instances').selectAll().execute();
    return new Map(rows.map(({ id, beat }) => [id, beat]));
  }

  async leave(): Promise<void> {
    await this.#store.write(({ db }) => db.deleteFrom('instances').where('id', '=', this.instance).execute());
  }

  async ping(): Promise<void> {
    try {
      await this.#store.write(({ db }) =>
        db
          .updateTable('pulse')
          .set(({ eb }) => ({ beats: eb('beats', '+', 1) }))
          .where('id', '=', 1)
          .execute(),
      );
    } catch (error) {
      throw this.#store.fault(error);
    }
  }

  async close(): Promise<void> {
    await (this.#closed ??= this.#store.close());
  }
}
