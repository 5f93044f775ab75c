import { surfaces, type Surface } from './catalogue.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Journal } from './journal.ts';
import { ProblemError } from './problem.ts';
import type { Liveness } from './liveness.ts';
import type { Purchase } from './purchase.ts';
import type { Log, Runtime } from './runtime.ts';
import type { PurchaseService } from './service.ts';
import { ToldOnce } from './told-once.ts';
import type { Vending } from './vending.ts';

/** Stands around a look at a purchase, for whoever traces it: returns what `work` returns, and throws what it throws. */
export type AroundCheck = <T>(purchase: Purchase, work: () => Promise<T>) => Promise<T>;

export interface ReconcilerOptions {
  readonly journal: Pick<Journal, 'inFlight' | 'due' | 'owners' | 'adopt' | 'purgeQuotes' | 'blotAnswers'>;
  readonly service: Pick<PurchaseService, 'check'>;
  readonly upstream: { on(surface: Surface): Pick<Vending, 'isThere'> };
  readonly dispatcher: Pick<Dispatcher, 'active' | 'pickUp'>;
  readonly liveness: Pick<Liveness, 'seemsDead'>;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** At most so many purchases are asked about, and as many picked up, at once: many at start do not become a herd. */
  readonly concurrency: number;
  /** How long the raw answers of a purchase are kept whole once it is settled. */
  readonly answerRetentionMs: number;
  readonly aroundCheck?: AroundCheck | undefined;
}

/** How long the journal is not looked at for what has become due, or for what dead instances left, at most. */
const LONGEST_TICK_MS = 1_000;
const SHORTEST_TICK_MS = 10;
/** So many checks that fail are not the purchases' fault: the rest waits for the next tick. */
const MOST_FAILURES_A_TICK = 16;
/** The clock was set back when a purchase is due later than this many times the longest delay from now. */
const HORIZON_FACTOR = 2;
/** How long an expired quote is kept, so that it is told from an unknown one. */
const KEEP_EXPIRED_QUOTES_MS = 86_400_000;
const PURGE_EVERY_MS = 3_600_000;
/** A clock that is kept right goes a little faster or slower than the steady one. */
const CLOCK_TOLERANCE_MS = 60_000;
/** So many a transaction, and one transaction a tick: nobody waits long for the record. */
const ANSWERS_BLOTTED_AT_ONCE = 500;

