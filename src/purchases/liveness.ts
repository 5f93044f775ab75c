import type { Journal } from './journal.ts';
import type { Log, Runtime } from './runtime.ts';

export interface LivenessOptions {
  readonly journal: Pick<Journal, 'instance' | 'shared' | 'join' | 'beat' | 'beats' | 'leave'>;
  readonly runtime: Runtime;
  readonly log: Log;
  /** After so long without a sign of life an instance is taken for dead, in ms. */
  readonly leaseMs: number;
}

/** So many signs of life fit into a lease: one may be late, or lost. */
const BEATS_A_LEASE = 3;
/** A longer time between two looks, as a part of a lease, is one in which no look was possible. */
const LONGEST_GAP = 2 / 3;

interface Sign {
  readonly beat: number;
  /** When it was first seen here. */
  readonly seenAt: number;
}

/** Under what an attempt is recorded, and has to be sent. */
export interface Lease {
  readonly epoch: number;
}

/**
 * Which instances of the gateway live. Each counts its signs of life up in the record; whoever sees a count stand still for
 * a whole lease, on its own steady clock, may take over what the other has in flight. An instance trusts in its own life
 * from when it began to write its last sign, which is before anybody can have seen that: so it stops sending before others
 * begin to take over, whatever the clocks of the machines say, and however long it was paused.
 * A count never repeats, also when an instance joins anew; and a time in which nobody could read the record is no silence.
 *
 * A record that is not shared has one instance at a time: this one lives, and every other is dead.
 */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #stopping = new AbortController();
  readonly #signs = new Map<string, Sign>();
  #epoch = 0;
  #validUntil = -Infinity;
  #readAt = -Infinity;
  #loop: Promise<void> | undefined;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  /** Resolves once this instance is known to live. Throws when the record cannot be written. */
  async start(): Promise<void> {
    if (!this.#options.journal.shared) return;
    await this.#join();
    this.#loop = this.#run();
  }

  /** Nothing may leave any more; what is in flight may be taken over. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#epoch += 1;
    if (!this.#options.journal.shared) return;
    await this.#loop;
    try {
      await this.#options.journal.leave();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the others will notice the end of this instance by themselves');
    }
  }

  /** To be taken before an attempt is recorded. */
  get lease(): Lease {
    return { epoch: this.#epoch };
  }

  /** Whether what was recorded under the lease may still be sent: nobody can have taken it over. */
  holds({ epoch }: Lease): boolean {
    if (epoch !== this.#epoch) return false;
    return !this.#options.journal.shared || this.#options.runtime.monotonic() < this.#validUntil;
  }

  /** What `adopt` asks for, when the instance seems to be dead; undefined while it may live. */
  seemsDead(instance: string): { beat: number | undefined } | undefined {
    const { journal, leaseMs } = this.#options;
    if (instance === journal.instance) return undefined;
    if (!journal.shared) return { beat: undefined };
    if (this.#readAt === -Infinity) return undefined;
    const sign = this.#signs.get(instance);
    if (sign === undefined) return { beat: undefined };
    return this.#readAt - sign.seenAt >= leaseMs ? { beat: sign.beat } : undefined;
  }

  async #run(): Promise<void> {
    const { journal, runtime, log, leaseMs } = this.#options;
    for (;;) {
      await runtime.sleep(leaseMs / BEATS_A_LEASE, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      try {
        const startedAt = runtime.monotonic();
        if (await journal.beat()) this.#validUntil = startedAt + leaseMs;
        else {
          log.warn({ instance: journal.instance }, 'this instance was taken for dead; it begins anew');
          await this.#join();
        }
        await this.#look();
      } catch (error) {
        log.error({ err: error }, 'no sign of life could be given; nothing is sent once the lease is over');
      }
    }
  }

  async #join(): Promise<void> {
    const { journal, runtime, leaseMs } = this.#options;
    // What was recorded before may have been taken over: it is never sent.
    this.#epoch += 1;
    const startedAt = runtime.monotonic();
    await journal.join();
    this.#validUntil = startedAt + leaseMs;
  }

  async #look(): Promise<void> {
    const { journal, runtime, leaseMs } = this.#options;
    const startedAt = runtime.monotonic();
    const beats = await journal.beats();
    const seenAt = runtime.monotonic();
    // Who could not look for a while knows nothing of those who may not have been able to write either.
    if (startedAt - this.#readAt > leaseMs * LONGEST_GAP) this.#signs.clear();
    for (const instance of this.#signs.keys()) if (!beats.has(instance)) this.#signs.delete(instance);
    for (const [instance, beat] of beats) {
      if (this.#signs.get(instance)?.beat !== beat) this.#signs.set(instance, { beat, seenAt });
    }
    this.#readAt = startedAt;
  }
}
