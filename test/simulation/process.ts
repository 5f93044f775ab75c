import { v7 } from 'uuid';

import type { Runtime } from '../../src/purchases/runtime.ts';
import type { World } from './world.ts';

/**
 * A process that may die at any await: all that reaches it comes as an event of its own, and once it is dead no event
 * reaches it. What it has asked of others by then, they go on with. It may also be paused: then its events wait.
 */
export class SimulatedProcess {
  readonly runtime: Runtime;
  /** Its end has been decided. */
  doomed = false;
  readonly #world: World;
  readonly #name: string;
  readonly #deaths = new Set<() => void>();
  readonly #startedAt: number;
  #dieAfter = Infinity;
  #pausedUntil = 0;
  #alive = true;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
    this.#startedAt = world.now;
    let seq = 0;
    this.runtime = {
      now: () => world.wall,
      monotonic: () => world.now - this.#startedAt,
      sleep: (ms, signal) => this.#sleep(ms, signal),
      turn: () => new Promise((resolve) => this.after(0, resolve)),
      random: () => world.random(),
      id: (at) => {
        seq += 1;
        const random = Uint8Array.from({ length: 16 }, () => world.random() * 256);
        return v7({ msecs: at.getTime(), seq, random });
      },
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Dies after so many more events. */
  dieAfter(events: number): void {
    this.#dieAfter = events;
  }

  /** Nothing reaches it for so long, and it notices nothing of that but the time. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#world.now + ms);
  }

  die(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#world.note(`${this.#name} dies`);
    for (const told of this.#deaths) told();
  }

  onDeath(told: () => void): () => void {
    this.#deaths.add(told);
    return () => this.#deaths.delete(told);
  }

  /** An event of this process. */
  after(ms: number, run: () => void): void {
    this.#world.after(ms, () => {
      if (!this.#alive) return;
      if (this.#world.now < this.#pausedUntil) {
        this.after(this.#pausedUntil - this.#world.now, run);
        return;
      }
      if (this.#dieAfter <= 0) {
        this.die();
        return;
      }
      this.#dieAfter -= 1;
      run();
    });
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      if (signal?.aborted === true) {
        wake();
        return;
      }
      signal?.addEventListener('abort', wake);
      // As Node's timers: never in no time.
      this.after(Math.max(1, ms), wake);
    });
  }
}
