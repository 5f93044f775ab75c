import { surfaces as everySurface } from '../../src/purchases/catalogue.ts';
import { matchesFilter } from '../../src/purchases/filter.ts';
import {
  type DueRequest,
  DayLimitError,
  DEFAULT_INTEGRATION,
  IllegalMoveError,
  type AttemptId,
  type AttemptResult,
  type AuditEntry,
  type AuditRequest,
  type Decided,
  type EventRequest,
  type Journal,
  type Mandate,
  type NewAttempt,
  type NewPurchase,
  type PageRequest,
  type PurchaseChange,
  type PurchaseKey,
  type Reveal,
  type SuccessRequest,
} from '../../src/purchases/journal.ts';
import { Decimal, type Money } from '../../src/purchases/money.ts';
import {
  canRetry,
  isInDoubt,
  isSettled,
  mayMove,
  wasNeverSent,
  type Attempt,
  type ByHand,
  type Purchase,
  type PurchaseEvent,
  type PurchaseStatus,
  type Quote,
  type RawAnswer,
} from '../../src/purchases/purchase.ts';
import { utcDay } from '../../src/purchases/day.ts';
import { idTime } from '../../src/journal/ids.ts';

/** What outlives the simulated processes that write it. */
export class MemoryRecord {
  readonly instances = new Map<string, number>();
  /** How many signs of life each has given, also those that were struck off. */
  readonly signs = new Map<string, number>();
  readonly parts = new Map<string, Part>();

  of(integration: string): Part {
    const part = this.parts.get(integration) ?? new Part();
    this.parts.set(integration, part);
    return part;
  }
}

/** One integration's. */
class Part {
  readonly quotes = new Map<string, Quote>();
  readonly purchases = new Map<string, Purchase>();
  readonly byKey = new Map<string, string>();
  readonly byReference = new Map<string, string>();
  readonly attempts = new Map<string, Attempt[]>();
  readonly events: PurchaseEvent[] = [];
  readonly mandates = new Map<string, Mandate>();
  readonly audit: (AuditEntry & { readonly id: number })[] = [];
  readonly wakes = new Set<(events: readonly PurchaseEvent[]) => void>();
}

/**
 * The record in memory, each call one step: quick enough for a hundred thousand histories. It passes the suite that every
 * journal passes.
 */
export class MemoryJournal implements Journal {
  readonly instance: string;
  readonly shared: boolean;
  readonly integration: string;
  readonly #whole: MemoryRecord;
  readonly #record: Part;
  #closed = false;

  constructor(
    record: MemoryRecord,
    options: { instance: string; shared: boolean; integration?: string | undefined },
  ) {
    const { instance, shared, integration = DEFAULT_INTEGRATION } = options;
    this.#whole = record;
    this.#record = record.of(integration);
    this.instance = instance;
    this.shared = shared;
    this.integration = integration;
  }

  saveQuote(quote: Quote): Promise<void> {
    this.#record.quotes.set(quote.id, quote);
    return Promise.resolve();
  }

