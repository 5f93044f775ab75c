import { UnreadableEventError, type EventRequest, type Journal } from './journal.ts';
import type { Leaving } from './leaving.ts';
import { ProblemError } from './problem.ts';
import { isSettled, type Purchase, type PurchaseEvent } from './purchase.ts';
import type { Log, Runtime } from './runtime.ts';

/** How many of the latest events are kept in memory for the followers that keep up. */
const RECENT_EVENTS = 1024;
/** How many events one read of the journal brings. */
const BATCH = 256;
/** How long to wait before the journal is read again after it failed. */
const RETRY_READ_MS = 500;
/** How often the journal is read without a commit of ours: another process, an operator's, may have written. */
const POLL_MS = 1_000;

/** Which events. */
interface Following {
  readonly after: number;
  readonly purchaseId?: string;
  /** Only the events of those purchases. */
  readonly sees?: (purchase: Purchase) => boolean;
  readonly signal?: Leaving | undefined;
}

/** One that cannot be read stands in its place: whoever comes to it is told so, and misses nothing unawares. */
type Entry = PurchaseEvent | UnreadableEventError;

interface Batch {
  readonly events: readonly Entry[];
  /** There is nothing else up to here. */
  readonly upTo: number;
}

type Events = AsyncIterableIterator<PurchaseEvent, undefined, undefined>;

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
  #recent: Entry[] = [];
  #from: number;
  #to: number;
  readonly #waiting = new Set<Follower>();
  /** What is being read for those who are behind: many are at the same place when they all come back at once. */
  readonly #reading = new Map<string, Promise<Batch>>();
  readonly #source: Source = {
    waiting: this.#waiting,
    isClosed: () => this.#closed.signal.aborted,
    isNewTo: (position) => this.#to > position,
    after: (position, purchaseId) => this.#after(position, purchaseId),
  };
  #pumping = false;
  #pumpAgain = false;

  private constructor(options: { journal: Journal; runtime: Runtime; log: Log }, position: number) {
    this.#journal = options.journal;
    this.#runtime = options.runtime;
    this.#log = options.log;
    this.#from = position;
    this.#to = position;
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

  /** Every event after the position, for ever: first those there are, then each as it is committed. One `next()` at a time. */
  follow(request: Following): Events {
    return this.#follow(request);
  }

  /** The purchase as it is now, then after every change; ends once it is settled. Undefined when there is none. */
  async watch(
    id: string,
    signal?: Leaving,
  ): Promise<AsyncIterableIterator<Purchase, undefined, undefined> | undefined> {
    const first = await this.#journal.purchase('id', id);
    if (first === undefined) return undefined;
    return new Watch(first, this.#follow({ after: first.lastEvent, purchaseId: id, signal }));
  }

  /** Ends every follower. */
  close(): void {
    this.#stopWaking();
    this.#closed.abort();
    this.#wake();
  }

  #follow(request: Following): Follower {
    return new Follower(request, this.#source);
  }

  /** The next events after the position: those in mind, or some that are read. */
  #after(position: number, purchaseId: string | undefined): Batch | Promise<Batch> {
    if (position >= this.#from) return { events: this.#recentAfter(position), upTo: this.#to };
    const key = `${position} ${purchaseId ?? ''}`;
    let batch = this.#reading.get(key);
    if (batch === undefined) {
      batch = this.#read(position, purchaseId).finally(() => this.#reading.delete(key));
      this.#reading.set(key, batch);
    }
    return batch;
  }

  async #read(after: number, purchaseId: string | undefined): Promise<Batch> {
    const reached = this.#to;
    const { events, isMore } = await this.#entries({ after, limit: BATCH, purchaseId });
    const last = events.at(-1)?.position ?? after;
    // All up to `reached` were there to be read: what was not among them belongs to other purchases.
    return { events, upTo: isMore ? last : Math.max(last, reached) };
  }

  async #entries(request: EventRequest): Promise<{ events: readonly Entry[]; isMore: boolean }> {
    try {
      const events = await this.#journal.events(request);
      return { events, isMore: events.length === request.limit };
    } catch (error) {
      if (!(error instanceof UnreadableEventError)) throw error;
      return { events: [...error.before, error], isMore: true };
    }
  }

  #recentAfter(position: number): readonly Entry[] {
    let low = 0;
    let high = this.#recent.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#recent[middle]?.position ?? Infinity) > position) high = middle;
      else low = middle + 1;
    }
    return this.#recent.slice(low);
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
        const { events, isMore } = await this.#entries({ after: this.#to, limit: BATCH });
        const last = events.at(-1);
        if (last instanceof UnreadableEventError)
          this.#log.error({ err: last }, 'an event cannot be read: the subscriptions that come to it end');
        this.#append(events);
        if (isMore) this.#pumpAgain = true;
      } catch (error) {
        if (closed()) break;
        this.#log.error({ err: error }, 'the journal could not be read for live events; trying again');
        await this.#runtime.sleep(RETRY_READ_MS, this.#closed.signal);
        this.#pumpAgain = true;
      }
    }
    this.#pumping = false;
  }

  #append(events: readonly Entry[]): void {
    const last = events.at(-1);
    if (last === undefined) return;
    this.#recent.push(...events);
    this.#to = last.position;
    const surplus = this.#recent.length - RECENT_EVENTS;
    if (surplus > 0) {
      const dropped = this.#recent.splice(0, surplus).at(-1);
      if (dropped !== undefined) this.#from = dropped.position;
    }
    this.#wake();
  }

  #wake(): void {
    for (const follower of [...this.#waiting]) follower.wake();
  }
}

