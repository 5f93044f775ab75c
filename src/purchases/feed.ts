import { setMaxListeners } from 'node:events';

import type { Journal } from './journal.ts';
import { isSettled, type Purchase, type PurchaseEvent } from './purchase.ts';
import type { Leaving } from './leaving.ts';
import type { Log, Runtime } from './runtime.ts';

/** How many of the latest events are kept in memory for the followers that keep up. */
const RECENT_EVENTS = 1024;
/** How many events one read of the journal brings. */
const BATCH = 256;
/** How long to wait before the journal is read again after it failed. */
const RETRY_READ_MS = 500;
/** How often the journal is read without a commit of ours: another process, an operator's, may have written. */
const POLL_MS = 1_000;

/**
 * The live events (R7). The journal is the truth; a commit, or a second gone by, only wakes the feed, which reads each new event once for all
 * followers, or is given it by whoever wrote it here. A follower owns nothing but its position: one that falls behind is served from the journal, so that no
 * buffer can overflow and no event is missed or seen twice.
 */
export class EventFeed {
  readonly #journal: Journal;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #stopWaking: () => void;
  readonly #closed = new AbortController();
  /** Every event in (#from, #to], in order. */
  #recent: PurchaseEvent[] = [];
  #from: number;
  #to: number;
  #waiting = new Set<() => void>();
  #pumping = false;
  #pumpAgain = false;

  private constructor(options: { journal: Journal; runtime: Runtime; log: Log }, position: number) {
    this.#journal = options.journal;
    this.#runtime = options.runtime;
    this.#log = options.log;
    this.#from = position;
    this.#to = position;
    // One listener for each follower, however many there are.
    setMaxListeners(0, this.#closed.signal);
    this.#stopWaking = this.#journal.onCommit((events) => void this.#hear(events));
  }

  static async open(options: { journal: Journal; runtime: Runtime; log: Log }): Promise<EventFeed> {
    const feed = new EventFeed(options, await options.journal.lastPosition());
    void feed.#poll();
    return feed;
  }

  /** The latest event that its followers can have had. */
  get position(): number {
    return this.#to;
  }

  /** How many followers wait for the next event. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Every event after the position, for ever: first those there are, then each as it is committed. */
  follow(request: {
    after: number;
    purchaseId?: string;
    /** Only the events of those purchases. */
    sees?: (purchase: Purchase) => boolean;
    signal?: Leaving;
  }): AsyncIterableIterator<PurchaseEvent> {
    return endable((signal) => this.#follow(request, signal), this.#signals(request.signal));
  }

  /** The purchase as it is now, then after every change; ends once it is settled. Undefined when there is none. */
  async watch(id: string, signal?: Leaving): Promise<AsyncIterableIterator<Purchase> | undefined> {
    const first = await this.#journal.purchase('id', id);
    if (first === undefined) return undefined;
    return endable((ended) => this.#watch(first, ended), this.#signals(signal));
  }

  /** Ends every follower. */
  close(): void {
    this.#stopWaking();
    this.#closed.abort();
  }

  #signals(signal: Leaving | undefined): Leaving[] {
    return signal === undefined ? [this.#closed.signal] : [this.#closed.signal, signal];
  }

  async *#watch(first: Purchase, signal: AbortSignal): AsyncGenerator<Purchase, void, undefined> {
    yield first;
    if (isSettled(first.status)) return;
    for await (const event of this.#follow({ after: first.lastEvent, purchaseId: first.id }, signal)) {
      yield event.purchase;
      if (isSettled(event.purchase.status)) return;
    }
  }

  async *#follow(
    {
      after,
      purchaseId,
      sees = () => true,
    }: { after: number; purchaseId?: string; sees?: (purchase: Purchase) => boolean },
    signal: AbortSignal,
  ): AsyncGenerator<PurchaseEvent, void, undefined> {
    let position = after;
    const ended = () => signal.aborted;
    while (!ended()) {
      const reached = this.#to;
      const events =
        position >= this.#from
          ? this.#recentAfter(position)
          : await this.#journal.events({ after: position, limit: BATCH, purchaseId });
      const fromJournal = position < this.#from;
      for (const event of events) {
        position = event.position;
        if ((purchaseId === undefined || event.purchase.id === purchaseId) && sees(event.purchase))
          yield event;
        if (ended()) return;
      }
      if (fromJournal && events.length === BATCH) continue;
      // All up to `reached` were there to be read: what was not among them belongs to other purchases.
      position = Math.max(position, reached);
      if (position >= this.#to) await this.#next(signal);
    }
  }

  #recentAfter(position: number): readonly PurchaseEvent[] {
    let low = 0;
    let high = this.#recent.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#recent[middle]?.position ?? Infinity) > position) high = middle;
      else low = middle + 1;
    }
    return this.#recent.slice(low);
  }

  /** Resolves at the next event, or when the signal aborts. */
  async #next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** What was written here need not be read: it is taken as it is where nothing is missing before it. */
  async #hear(events: readonly PurchaseEvent[] = []): Promise<void> {
    if (!this.#pumping && events[0]?.position === this.#to + 1) this.#append(events);
    else await this.#pump();
  }

  async #poll(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      await this.#pump();
      await this.#runtime.sleep(POLL_MS, this.#closed.signal);
    }
  }

  async #pump(): Promise<void> {
    this.#pumpAgain = true;
    if (this.#pumping) return;
    this.#pumping = true;
    const closed = () => this.#closed.signal.aborted;
    while (this.#pumpAgain && !closed()) {
      this.#pumpAgain = false;
      try {
        const events = await this.#journal.events({ after: this.#to, limit: BATCH });
        this.#append(events);
        if (events.length === BATCH) this.#pumpAgain = true;
      } catch (error) {
        if (closed()) break;
        this.#log.error({ err: error }, 'the journal could not be read for live events; trying again');
        await this.#runtime.sleep(RETRY_READ_MS, this.#closed.signal);
        this.#pumpAgain = true;
      }
    }
    this.#pumping = false;
  }

  #append(events: readonly PurchaseEvent[]): void {
    const last = events.at(-1);
    if (last === undefined) return;
    this.#recent.push(...events);
    this.#to = last.position;
    const surplus = this.#recent.length - RECENT_EVENTS;
    if (surplus > 0) {
      const dropped = this.#recent.splice(0, surplus).at(-1);
      if (dropped !== undefined) this.#from = dropped.position;
    }
    for (const wake of [...this.#waiting]) wake();
  }
}

/**
 * A generator whose `return()` also ends what it awaits: the language queues `return()` behind a pending `await`, so an
 * idle subscription would never end when its client leaves.
 */
function endable<T>(
  generate: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  signals: readonly Leaving[],
): AsyncIterableIterator<T> {
  const ending = new AbortController();
  const end = () => {
    for (const signal of signals) signal.removeEventListener('abort', end);
    ending.abort();
  };
  for (const signal of signals) {
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  }
  const generator = generate(ending.signal);
  return {
    async next() {
      const result = await generator.next();
      if (result.done === true) end();
      return result;
    },
    async return() {
      end();
      await generator.return();
      return { done: true, value: undefined };
    },
    async throw(error) {
      end();
      return await generator.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