  quotes(ids: readonly string[]): Promise<readonly Quote[]> {
    return Promise.resolve(found(ids, this.#record.quotes));
  }

  purgeQuotes(expiredBefore: Date): Promise<number> {
    let purged = 0;
    for (const { quotes } of this.#whole.parts.values()) {
      for (const { id, expiresAt } of quotes.values()) {
        if (expiresAt < expiredBefore && quotes.delete(id)) purged += 1;
      }
    }
    return Promise.resolve(purged);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async begin(
    purchase: NewPurchase,
    attempt: NewAttempt,
    mandate?: Mandate,
  ): Promise<{ purchase: Purchase; attempt: Attempt | null }> {
    if (idTime(purchase.id) !== purchase.createdAt.getTime())
      throw new Error('the id of a purchase is not of its instant');
    if (purchase.status !== 'PENDING') throw new Error('a purchase begins PENDING');
    const known = this.#record.purchases.get(this.#record.byKey.get(purchase.idempotencyKey) ?? '');
    if (known !== undefined) return { purchase: known, attempt: null };
    for (const { byReference, purchases } of this.#whole.parts.values()) {
      if (byReference.has(purchase.reference) || purchases.has(purchase.id))
        throw new Error('the reference is taken');
    }
    this.#spend(purchase.id, purchase.order.amount, mandate);
    this.#audit('CONFIRMED', mandate, purchase.id, attempt.startedAt);
    this.#record.byKey.set(purchase.idempotencyKey, purchase.id);
    this.#record.byReference.set(purchase.reference, purchase.id);
    this.#record.attempts.set(purchase.id, []);
    const first = this.#addAttempt(purchase.id, attempt);
    return { purchase: this.#write(purchase, purchase.createdAt, true), attempt: first };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async startAttempt(
    purchaseId: string,
    from: PurchaseStatus,
    attempt: NewAttempt,
    change: PurchaseChange,
    mandate?: Mandate,
  ): Promise<{ purchase: Purchase; attempt: Attempt } | null> {
    const before = this.#current(purchaseId);
    if (before.status !== from || (from === 'FAILED' && !canRetry(before))) return null;
    const attempts = this.#attemptsOf(purchaseId);
    if (attempts.some(({ outcome }) => outcome === 'IN_FLIGHT')) return null;
    if (attempt.kind === 'CONFIRM' && !wasNeverSent(attempts)) return null;
    if (from === 'FAILED') this.#spend(purchaseId, before.order.amount, mandate);
    const purchase = this.#apply(before, change);
    this.#audit('RETRIED', mandate, purchaseId, attempt.startedAt);
    return { purchase, attempt: this.#addAttempt(purchaseId, attempt) };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async keepAnswer(id: AttemptId, answer: RawAnswer): Promise<void> {
    const attempt = this.#ownAttempt(id);
    if (attempt.answer !== null) throw new Error('the attempt has an answer');
    this.#replace({ ...attempt, answer });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async finishAttempt(id: AttemptId, result: AttemptResult, change: PurchaseChange): Promise<Purchase> {
    const attempt = this.#ownAttempt(id);
    const purchase = this.#apply(this.#current(id.purchaseId), change);
    this.#replace({ ...attempt, ...result });
    return purchase;
  }

  async decide(
    purchaseId: string,
    byHand: ByHand,
    decide: (purchase: Purchase, attempts: readonly Attempt[]) => PurchaseChange,
  ): Promise<Decided> {
    const purchase = this.#current(purchaseId);
    if (!isInDoubt(purchase.status)) return { refused: 'NOT_IN_DOUBT', purchase };
    const attempts = this.#attemptsOf(purchaseId);
    if (attempts.some(({ outcome }) => outcome === 'IN_FLIGHT')) return { refused: 'IN_FLIGHT', purchase };
    const change = decide(purchase, attempts);
    const after = this.#apply(purchase, change, purchase.owner, byHand);
    const action = isSettled(change.status) ? 'SETTLED' : 'ASKED_AGAIN';
    const { author: name, reason } = byHand;
    await this.audit([{ at: change.updatedAt, action, actor: 'OPERATOR', name, purchaseId, reason }]);
    return { refused: null, purchase: after };
  }

  blotAnswers(request: { settledBefore: Date; now: Date; limit: number }): Promise<number> {
    const { settledBefore, now, limit } = request;
    const others = [...this.#whole.parts.keys()].map(
      (integration) =>
        new MemoryJournal(this.#whole, { instance: this.instance, shared: this.shared, integration }),
    );
    return Promise.resolve(
      others.reduce((blotted, one) => blotted + one.#blot(settledBefore, now, limit - blotted), 0),
    );
  }

  #blot(settledBefore: Date, now: Date, limit: number): number {
    const old = [...this.#record.attempts.values()]
      .flat()
      .filter(({ purchaseId, answer, answerBlottedAt }) => {
        const { status, lastEvent } = this.#current(purchaseId);
        const event = this.#record.events[lastEvent - 1];
        if (event === undefined || answer === null || answerBlottedAt !== null) return false;
        return isSettled(status) && event.at < settledBefore;
      })
      .slice(0, limit);
    for (const attempt of old) {
      const answer = attempt.answer && { ...attempt.answer, body: '' };
      this.#replace({ ...attempt, answer, answerBlottedAt: now });
    }
    return old.length;
  }

  purchase(key: PurchaseKey, value: string): Promise<Purchase | undefined> {
    const ids = { id: undefined, reference: this.#record.byReference, idempotencyKey: this.#record.byKey }[
      key
    ];
    const id = ids === undefined ? value : ids.get(value);
    return Promise.resolve(id === undefined ? undefined : this.#record.purchases.get(id));
  }

  purchases(ids: readonly string[]): Promise<readonly Purchase[]> {
    return Promise.resolve(found(ids, this.#record.purchases));
  }

  page({ filter = {}, after, before, limit, inverted }: PageRequest): Promise<readonly Purchase[]> {
    const wanted = [...this.#record.purchases.values()]
      .filter(({ id }) => (after === undefined || id < after) && (before === undefined || id > before))
      .filter((purchase) => matchesFilter(purchase, filter))
      .sort((one, other) => (one.id < other.id === inverted ? -1 : 1));
    return Promise.resolve(wanted.slice(0, limit));
  }

  attempts(purchaseIds: readonly string[]): Promise<readonly Attempt[]> {
    return Promise.resolve(
      [...new Set(purchaseIds)].sort().flatMap((id) => this.#record.attempts.get(id) ?? []),
    );
  }

  inFlight(): Promise<readonly { purchase: Purchase; attempt: Attempt }[]> {
    const all = this.#own().flatMap((purchase) =>
      this.#attemptsOf(purchase.id)
        .filter(({ outcome }) => outcome === 'IN_FLIGHT')
        .map((attempt) => ({ purchase, attempt })),
    );
    return Promise.resolve(all);
  }

  due({ now, horizon, limit, surfaces = everySurface }: DueRequest): Promise<readonly Purchase[]> {
    const late = Math.max(now.getTime(), horizon.getTime());
    const due = this.#own()
      .filter(({ id, status, nextCheckAt, order }) => {
        if (!surfaces.includes(order.surface)) return false;
        if (status !== 'UNRESOLVED' || nextCheckAt === null) return false;
        const at = nextCheckAt.getTime();
        if (at > now.getTime() && at <= late) return false;
        return this.#attemptsOf(id).every(({ outcome }) => outcome !== 'IN_FLIGHT');
      })
      .sort((one, other) => dueAt(one) - dueAt(other) || (one.id < other.id ? -1 : 1));
    return Promise.resolve(due.slice(0, limit));
  }

  owners(): Promise<readonly string[]> {
    const owners = this.#open().map(({ owner }) => owner);
    return Promise.resolve([...new Set(owners)].filter((owner) => owner !== this.instance).sort());
  }

  adopt(instance: string, beat: number | undefined): Promise<number> {
    const { instances } = this.#whole;
    const { purchases } = this.#record;
    if (instances.get(instance) !== beat) return Promise.resolve(0);
    instances.delete(instance);
    const orphans = this.#open().filter(({ owner }) => owner === instance);
    for (const orphan of orphans.slice(0, 100)) purchases.set(orphan.id, { ...orphan, owner: this.instance });
    return Promise.resolve(Math.min(orphans.length, 100));
  }

  join(): Promise<void> {
    const { instances, signs } = this.#whole;
    signs.set(this.instance, (signs.get(this.instance) ?? 0) + 1);
    instances.set(this.instance, signs.get(this.instance) ?? 0);
    return Promise.resolve();
  }

  beat(): Promise<boolean> {
    const { instances, signs } = this.#whole;
    if (!instances.has(this.instance)) return Promise.resolve(false);
    signs.set(this.instance, (signs.get(this.instance) ?? 0) + 1);
    instances.set(this.instance, signs.get(this.instance) ?? 0);
    return Promise.resolve(true);
  }

  beats(): Promise<ReadonlyMap<string, number>> {
    return Promise.resolve(new Map(this.#whole.instances));
  }

  leave(): Promise<void> {
    this.#whole.instances.delete(this.instance);
    return Promise.resolve();
  }

  events({ after, limit, purchaseId }: EventRequest): Promise<readonly PurchaseEvent[]> {
    const wanted = this.#record.events
      .slice(after)
      .filter(({ purchase }) => purchaseId === undefined || purchase.id === purchaseId)
      .slice(0, limit)
      .map(({ position, at, purchase, byHand }) => {
        const { checks, nextCheckAt, deniedInARow, unresolvedSince } = this.#current(purchase.id);
        return {
          ...{ position, at, byHand },
          purchase: { ...purchase, checks, nextCheckAt, deniedInARow, unresolvedSince },
        };
      });
    return Promise.resolve(wanted);
  }

  successes({ from, until, accountId, after, limit }: SuccessRequest): Promise<readonly PurchaseEvent[]> {
    const wanted = this.#record.events
      .filter(({ at, purchase }) => purchase.status === 'SUCCEEDED' && at >= from && at < until)
      .filter(({ purchase }) => accountId === undefined || purchase.order.accountId === accountId)
      .sort((one, other) => one.at.getTime() - other.at.getTime() || one.position - other.position)
      .filter(
        ({ at, position }) =>
          after === undefined ||
          at > after.at ||
          (at.getTime() === after.at.getTime() && position > after.position),
      );
    return Promise.resolve(wanted.slice(0, limit));
  }

  lastPosition(): Promise<number> {
    return Promise.resolve(this.#record.events.length);
  }

  onCommit(wake: (events: readonly PurchaseEvent[]) => void): () => void {
    const listener = (events: readonly PurchaseEvent[]) => wake(events);
    this.#record.wakes.add(listener);
    return () => this.#record.wakes.delete(listener);
  }

  audit(entries: readonly AuditEntry[]): Promise<void> {
    const { audit, purchases } = this.#record;
    if (!entries.every(({ purchaseId }) => purchases.has(purchaseId)))
      return Promise.reject(new Error('there is no purchase of them'));
    for (const entry of entries) audit.push({ ...entry, id: audit.length + 1 });
    return Promise.resolve();
  }

  reveal({ caller: name, at, purchaseIds }: Reveal): Promise<void> {
    const stands = (purchaseId: string) =>
      this.#record.audit.some(
        (entry) =>
          entry.purchaseId === purchaseId &&
          entry.actor === 'CALLER' &&
          entry.name === name &&
          (entry.action !== 'REVEALED' || utcDay(entry.at) === utcDay(at)),
      );
    const others = [...new Set(purchaseIds)].filter((id) => !stands(id));
    return this.audit(
      others.map((purchaseId) => ({
        ...{ at, action: 'REVEALED', actor: 'CALLER', name, purchaseId, reason: null },
      })),
    );
  }

  auditTrail({ before = Infinity, limit, purchaseId }: AuditRequest) {
    const wanted = this.#record.audit
      .filter((entry) => entry.id < before && (purchaseId ?? entry.purchaseId) === entry.purchaseId)
      .reverse();
    return Promise.resolve(wanted.slice(0, limit));
  }

  ping(): Promise<void> {
    return this.#closed ? Promise.reject(new Error('the journal is closed')) : Promise.resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #audit(action: 'CONFIRMED' | 'RETRIED', mandate: Mandate | undefined, purchaseId: string, at: Date): void {
    if (mandate === undefined) return;
    const { audit } = this.#record;
    const entry = { at, action, actor: 'CALLER', name: mandate.caller, purchaseId, reason: null } as const;
    audit.push({ ...entry, id: audit.length + 1 });
  }

  #spend(purchaseId: string, { amount, currency }: Money, mandate: Mandate | undefined): void {
    if (mandate === undefined) return;
    const { mandates, purchases } = this.#record;
    const limits = [
      { whose: 'CALLER', most: mandate.mostByCaller },
      { whose: 'INTEGRATION', most: mandate.mostByAll },
    ] as const;
    for (const { whose, most } of limits) {
      if (most === null) continue;
      let left = most;
      for (const { id, status, order } of purchases.values()) {
        const other = mandates.get(id);
        if (status === 'FAILED' || other?.day !== mandate.day || order.amount.currency !== currency) continue;
        if (whose === 'CALLER' && other.caller !== mandate.caller) continue;
        left = left.minus(order.amount.amount);
      }
      if (amount.greaterThan(left)) throw new DayLimitError(whose, most, Decimal.max(left, 0));
    }
    mandates.set(purchaseId, mandate);
  }

  #attemptsOf(purchaseId: string): Attempt[] {
    return this.#record.attempts.get(purchaseId) ?? [];
  }

  #current(purchaseId: string): Purchase {
    const purchase = this.#record.purchases.get(purchaseId);
    if (purchase === undefined) throw new Error(`there is no purchase ${purchaseId}`);
    return purchase;
  }

  #own(): Purchase[] {
    return [...this.#record.purchases.values()].filter(({ owner }) => owner === this.instance);
  }

  #open(): Purchase[] {
    return [...this.#record.purchases.values()].filter(
      ({ status }) => status === 'PENDING' || status === 'UNRESOLVED',
    );
  }

  #ownAttempt({ purchaseId, number }: AttemptId): Attempt {
    const { owner } = this.#current(purchaseId);
    const attempt = this.#attemptsOf(purchaseId)[number - 1];
    if (attempt?.outcome !== 'IN_FLIGHT') {
      throw new Error(`attempt ${number} of purchase ${purchaseId} is not in flight`);
    }
    if (owner !== this.instance) throw new Error(`purchase ${purchaseId} was taken over by another instance`);
    return attempt;
  }

  #addAttempt(purchaseId: string, attempt: NewAttempt): Attempt {
    const attempts = this.#attemptsOf(purchaseId);
    const { kind, requestId, startedAt } = attempt;
    const added: Attempt = {
      ...{ purchaseId, number: attempts.length + 1, kind, requestId, startedAt },
      ...{ outcome: 'IN_FLIGHT', finishedAt: null, problem: null, answer: null, answerBlottedAt: null },
    };
    attempts.push(added);
    return added;
  }

  #replace(attempt: Attempt): void {
    this.#attemptsOf(attempt.purchaseId)[attempt.number - 1] = attempt;
  }

  #apply(
    before: Purchase,
    change: PurchaseChange,
    owner = this.instance,
    byHand: ByHand | null = null,
  ): Purchase {
    const moves = before.status !== change.status;
    if (before.status === 'SUCCEEDED' || (moves && !mayMove(before.status, change.status))) {
      throw new IllegalMoveError(before.id, before.status, change.status);
    }
    return this.#write({ ...before, ...change }, change.updatedAt, moves, owner, byHand);
  }

  #write(
    next: NewPurchase & { lastEvent?: number },
    at: Date,
    withEvent: boolean,
    owner = this.instance,
    byHand: ByHand | null = null,
  ): Purchase {
    const lastEvent = withEvent ? this.#record.events.length + 1 : (next.lastEvent ?? 0);
    const purchase: Purchase = { ...next, lastEvent, owner };
    this.#record.purchases.set(purchase.id, purchase);
    if (withEvent) {
      const event = { position: lastEvent, at, purchase, byHand };
      this.#record.events.push(event);
      for (const wake of this.#record.wakes) queueMicrotask(() => wake([event]));
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
