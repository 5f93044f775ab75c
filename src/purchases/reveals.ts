import { LRUCache } from 'lru-cache';

import { utcDay } from './day.ts';
import type { Journal } from './journal.ts';
import { ProblemError } from './problem.ts';
import type { Log, Runtime } from './runtime.ts';

/** So many entries are known to stand, in some megabytes; of those that are forgotten the record is asked again. */
const MOST_KNOWN = 20_000;

interface RevealsOptions {
  readonly journal: Pick<Journal, 'reveal'>;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly log: Log;
}

/**
 * Who is shown tokens stands in the audit trail before they are shown, once for each caller, purchase and day. Who confirmed
 * or retried a purchase stands there already. What is known to stand costs the record nothing.
 */
export class Reveals {
  readonly #options: RevealsOptions;
  /** By size, for `max` takes the room for all of them at once, in each integration. */
  readonly #known = new LRUCache<string, true>({ maxSize: MOST_KNOWN, sizeCalculation: () => 1 });
  /** What is being written: who asks meanwhile waits for the same. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(options: RevealsOptions) {
    this.#options = options;
  }

  /** Whether it is known to stand. */
  stands(caller: string, purchaseId: string): boolean {
    return this.#isKnown(utcDay(this.#options.runtime.now()), caller, purchaseId);
  }

  /** That the caller has confirmed or retried the purchase is on disk: no more is written of it. */
  standsAsBuyer(caller: string, purchaseId: string): void {
    this.#known.set(keyOf('EVER', caller, purchaseId), true);
  }

  /** Resolves once it stands of each of these purchases. Throws a `ProblemError` when it cannot be written. */
  async write(caller: string, purchaseIds: readonly string[]): Promise<void> {
    const at = this.#options.runtime.now();
    const day = utcDay(at);
    const unknown = purchaseIds.filter((id) => !this.#isKnown(day, caller, id));
    const underWay = (id: string) => this.#writing.get(keyOf(day, caller, id));
    const waited = new Set(unknown.flatMap((id) => underWay(id) ?? []));
    const fresh = unknown.filter((id) => underWay(id) === undefined);
    if (fresh.length > 0) waited.add(this.#write(caller, at, fresh));
    await Promise.all(waited);
  }

  #write(caller: string, at: Date, purchaseIds: readonly string[]): Promise<void> {
    const keys = purchaseIds.map((id) => keyOf(utcDay(at), caller, id));
    const written = this.#reveal(caller, at, purchaseIds)
      .then(() => {
        for (const key of keys) this.#known.set(key, true);
      })
      .finally(() => {
        for (const key of keys) this.#writing.delete(key);
      });
    for (const key of keys) this.#writing.set(key, written);
    return written;
  }

  async #reveal(caller: string, at: Date, purchaseIds: readonly string[]): Promise<void> {
    const { journal, log } = this.#options;
    try {
      await journal.reveal({ caller, at, purchaseIds });
    } catch (error) {
      log.error({ err: error, purchaseIds }, 'who sees tokens could not be recorded, so they were not shown');
      throw new ProblemError({
        type: 'UNAVAILABLE',
        code: 'record_unavailable',
        message: 'That you see this token could not be recorded, so it is not shown. Please try again.',
        retryable: true,
      });
    }
  }

  #isKnown(day: number, caller: string, purchaseId: string): boolean {
    return (
      this.#known.has(keyOf('EVER', caller, purchaseId)) || this.#known.has(keyOf(day, caller, purchaseId))
    );
  }
}

function keyOf(day: number | 'EVER', caller: string, purchaseId: string): string {
  return `${day} ${purchaseId} ${caller}`;
}
