import type { OnUnreadable } from './journal.ts';

/** Tells once of each that cannot be read. */
export class ToldOnce {
  readonly #told = new Set<string>();
  readonly tell: OnUnreadable;

  constructor(tell: OnUnreadable) {
    this.tell = (id, error) => {
      if (this.#told.has(id)) return;
      this.#told.add(id);
      tell(id, error);
    };
  }

  /** How many there are, as far as they were seen. */
  get size(): number {
    return this.#told.size;
  }
}
