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
  readonly enter: () => void;
}

/** Lets so many calls through at once, in the order in which they came, and none while the upstream asks us to wait. */
export class Gate {
  readonly #runtime: Pick<Runtime, 'monotonic' | 'sleep'>;
  readonly #concurrency: number;
  readonly #queue: number;
  readonly #maxWaitMs: number;
  readonly #waiting = new Set<Waiting>();
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
    const slot = await this.#wait(signal);
    if (slot !== undefined) return slot;
    signal?.throwIfAborted();
    return this.#holdMs > 0 ? askedToWait(this.#holdMs) : busy();
  }

  /** Lets nobody in for so long: what Retry-After asked for. */
  hold(ms: number): void {
    const until = this.#runtime.monotonic() + Math.min(ms, LONGEST_HOLD_MS);
    if (until <= this.#heldUntil) return;
    this.#heldUntil = until;
    void this.#runtime.sleep(Math.min(ms, LONGEST_HOLD_MS)).then(() => this.#letIn());
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

  async #wait(signal: Leaving | undefined): Promise<Slot | undefined> {
    const over = new AbortController();
    const leave = () => over.abort();
    signal?.addEventListener('abort', leave);
    const entered = new Promise<Slot>((resolve) => {
      const waiting = { enter: () => resolve(this.#slot()) };
      this.#waiting.add(waiting);
      over.signal.addEventListener('abort', () => this.#waiting.delete(waiting));
    });
    const slot = await Promise.race([entered, this.#tooLong(over.signal)]);
    over.abort();
    signal?.removeEventListener('abort', leave);
    if (slot !== undefined) return slot;
    // It may have entered in the very turn in which its time was over.
    void entered.then((late) => late.release());
    return undefined;
  }

  /** When one has waited as long as one may; a place that is free in that moment is still given. */
  async #tooLong(over: AbortSignal): Promise<undefined> {
    const until = this.#runtime.monotonic() + this.#maxWaitMs;
    let leftMs = this.#maxWaitMs;
    // On a busy event loop a timer counts from before it was set, and fires early.
    while (leftMs > 0 && !over.aborted) {
      await this.#runtime.sleep(leftMs, over);
      leftMs = until - this.#runtime.monotonic();
    }
    this.#letIn();
  }

  #letIn(): void {
    for (const waiting of this.#waiting) {
      if (!this.#isFree) break;
      this.#waiting.delete(waiting);
      waiting.enter();
    }
    // A timer may fire a little early.
    if (this.#waiting.size > 0 && this.#holdMs > 0)
      void this.#runtime.sleep(this.#holdMs).then(() => this.#letIn());
  }
}

function busy(): Problem {
  const message = 'Too much is going on at this moment. Nothing was sent; please try again.';
  return problem({ type: 'UNAVAILABLE', code: 'gateway_busy', message, retryable: true });
}

function askedToWait(ms: number): Problem {
  const message = `The provider asks us to wait. Nothing was sent; please try again in ${Math.ceil(ms / 1000)} s.`;
  return problem({ type: 'RATE_LIMITED', code: 'upstream_rate_limited', message, retryable: true });
}
