/** A 32-bit generator (mulberry32): small, fast, and the same everywhere for the same seed. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Scheduled {
  readonly at: number;
  readonly seq: number;
  readonly run: () => void;
}

/** Past so many events something turns in a circle. */
const MOST_EVENTS = 200_000;

/**
 * Simulated time. Whatever happens is an event in one queue, ordered by its instant and then by when it was scheduled.
 * Between two events every promise that can go on has gone on: so a run depends on its script and nothing else.
 */
export class World {
  readonly random: () => number;
  /** Everything that happened, for the comparison of two runs. */
  readonly trace: string[] = [];
  readonly #heap: Scheduled[] = [];
  #now = 0;
  #seq = 0;
  #wallOffset = 0;

  constructor(seed: number) {
    this.random = generator(seed);
  }

  /** Milliseconds since the beginning; never jumps. */
  get now(): number {
    return this.#now;
  }

  get wall(): Date {
    return new Date(START + Math.floor(this.#now) + this.#wallOffset);
  }

  jump(ms: number): void {
    this.#wallOffset += ms;
  }

  after(ms: number, run: () => void): void {
    this.#push({ at: this.#now + Math.max(0, ms), seq: (this.#seq += 1), run });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  note(what: string): void {
    this.trace.push(`${this.#now.toFixed(3)} ${what}`);
  }

  /** Runs events until `done`, or until nothing is left, or past `untilMs`. */
  async run(untilMs: number, done: () => boolean): Promise<void> {
    for (let events = 0; !done(); events += 1) {
      const next = this.#heap[0];
      if (next === undefined || next.at > untilMs) return;
      if (events > MOST_EVENTS) throw new Error('the simulation does not come to an end');
      this.#pop();
      this.#now = next.at;
      next.run();
      await settled();
    }
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      let below = heap[child];
      const right = heap[child + 1];
      if (below !== undefined && right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (below === undefined || isBefore(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }
}

const START = Date.parse('2026-03-01T08:00:00.000Z');

function isBefore(one: Scheduled, other: Scheduled): boolean {
  return one.at < other.at || (one.at === other.at && one.seq < other.seq);
}

/** Resolves when every promise that can go on has gone on: microtasks run dry before the next turn of the event loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
