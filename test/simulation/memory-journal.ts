import { matchesFilter } from '../../src/purchases/filter.ts';
import {
  IllegalMoveError,
  type AttemptId,
  type AttemptResult,
  type EventRequest,
  type Journal,
  type NewAttempt,
  type NewPurchase,
  type PageRequest,
  type PurchaseChange,
  type PurchaseKey,
} from '../../src/purchases/journal.ts';
import {
  mayMove,
  type Attempt,
  type Purchase,
  type PurchaseEvent,
  type PurchaseStatus,
  type Quote,
  type RawAnswer,
} from '../../src/purchases/purchase.ts';
import { idTime } from '../../src/journal/ids.ts';

/**
 * The record in memory, each call one step: quick enough for a hundred thousand histories. It passes the suite that every
 * journal passes, and what it holds outlives the simulated processes that write it.
 */
export class MemoryJournal implements Journal {
  readonly #quotes = new Map<string, Quote>();
  readonly #purchases = new Map<string, Purchase>();
  readonly #byKey = new Map<string, string>();
  readonly #byReference = new Map<string, string>();
  readonly #attempts = new Map<string, Attempt[]>();
  readonly #events: PurchaseEvent[] = [];
  readonly #wakes = new Set<() => void>();
  #closed = false;

  saveQuote(quote: Quote): Promise<void> {
    this.#quotes.set(quote.id, quote);
    return Promise.resolve();
  }

