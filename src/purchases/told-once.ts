import type { OnUnreadable } from './journal.ts';
import type { Log } from './runtime.ts';

/** Tells the log of each purchase that cannot be read, once. */
export class ToldOnce {
  readonly #told = new Set<string>();
  readonly tell: OnUnreadable;

  constructor(log: Pick<Log, 'error'>, what: string) {
    this.tell = (purchaseId, error) => {
      if (this.#told.has(purchaseId)) return;
      this.#told.add(purchaseId);
      log.error({ err: error, purchaseId }, `a purchase cannot be read: ${what}`);
    };
  }

  /** How many there are, as far as they were seen. */
  get size(): number {
    return this.#told.size;
  }
}