const OVER = { done: true, value: undefined } as const;
const NONE: readonly Entry[] = [];

/** What followers have of the feed. */
interface Source {
  readonly waiting: Set<Follower>;
  readonly isClosed: () => boolean;
  readonly isNewTo: (position: number) => boolean;
  readonly after: (position: number, purchaseId: string | undefined) => Batch | Promise<Batch>;
}

/** There may be ten thousand that wait: each is one object and what it waits for. */
class Follower implements Events {
  readonly #request: Following;
  readonly #source: Source;
  #events = NONE;
  #at = 0;
  #position: number;
  #upTo: number;
  #over = false;
  #awoken: (() => void) | undefined;

  constructor(request: Following, source: Source) {
    this.#request = request;
    this.#source = source;
    this.#position = request.after;
    this.#upTo = request.after;
    if (request.signal?.aborted === true) this.#over = true;
    else request.signal?.addEventListener('abort', this);
  }

  async next(): Promise<IteratorResult<PurchaseEvent, undefined>> {
    for (;;) {
      if (this.#source.isClosed()) this.#end();
      if (this.#over) return OVER;
      const event = this.#events[this.#at];
      if (event === undefined) {
        await this.#more();
        continue;
      }
      this.#at += 1;
      this.#position = event.position;
      if (event instanceof UnreadableEventError) this.#meet(event);
      else if (this.#isWanted(event)) return { done: false, value: event };
    }
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#end();
    return Promise.resolve(OVER);
  }

  throw(error: Error): Promise<never> {
    this.#end();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The signal's listener is the follower itself: one object fewer. */
  handleEvent(): void {
    this.#end();
  }

  wake(): void {
    this.#source.waiting.delete(this);
    this.#awoken?.();
    this.#awoken = undefined;
  }

  async #more(): Promise<void> {
    this.#events = NONE;
    this.#position = Math.max(this.#position, this.#upTo);
    if (!this.#source.isNewTo(this.#position)) {
      await new Promise<void>((resolve) => {
        this.#awoken = resolve;
        this.#source.waiting.add(this);
      });
      return;
    }
    const { events, upTo } = await this.#source.after(this.#position, this.#request.purchaseId);
    this.#events = events;
    this.#at = 0;
    this.#upTo = upTo;
  }

  #isWanted({ purchase }: PurchaseEvent): boolean {
    const { purchaseId, sees } = this.#request;
    return (purchaseId === undefined || purchase.id === purchaseId) && (sees?.(purchase) ?? true);
  }

  /** Whose purchase it is may not be read either: only who follows another one passes it. */
  #meet(event: UnreadableEventError): void {
    const { purchaseId } = this.#request;
    if (purchaseId !== undefined && purchaseId !== event.purchaseId) return;
    this.#end();
    throw new ProblemError({
      type: 'UNAVAILABLE',
      code: 'event_unreadable',
      message: 'The next event cannot be read. List the purchases, and subscribe anew without a cursor.',
    });
  }

  #end(): void {
    this.#over = true;
    this.#events = NONE;
    this.#request.signal?.removeEventListener('abort', this);
    this.wake();
  }
}

class Watch implements AsyncIterableIterator<Purchase, undefined, undefined> {
  #first: Purchase | undefined;
  readonly #changes: Follower;

  constructor(first: Purchase, changes: Follower) {
    this.#first = first;
    this.#changes = changes;
  }

  async next(): Promise<IteratorResult<Purchase, undefined>> {
    const purchase = this.#first ?? (await this.#changes.next()).value?.purchase;
    this.#first = undefined;
    if (purchase === undefined) return OVER;
    if (isSettled(purchase.status)) await this.#changes.return();
    return { done: false, value: purchase };
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#first = undefined;
    return this.#changes.return();
  }

  throw(error: Error): Promise<never> {
    this.#first = undefined;
    return this.#changes.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