  quotes(ids: readonly string[]): Promise<readonly Quote[]> {
    return Promise.resolve(found(ids, this.#quotes));
  }

  purgeQuotes(expiredBefore: Date): Promise<number> {
    const expired = [...this.#quotes.values()].filter(({ expiresAt }) => expiresAt < expiredBefore);
    for (const { id } of expired) this.#quotes.delete(id);
    return Promise.resolve(expired.length);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async begin(
    purchase: NewPurchase,
    attempt: NewAttempt,
  ): Promise<{ purchase: Purchase; attempt: Attempt | null }> {
    if (idTime(purchase.id) !== purchase.createdAt.getTime())
      throw new Error('the id of a purchase is not of its instant');
    if (purchase.status !== 'PENDING') throw new Error('a purchase begins PENDING');
    const known = this.#purchases.get(this.#byKey.get(purchase.idempotencyKey) ?? '');
    if (known !== undefined) return { purchase: known, attempt: null };
    if (this.#byReference.has(purchase.reference)) throw new Error('the reference is taken');
    this.#byKey.set(purchase.idempotencyKey, purchase.id);
    this.#byReference.set(purchase.reference, purchase.id);
    this.#attempts.set(purchase.id, []);
    const first = this.#addAttempt(purchase.id, attempt);
    return { purchase: this.#write(purchase, purchase.createdAt, true), attempt: first };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async startAttempt(
    purchaseId: string,
    from: PurchaseStatus,
    attempt: NewAttempt,
    change: PurchaseChange,
  ): Promise<{ purchase: Purchase; attempt: Attempt } | null> {
    const before = this.#current(purchaseId);
    if (before.status !== from) return null;
    if (this.#attemptsOf(purchaseId).some(({ outcome }) => outcome === 'IN_FLIGHT')) return null;
    const purchase = this.#apply(before, change);
    return { purchase, attempt: this.#addAttempt(purchaseId, attempt) };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async keepAnswer(id: AttemptId, answer: RawAnswer): Promise<void> {
    const attempt = this.#inFlightAttempt(id);
    if (attempt.answer !== null) throw new Error('the attempt has an answer');
    this.#replace({ ...attempt, answer });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async finishAttempt(id: AttemptId, result: AttemptResult, change: PurchaseChange): Promise<Purchase> {
    const attempt = this.#inFlightAttempt(id);
    const purchase = this.#apply(this.#current(id.purchaseId), change);
    this.#replace({ ...attempt, ...result });
    return purchase;
  }

  purchase(key: PurchaseKey, value: string): Promise<Purchase | undefined> {
    const ids = { id: undefined, reference: this.#byReference, idempotencyKey: this.#byKey }[key];
    const id = ids === undefined ? value : ids.get(value);
    return Promise.resolve(id === undefined ? undefined : this.#purchases.get(id));
  }

  purchases(ids: readonly string[]): Promise<readonly Purchase[]> {
    return Promise.resolve(found(ids, this.#purchases));
  }

  page({ filter = {}, after, before, limit, inverted }: PageRequest): Promise<readonly Purchase[]> {
    const wanted = [...this.#purchases.values()]
      .filter(({ id }) => (after === undefined || id < after) && (before === undefined || id > before))
      .filter((purchase) => matchesFilter(purchase, filter))
      .sort((one, other) => (one.id < other.id === inverted ? -1 : 1));
    return Promise.resolve(wanted.slice(0, limit));
  }

  attempts(purchaseIds: readonly string[]): Promise<readonly Attempt[]> {
    return Promise.resolve([...new Set(purchaseIds)].sort().flatMap((id) => this.#attempts.get(id) ?? []));
  }

  inFlight(): Promise<readonly { purchase: Purchase; attempt: Attempt }[]> {
    const all = [...this.#purchases.values()].flatMap((purchase) =>
      this.#attemptsOf(purchase.id)
        .filter(({ outcome }) => outcome === 'IN_FLIGHT')
        .map((attempt) => ({ purchase, attempt })),
    );
    return Promise.resolve(all);
  }

  due({ now, horizon, limit }: { now: Date; horizon: Date; limit: number }): Promise<readonly Purchase[]> {
    const late = Math.max(now.getTime(), horizon.getTime());
    const due = [...this.#purchases.values()]
      .filter(({ id, status, nextCheckAt }) => {
        if (status !== 'UNRESOLVED' || nextCheckAt === null) return false;
        const at = nextCheckAt.getTime();
        if (at > now.getTime() && at <= late) return false;
        return this.#attemptsOf(id).every(({ outcome }) => outcome !== 'IN_FLIGHT');
      })
      .sort((one, other) => dueAt(one) - dueAt(other) || (one.id < other.id ? -1 : 1));
    return Promise.resolve(due.slice(0, limit));
  }

  events({ after, limit, purchaseId }: EventRequest): Promise<readonly PurchaseEvent[]> {
    const wanted = this.#events
      .slice(after)
      .filter(({ purchase }) => purchaseId === undefined || purchase.id === purchaseId)
      .slice(0, limit)
      .map(({ position, at, purchase }) => {
        const { checks, nextCheckAt, deniedInARow, unresolvedSince } = this.#current(purchase.id);
        return {
          ...{ position, at },
          purchase: { ...purchase, checks, nextCheckAt, deniedInARow, unresolvedSince },
        };
      });
    return Promise.resolve(wanted);
  }

  lastPosition(): Promise<number> {
    return Promise.resolve(this.#events.length);
  }

  onCommit(wake: () => void): () => void {
    const listener = () => wake();
    this.#wakes.add(listener);
    return () => this.#wakes.delete(listener);
  }

  ping(): Promise<void> {
    return this.#closed ? Promise.reject(new Error('the journal is closed')) : Promise.resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #attemptsOf(purchaseId: string): Attempt[] {
    return this.#attempts.get(purchaseId) ?? [];
  }

  #current(purchaseId: string): Purchase {
    const purchase = this.#purchases.get(purchaseId);
    if (purchase === undefined) throw new Error(`there is no purchase ${purchaseId}`);
    return purchase;
  }

  #inFlightAttempt({ purchaseId, number }: AttemptId): Attempt {
    const attempt = this.#attemptsOf(purchaseId)[number - 1];
    if (attempt?.outcome !== 'IN_FLIGHT') {
      throw new Error(`attempt ${number} of purchase ${purchaseId} is not in flight`);
    }
    return attempt;
  }

  #addAttempt(purchaseId: string, attempt: NewAttempt): Attempt {
    const attempts = this.#attemptsOf(purchaseId);
    const { kind, requestId, startedAt } = attempt;
    const added: Attempt = {
      ...{ purchaseId, number: attempts.length + 1, kind, requestId, startedAt },
      ...{ outcome: 'IN_FLIGHT', finishedAt: null, problem: null, answer: null },
    };
    attempts.push(added);
    return added;
  }

  #replace(attempt: Attempt): void {
    this.#attemptsOf(attempt.purchaseId)[attempt.number - 1] = attempt;
  }

  #apply(before: Purchase, change: PurchaseChange): Purchase {
    const moves = before.status !== change.status;
    if (before.status === 'SUCCEEDED' || (moves && !mayMove(before.status, change.status))) {
      throw new IllegalMoveError(before.id, before.status, change.status);
    }
    return this.#write({ ...before, ...change }, change.updatedAt, moves);
  }

  #write(next: NewPurchase & { lastEvent?: number }, at: Date, withEvent: boolean): Purchase {
    const lastEvent = withEvent ? this.#events.length + 1 : (next.lastEvent ?? 0);
    const purchase: Purchase = { ...next, lastEvent };
    this.#purchases.set(purchase.id, purchase);
    if (withEvent) {
      this.#events.push({ position: lastEvent, at, purchase });
      for (const wake of this.#wakes) queueMicrotask(wake);
    }
    return purchase;
  }
}

function found<T>(ids: readonly string[], all: ReadonlyMap<string, T>): T[] {
  return [...new Set(ids)].flatMap((id) => all.get(id) ?? []);
}

function dueAt({ nextCheckAt }: Purchase): number {
  return nextCheckAt?.getTime() ?? Infinity;
}
