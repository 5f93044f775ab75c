import { sql, type Selectable } from 'kysely';

import type { KeyStore } from '../auth/key-store.ts';
import {
  UnreadableError,
  UnreadableEventError,
  type DueRequest,
  type AttemptId,
  type AttemptResult,
  type AuditEntry,
  type AuditRequest,
  type Decided,
  type Ended,
  type EventRequest,
  type Journal,
  type Mandate,
  type NewAttempt,
  type NewPurchase,
  type OnUnreadable,
  type PageRequest,
  type PurchaseChange,
  type PurchaseKey,
  type Reveal,
  type SuccessRequest,
} from '../purchases/journal.ts';
import type {
  Attempt,
  ByHand,
  Purchase,
  PurchaseEvent,
  PurchaseStatus,
  Quote,
  RawAnswer,
} from '../purchases/purchase.ts';
import {
  accountsOf,
  auditQuery,
  dueQuery,
  eventsQuery,
  inFlightQuery,
  openQuery,
  pageQuery,
  revealedQuery,
  successesQuery,
} from './queries.ts';
import { storedText } from './models.ts';
import { readable } from './readable.ts';
import {
  attemptFromRow,
  auditFromRow,
  eventFromRow,
  purchaseFromRow,
  quoteFromRow,
  quoteToRow,
} from './rows.ts';
import type { SqlRecord } from './record.ts';
import type { Seal } from './seal.ts';
import { purchaseWith } from './statements.ts';
import type { Store, Wake } from './store.ts';
import type { PurchaseTable } from './tables.ts';
import {
  adopt,
  auditAlone,
  begin,
  blotAnswers,
  decide,
  finishAttempt,
  keepAnswer,
  revealTo,
  startAttempt,
} from './writes.ts';

/** How many ids one query asks for: databases bound their parameters (SQLite 32,766). */
const IDS_AT_ONCE = 500;

/** One query walks so many accounts, with every status and product: SQLite takes at most 500 walks, PostgreSQL plans long. */
const ACCOUNTS_AT_ONCE = 8;

/** One integration's part of it. */
export class SqlJournal implements Journal {
  readonly instance: string;
  readonly shared: boolean;
  readonly integration: string;
  readonly seal: Seal;
  /** Those of the whole record. */
  readonly keys: KeyStore;
  readonly #store: Store;
  readonly #record: SqlRecord;

  constructor(store: Store, record: SqlRecord, integration: string) {
    this.#store = store;
    this.#record = record;
    this.instance = record.instance;
    this.shared = record.shared;
    this.seal = record.seal;
    this.keys = record.keys;
    this.integration = integration;
  }

  async saveQuote(quote: Quote): Promise<void> {
    await this.#store.write(({ db }) => db.insertInto('quotes').values(quoteToRow(this, quote)).execute());
  }

  async quotes(ids: readonly string[]): Promise<readonly Quote[]> {
    const rows = await inChunks(ids, (some) =>
      this.#store.db
        .selectFrom('quotes')
        .selectAll()
        .where('id', 'in', some.map(storedText))
        .where('integration', '=', this.integration)
        .execute(),
    );
    return rows.map((row) => quoteFromRow(this.seal, row));
  }