/** Finds out what became of unresolved purchases, and picks up what an earlier process left in flight. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #stopping = new AbortController();
  readonly #working = new Map<string, Promise<void>>();
  readonly #pickingUp = new Map<string, Promise<void>>();
  readonly #unreadable: ToldOnce;
  #loop: Promise<void> | undefined;
  #purgedAt = -Infinity;
  /** How far the wall clock is from the steady one, in ms, as it is believed. */
  #offsetMs: number;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#unreadable = new ToldOnce((purchaseId, error) =>
      options.log.error({ err: error, purchaseId }, 'a purchase cannot be read: nobody looks after it'),
    );
    this.#offsetMs = this.#offsetNow();
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Starts nothing more, and does not wait for what is under way: that is the dispatcher's to drain. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { runtime, baseDelayMs, log } = this.#options;
    const tick = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, Math.floor(baseDelayMs / 2)));
    while (!this.#stopping.signal.aborted) {
      let isMoreDue = false;
      try {
        await this.#adoptOrphans();
        await this.#pickUpOrphans();
        isMoreDue = await this.#startDue();
        await this.#purge();
      } catch (error) {
        log.error({ err: error }, 'the record could not be read or written; trying again');
      }
      if (!isMoreDue) await runtime.sleep(tick, this.#stopping.signal);
    }
  }

  /** Whoever looked after a purchase and is dead has its successors. */
  async #adoptOrphans(): Promise<void> {
    const { journal, liveness, log } = this.#options;
    for (const instance of await journal.owners()) {
      const dead = liveness.seemsDead(instance);
      if (dead === undefined) continue;
      let { beat } = dead;
      for (;;) {
        const adopted = await journal.adopt(instance, beat);
        if (adopted === 0 || this.#stopping.signal.aborted) break;
        // It is struck off by now.
        beat = undefined;
        log.warn({ instance, adopted }, 'an instance is dead; its purchases are taken over');
      }
    }
  }

  /** An attempt in flight that this process does not work on was left by one that died. One that hangs holds up no other. */
  async #pickUpOrphans(): Promise<void> {
    const { journal, dispatcher, runtime, concurrency, log } = this.#options;
    for (const { purchase, attempt } of await journal.inFlight(this.#unreadable.tell)) {
      const { id } = purchase;
      if (dispatcher.active.has(id) || this.#pickingUp.has(id)) continue;
      if (this.#pickingUp.size >= concurrency) await this.#oneToEnd(this.#pickingUp);
      if (this.#pickingUp.size >= concurrency || this.#stopping.signal.aborted) return;
      await runtime.turn();
      log.warn({ purchaseId: id, attempt: attempt.number }, 'an attempt was left in flight; finding out');
      const work = this.#around(purchase, () => dispatcher.pickUp(purchase, attempt))
        .catch((error: unknown) => {
          log.error({ err: error, purchaseId: id }, 'it could not be picked up; trying again');
        })
        .finally(() => this.#pickingUp.delete(id));
      this.#pickingUp.set(id, work);
    }
  }

  /** Whether more may be due: where purchases become due as fast as they are asked about, the rest has its turn too. */
  async #startDue(): Promise<boolean> {
    const { journal, upstream, runtime, concurrency, maxDelayMs } = this.#options;
    const until = runtime.monotonic() + LONGEST_TICK_MS;
    // A purchase whose check fails is still due: it waits for the next tick and holds up no other meanwhile.
    const failed = new Set<string>();
    while (failed.size < MOST_FAILURES_A_TICK && !this.#stopping.signal.aborted) {
      if (runtime.monotonic() >= until) return true;
      const now = runtime.now();
      const horizon = new Date(now.getTime() + HORIZON_FACTOR * maxDelayMs);
      // Those of a surface where nobody is would be the first again and again.
      const there = surfaces.filter((surface) => upstream.on(surface).isThere());
      // As many again: where there are thousands, few looks find them all.
      const limit = concurrency + failed.size + 2 * this.#unreadable.size;
      const request = { now, horizon, limit, surfaces: there };
      const known = this.#unreadable.size;
      const due = there.length === 0 ? [] : await journal.due(request, this.#unreadable.tell);
      // They took places among those that were asked for.
      if (this.#unreadable.size > known) {
        await runtime.turn();
        continue;
      }
      const waiting = due.filter(({ id }) => !failed.has(id) && !this.#working.has(id));
      for (const purchase of waiting.slice(0, concurrency - this.#working.size)) {
        this.#check(purchase, () => failed.add(purchase.id));
      }
      if (this.#working.size === 0) return false;
      // A check that sends nothing does not wait for anything either: without this it would be the only thing that runs.
      await runtime.turn();
      // A slot that frees itself is filled at once; a check that hangs holds up no other.
      if (waiting.length === 0 || this.#working.size >= concurrency) await this.#oneToEnd(this.#working);
      if (waiting.length === 0) return false;
    }
    return false;
  }

  /** Until one of them ends, for a tick at most. */
  async #oneToEnd(work: ReadonlyMap<string, Promise<void>>): Promise<void> {
    const enough = new AbortController();
    const tick = this.#options.runtime.sleep(LONGEST_TICK_MS, enough.signal);
    await Promise.race([...work.values(), tick]);
    enough.abort();
  }

  #check(purchase: Purchase, onFailure: () => void): void {
    const { service, log } = this.#options;
    const work = this.#around(purchase, () => service.check(purchase))
      .catch((error: unknown) => {
        // Turned away at the gate: there will be a place later.
        if (!(error instanceof ProblemError))
          log.error({ err: error, purchaseId: purchase.id }, 'a check failed; trying again');
        onFailure();
      })
      .finally(() => this.#working.delete(purchase.id));
    this.#working.set(purchase.id, work);
  }

  #around<T>(purchase: Purchase, work: () => Promise<T>): Promise<T> {
    return this.#options.aroundCheck?.(purchase, work) ?? work();
  }

  #offsetNow(): number {
    const { runtime } = this.#options;
    return runtime.now().getTime() - runtime.monotonic();
  }

  /** What is thrown away is gone: not by a wall clock that was set since the last time. */
  async #purge(): Promise<void> {
    const { journal, runtime, answerRetentionMs, log } = this.#options;
    if (runtime.monotonic() - this.#purgedAt < PURGE_EVERY_MS) return;
    this.#purgedAt = runtime.monotonic();
    const offsetMs = this.#offsetNow();
    if (Math.abs(offsetMs - this.#offsetMs) > CLOCK_TOLERANCE_MS) {
      this.#offsetMs = offsetMs;
      log.warn({}, 'the clock was set: nothing old is thrown away before it has stood for an hour');
      return;
    }
    const now = runtime.now();
    await journal.purgeQuotes(new Date(now.getTime() - KEEP_EXPIRED_QUOTES_MS));
    const settledBefore = new Date(now.getTime() - answerRetentionMs);
    const blotted = await journal.blotAnswers({ settledBefore, now, limit: ANSWERS_BLOTTED_AT_ONCE });
    // There may be more: on at the next tick.
    if (blotted === ANSWERS_BLOTTED_AT_ONCE) this.#purgedAt = -Infinity;
  }
}
