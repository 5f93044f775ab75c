import type { Leaving } from '../purchases/leaving.ts';
import { problem, type Problem } from '../purchases/problem.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { Slot } from '../purchases/vending.ts';

export interface GateOptions {
  readonly runtime: Pick<Runtime, 'monotonic' | 'sleep'>;
  /** At most so many calls at once. Default 64. */
  readonly concurrency?: number | undefined;
  /** At most so many wait. Default 256. */
  readonly queue?: number | undefined;
  /** At most so long, in ms. Default 5000. */
  readonly maxWaitMs?: number | undefined;
}

export const CONCURRENCY = 64;
export const QUEUE = 256;
const MAX_WAIT_MS = 5_000;
/** An upstream that asks for more is asked again after so long. */
const LONGEST_HOLD_MS = 60_000;

interface Waiting {
  /** On the steady clock. */
  readonly until: number;
  readonly enter: () => void;
  readonly turnAway: () => void;
}

/** Lets so many calls through at once, in the order in which they came, and none while the upstream asks us to wait. */
export class Gate {
  readonly #runtime: Pick<Runtime, 'monotonic' | 'sleep'>;
  readonly #concurrency: number;
  readonly #queue: number;
  readonly #maxWaitMs: number;
  readonly #waiting = new Set<Waiting>();
  #watching = false;
  #opening = false;
  #inside = 0;
  #heldUntil = -Infinity;

  constructor({ runtime, concurrency = CONCURRENCY, queue = QUEUE, maxWaitMs = MAX_WAIT_MS }: GateOptions) {
    this.#runtime = runtime;
    this.#concurrency = concurrency;
    this.#queue = queue;
    this.#maxWaitMs = maxWaitMs;
  }

  /** How many calls are under way, and how many wait. */
  get state(): { readonly inUse: number; readonly waiting: number } {
    return { inUse: this.#inside, waiting: this.#waiting.size };
  }

  /** A place, to be given back; or a retryable `Problem` when there is none in time. Throws when the caller leaves. */
  async enter(signal?: Leaving): Promise<Slot | Problem> {
    signal?.throwIfAborted();
    if (this.#isFree && this.#waiting.size === 0) return this.#slot();
    if (this.#holdMs > this.#maxWaitMs) return askedToWait(this.#holdMs);
    if (this.#waiting.size >= this.#queue) return busy();
    return this.#wait(signal);
  }

  /** Lets nobody in for so long: what Retry-After asked for. */
  hold(ms: number): void {
    const until = this.#runtime.monotonic() + Math.min(ms, LONGEST_HOLD_MS);
    if (until <= this.#heldUntil) return;
    this.#heldUntil = until;
    if (!this.#opening) void this.#openAgain();
  }

  /** Looks until the time is over indeed: a timer may fire a little early, and who comes after it would wait for nothing. */
  async #openAgain(): Promise<void> {
    this.#opening = true;
    while (this.#holdMs > 0) await this.#runtime.sleep(this.#holdMs);
    this.#opening = false;
    this.#letIn();
  }

  get #holdMs(): number {
    return Math.max(0, this.#heldUntil - this.#runtime.monotonic());
  }

  get #isFree(): boolean {
    return this.#inside < this.#concurrency && this.#holdMs === 0;
  }

  #slot(): Slot {
    this.#inside += 1;
    let given = false;
    return {
      release: () => {
        if (given) return;
        given = true;
        this.#inside -= 1;
        this.#letIn();
      },
    };
  }

  #wait(signal: Leaving | undefined): Promise<Slot | Problem> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', leave);
      };
      const waiting: Waiting = {
        until: this.#runtime.monotonic() + this.#maxWaitMs,
        enter: () => {
          end();
          resolve(this.#slot());
        },
        turnAway: () => {
          end();
          resolve(this.#holdMs > 0 ? askedToWait(this.#holdMs) : busy());
        },
      };
      const leave = () => {
        end();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', leave);
      this.#waiting.add(waiting);
      if (!this.#watching) void this.#watch();
    });
  }

  /** Turns away who has waited too long: the first in the queue is always the next. One timer is enough for all. */
  async #watch(): Promise<void> {
    this.#watching = true;
    for (let first = this.#first; first !== undefined; first = this.#first) {
      // On a busy event loop a timer counts from before it was set, and fires early: then it is looked once more.
      const leftMs = first.until - this.#runtime.monotonic();
      if (leftMs > 0) {
        await this.#runtime.sleep(leftMs);
        continue;
      }
      // A place that is free in this very moment is still given.
      this.#letIn();
      if (this.#waiting.has(first)) first.turnAway();
    }
    this.#watching = false;
  }

  get #first(): Waiting | undefined {
    return this.#waiting.values().next().value;
  }

  #letIn(): void {
    for (const waiting of this.#waiting) {
      if (!this.#isFree) break;
      waiting.enter();
    }
  }
}

function busy(): Problem {
  const message = 'Too much is going on at this moment. Nothing was sent; please try again.';
  return problem({ type: 'UNAVAILABLE', code: 'gateway_busy', message, retryable: true });
}

function askedToWait(ms: number): Problem {
  const retryAfter = Math.ceil(ms / 1000);
  const message = `The provider asks us to wait. Nothing was sent; please try again in ${retryAfter} s.`;
  return problem({
    type: 'RATE_LIMITED',
    code: 'upstream_rate_limited',
    message,
    retryable: true,
    retryAfter,
  });
}
