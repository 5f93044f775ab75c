import type { Runtime } from '../../src/purchases/runtime.ts';
import { systemRuntime } from '../../src/system-runtime.ts';

/** The real clocks, which a test sets ahead, and timers that it holds up. */
export class Clock {
  readonly #real = systemRuntime();
  #aheadMs = 0;
  #steadyMs = 0;
  #stepMs = 0;
  #held: { promise: Promise<void>; release: () => void } | undefined;

  readonly runtime: Runtime = {
    ...this.#real,
    now: () => new Date(this.#real.now().getTime() + this.#aheadMs),
    monotonic: () => {
      this.#steadyMs += this.#stepMs;
      return this.#real.monotonic() + this.#steadyMs;
    },
    sleep: async (ms, signal) => {
      await this.#real.sleep(ms, signal);
      if (signal?.aborted !== true) await this.#held?.promise;
    },
  };

  /** The wall clock jumps. */
  jump(ms: number): void {
    this.#aheadMs += ms;
  }

  /** The steady clock has gone on. */
  pass(ms: number): void {
    this.#steadyMs += ms;
  }

  /** Whatever is measured from now on takes so much longer; 0 ends that. */
  slow(ms: number): void {
    this.#stepMs = ms;
  }

  /** No timer fires until it is released. */
  hold(): () => void {
    let release: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => (release = resolve));
    this.#held = { promise, release };
    return () => {
      this.#held = undefined;
      release();
    };
  }
}
