import type { Runtime } from './runtime.ts';

/** What is nearly too old is read again while it is still given out. */
const RENEW_FROM = 0.8;

/** What was read last, for as long as it is fresh. */
export class Kept<T> {
  readonly #runtime: Pick<Runtime, 'monotonic'>;
  readonly #freshMs: number;
  #last: { readonly at: number; readonly value: T } | undefined;
  #renewing = false;

  /** Fresh for `freshMs` from when it was asked for; 0: never. */
  constructor(runtime: Pick<Runtime, 'monotonic'>, freshMs: number) {
    this.#runtime = runtime;
    this.#freshMs = freshMs;
  }

  /** Reads it, and keeps it, unless what was asked for later is there already. */
  async keep(read: () => Promise<T>): Promise<T> {
    const at = this.#runtime.monotonic();
    const value = await read();
    if (this.#last === undefined || this.#last.at <= at) this.#last = { at, value };
    return value;
  }

  /** While it is fresh. In the last fifth of that it is renewed, once; if that fails, whoever comes later finds out. */
  fresh(renew: () => Promise<unknown>): T | undefined {
    if (this.#last === undefined) return undefined;
    const age = this.#runtime.monotonic() - this.#last.at;
    if (age >= this.#freshMs) return undefined;
    if (age >= this.#freshMs * RENEW_FROM && !this.#renewing) {
      this.#renewing = true;
      void renew()
        .catch(() => undefined)
        .finally(() => (this.#renewing = false));
    }
    return this.#last.value;
  }
}
