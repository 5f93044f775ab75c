import type { Runtime } from '../purchases/runtime.ts';

export interface BreakerOptions {
  readonly runtime: Pick<Runtime, 'monotonic'>;
  /** So many calls in a row that found the upstream unavailable open the circuit. Default 5. */
  readonly failures?: number | undefined;
  /** How long it is open at first, in ms; doubles with each probe that fails, to sixteen times. Default 5000. */
  readonly openMs?: number | undefined;
  readonly onChange?: ((state: 'OPEN' | 'CLOSED') => void) | undefined;
}

/** What a call says of the upstream; `undefined`: nothing, for its caller left. */
export type Verdict = 'AVAILABLE' | 'UNAVAILABLE' | undefined;
export type CircuitState = 'CLOSED' | 'OPEN' | 'PROBE_DUE' | 'PROBING';

const FAILURES = 5;
const OPEN_MS = 5_000;
const MAX_DOUBLINGS = 4;

/**
 * A circuit breaker on the steady clock, so that a wall clock set back does not hold it open. Once it opened, only one
 * call at a time finds out whether the upstream is back, and none that could charge.
 */
export class Breaker {
  readonly #runtime: Pick<Runtime, 'monotonic'>;
  readonly #failures: number;
  readonly #openMs: number;
  readonly #onChange: (state: 'OPEN' | 'CLOSED') => void;
  #inARow = 0;
  /** Counts the openings: what was sent before the latest says nothing about after it. */
  #era = 0;
  #open: { until: number; doublings: number; probing: boolean } | undefined;

  constructor({ runtime, failures = FAILURES, openMs = OPEN_MS, onChange }: BreakerOptions) {
    this.#runtime = runtime;
    this.#failures = failures;
    this.#openMs = openMs;
    this.#onChange = onChange ?? (() => undefined);
  }

  get state(): CircuitState {
    if (this.#open === undefined) return 'CLOSED';
    if (this.#open.probing) return 'PROBING';
    return this.#runtime.monotonic() < this.#open.until ? 'OPEN' : 'PROBE_DUE';
  }

  /** Null: do not send. Else send, and tell then what came of it, whatever happens. */
  admit({ mayProbe }: { mayProbe: boolean }): ((verdict: Verdict) => void) | null {
    const era = this.#era;
    switch (this.state) {
      case 'CLOSED':
        return (verdict) => {
          if (era === this.#era) this.#count(verdict);
        };
      case 'PROBE_DUE':
        return mayProbe ? this.#probe() : null;
      case 'OPEN':
      case 'PROBING':
        return null;
    }
  }

  #count(verdict: Verdict): void {
    if (verdict === 'AVAILABLE') this.#inARow = 0;
    if (verdict === 'UNAVAILABLE') this.#inARow += 1;
    if (this.#inARow >= this.#failures) this.#openFor(0);
  }

  #probe(): (verdict: Verdict) => void {
    const open = this.#open;
    if (open !== undefined) open.probing = true;
    return (verdict) => {
      if (open === undefined || this.#open !== open) return;
      open.probing = false;
      if (verdict === 'UNAVAILABLE') this.#openFor(Math.min(open.doublings + 1, MAX_DOUBLINGS));
      if (verdict === 'AVAILABLE') {
        this.#open = undefined;
        this.#inARow = 0;
        this.#onChange('CLOSED');
      }
    };
  }

  #openFor(doublings: number): void {
    if (this.#open === undefined) this.#onChange('OPEN');
    this.#era += 1;
    const until = this.#runtime.monotonic() + this.#openMs * 2 ** doublings;
    this.#open = { until, doublings, probing: false };
  }
}