  async purgeQuotes(expiredBefore: Date): Promise<number> {
    const deleted = await this.#store.write(({ db }) =>
      db.deleteFrom('quotes').where('expires_at', '<', expiredBefore.getTime()).executeTakeFirst(),
    );
    return Number(deleted.numDeletedRows);
  }

  async begin(
    purchase: NewPurchase,
    attempt: NewAttempt,
    mandate?: Mandate,
  ): Promise<{ purchase: Purchase; attempt: Attempt | null }> {
    try {
      return await this.#store.write((transaction) => begin(transaction, this, purchase, attempt, mandate));
    } catch (error) {
      // Another writer took the key after this transaction had looked (R8).
      if (!this.#store.isUniqueViolation(error)) throw error;
      const known = await this.purchase('idempotencyKey', purchase.idempotencyKey);
      if (known === undefined) throw error;
      return { purchase: known, attempt: null };
    }
  }

  async startAttempt(
    purchaseId: string,
    from: PurchaseStatus,
    attempt: NewAttempt,
    change: PurchaseChange,
    mandate?: Mandate,
  ): Promise<{ purchase: Purchase; attempt: Attempt } | null> {
    try {
      return await this.#store.write((transaction) =>
        startAttempt(transaction, this, purchaseId, from, attempt, change, mandate),
      );
    } catch (error) {
      // Another writer started one after this transaction had looked.
      if (this.#store.isUniqueViolation(error)) return null;
      throw error;
    }
  }

  /** Throws when the attempt is not in flight, and when it has an answer already: the first one stays. */
  async keepAnswer(attempt: AttemptId, answer: RawAnswer): Promise<void> {
    await this.#store.write((transaction) => keepAnswer(transaction, this, attempt, answer));
  }

  async finishAttempt(attempt: AttemptId, result: AttemptResult, change: PurchaseChange): Promise<Purchase> {
    return this.#store.write((transaction) => finishAttempt(transaction, this, attempt, result, change));
  }

  async decide(
    purchaseId: string,
    byHand: ByHand,
    decision: (purchase: Purchase, attempts: readonly Ended[]) => PurchaseChange,
  ): Promise<Decided> {
    return this.#store.write((transaction) => decide(transaction, this, purchaseId, byHand, decision));
  }

  async blotAnswers(request: { settledBefore: Date; now: Date; limit: number }): Promise<number> {
    return this.#store.write((transaction) => blotAnswers(transaction, request));
  }

  async purchase(key: PurchaseKey, value: string): Promise<Purchase | undefined> {
    const row = await this.#store.lookUp(purchaseWith[key], {
      value: storedText(value),
      integration: this.integration,
    });
    return row === undefined ? undefined : purchaseFromRow(this.seal, row);
  }

  async purchases(ids: readonly string[]): Promise<readonly Purchase[]> {
    const rows = await inChunks(ids, (some) =>
      this.#store.db
        .selectFrom('purchases')
        .selectAll()
        .where('id', 'in', some.map(storedText))
        .where('integration', '=', this.integration)
        .execute(),
    );
    return rows.map((row) => purchaseFromRow(this.seal, row));
  }

  async page(request: PageRequest, unreadable?: OnUnreadable): Promise<readonly Purchase[]> {
    const { filter = {}, limit, inverted } = request;
    const accounts = accountsOf(filter);
    if (accounts === undefined || accounts.length <= ACCOUNTS_AT_ONCE) return this.#page(request, unreadable);
    const parts: Purchase[] = [];
    // One after another: a list does not take all connections.
    for (const some of chunksOf(accounts, ACCOUNTS_AT_ONCE)) {
      parts.push(
        ...(await this.#page(
          { ...request, filter: { ...filter, accountId: null, accounts: some } },
          unreadable,
        )),
      );
    }
    const order = inverted ? 1 : -1;
    return parts.sort((one, other) => (one.id < other.id ? -order : order)).slice(0, limit);
  }

  async #page(request: PageRequest, unreadable: OnUnreadable | undefined): Promise<readonly Purchase[]> {
    const { db, mergesWalks } = this.#store;
    const rows = (await pageQuery(db, this, request, mergesWalks)?.execute()) ?? [];
    const read = this.#read(rows, unreadable);
    const last = rows.at(-1);
    if (last === undefined || read.length === rows.length || rows.length < request.limit) return read;
    // Others have the places of those that cannot be read.
    const on = request.inverted ? { before: last.id } : { after: last.id };
    const limit = request.limit - read.length;
    return [...read, ...(await this.#page({ ...request, ...on, limit }, unreadable))];
  }

  async attempts(purchaseIds: readonly string[], unreadable?: OnUnreadable): Promise<readonly Attempt[]> {
    const sorted = [...purchaseIds].sort();
    const rows = await inChunks(sorted, (some) =>
      this.#store.db
        .selectFrom('attempts')
        .selectAll()
        .where('purchase_id', 'in', some.map(storedText))
        .where((eb) =>
          eb.exists(
            eb
              .selectFrom('purchases')
              .select('id')
              .whereRef('purchases.id', '=', 'attempts.purchase_id')
              .where(sql`purchases.integration || ''`, '=', this.integration),
          ),
        )
        .orderBy('purchase_id')
        .orderBy('number')
        .execute(),
    );
    return readable(
      rows,
      (row) => attemptFromRow(this.seal, row),
      unreadable,
      (row) => row.purchase_id,
    );
  }

  async inFlight(unreadable?: OnUnreadable): Promise<readonly { purchase: Purchase; attempt: Attempt }[]> {
    const rows = await inFlightQuery(this.#store.db, this).execute();
    const read = (row: (typeof rows)[number]) => ({
      purchase: purchaseFromRow(this.seal, row),
      attempt: attemptFromRow(this.seal, row),
    });
    return readable(rows, read, unreadable, ({ id }) => id);
  }

  async due(request: DueRequest, unreadable?: OnUnreadable): Promise<readonly Purchase[]> {
    const rows = await dueQuery(this.#store.db, this, request, this.#store.mergesWalks).execute();
    return this.#read(rows, unreadable);
  }

  #read(rows: readonly Selectable<PurchaseTable>[], unreadable: OnUnreadable | undefined): Purchase[] {
    return readable(
      rows,
      (row) => purchaseFromRow(this.seal, row),
      unreadable,
      ({ id }) => id,
    );
  }

  async owners(): Promise<readonly string[]> {
    const owners: string[] = [];
    // One step of the index for each owner, however many purchases it has.
    for (let last = ''; ; last = owners.at(-1) ?? last) {
      const next = await openQuery(this.#store.db, this.integration)
        .select('owner')
        .where('owner', '>', last)
        .orderBy('owner')
        .limit(1)
        .executeTakeFirst();
      if (next === undefined) return owners.filter((owner) => owner !== this.instance);
      owners.push(next.owner);
    }
  }

  async adopt(instance: string, beat: number | undefined): Promise<number> {
    return this.#store.write((transaction) => adopt(transaction, this, instance, beat));
  }

  join(): Promise<void> {
    return this.#record.join();
  }

  beat(): Promise<boolean> {
    return this.#record.beat();
  }

  beats(): Promise<ReadonlyMap<string, number>> {
    return this.#record.beats();
  }

  leave(): Promise<void> {
    return this.#record.leave();
  }

  /** `purchase` is as it was right after the change, but for what the reconciler remembers: that is as it is now. */
  async events(request: EventRequest): Promise<readonly PurchaseEvent[]> {
    const rows = await eventsQuery(this.#store.db, this.integration, request).execute();
    const before: PurchaseEvent[] = [];
    for (const row of rows) {
      try {
        before.push(eventFromRow(this.seal, row));
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error;
        const event = { position: row.event_position, purchaseId: row.id, before };
        throw new UnreadableEventError(event, error);
      }
    }
    return before;
  }

  async successes(request: SuccessRequest): Promise<readonly PurchaseEvent[]> {
    const rows = await successesQuery(this.#store.db, this.integration, request).execute();
    return rows.map((row) => eventFromRow(this.seal, row));
  }

  async lastPosition(): Promise<number> {
    const last = await this.#store.db
      .selectFrom('events')
      .select(({ fn }) => fn.max('position').as('position'))
      .where('integration', '=', this.integration)
      .executeTakeFirst();
    return last?.position ?? 0;
  }

  onCommit(wake: Wake): () => void {
    return this.#store.onCommit(this.integration, wake);
  }

  async audit(entries: readonly AuditEntry[]): Promise<void> {
    await this.#store.write((transaction) => auditAlone(transaction, this, entries));
  }

  async reveal({ purchaseIds, ...reveal }: Reveal): Promise<void> {
    const wanted = [...new Set(purchaseIds)];
    const rows = await inChunks(wanted, (some) =>
      revealedQuery(this.#store.db, this.integration, { ...reveal, purchaseIds: some }).execute(),
    );
    if (rows.length < wanted.length) throw new Error('there is no purchase of some that are to be shown');
    // In one order, so that no two wait for each other.
    const others = rows.flatMap(({ id, stands }) => (stands ? [] : [id])).sort();
    if (others.length === 0) return;
    await this.#store.write(async (transaction) => {
      for (const some of chunksOf(others, IDS_AT_ONCE))
        await revealTo(transaction, this, { ...reveal, purchaseIds: some });
    });
  }

  async auditTrail(request: AuditRequest): Promise<readonly (AuditEntry & { readonly id: number })[]> {
    const rows = await auditQuery(this.#store.db, this.integration, request).execute();
    return rows.map((row) => auditFromRow(this.seal, row));
  }

  ping(): Promise<void> {
    return this.#record.ping();
  }

  close(): Promise<void> {
    return this.#record.close();
  }
}

async function inChunks<T>(
  ids: readonly string[],
  read: (some: readonly string[]) => Promise<T[]>,
): Promise<T[]> {
  const rows: T[] = [];
  for (const some of chunksOf([...new Set(ids)], IDS_AT_ONCE)) rows.push(...(await read(some)));
  return rows;
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
