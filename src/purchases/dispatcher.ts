import type { Journal } from './journal.ts';
import { conclude, type Policy, type Result } from './outcome.ts';
import { problem } from './problem.ts';
import type { Attempt, Purchase, RawAnswer } from './purchase.ts';
import type { Log, Runtime } from './runtime.ts';
import type { Expected, Sent, Slot, Upstream } from './vending.ts';

export interface DispatcherOptions {
  readonly journal: Journal;
  readonly upstream: Upstream;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly policy: Policy;
  /** How long the upstream may go on with a confirm after we have left it (R5). */
  readonly confirmMayLandMs: number;
}

/** The waits between tries to write what must not be lost. */
const FIRST_WRITE_RETRY_MS = 50;
const MAX_WRITE_RETRY_MS = 5_000;

/**
 * The one way on which a recorded attempt is sent, its answer kept, read and concluded. Used by the service and the
 * reconciler alike. Each step is durable before the next begins: intent → send → raw answer → outcome (R2, R3). No
 * client's signal comes here: what has begun goes on.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #active = new Map<string, Promise<Purchase>>();
  /** When, on the clock that never jumps, the last confirm of an unsettled purchase was given up. */
  readonly #confirmedSince = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** The purchases that this process works on now, with what will come of it. */
  get active(): ReadonlyMap<string, Promise<Purchase>> {
    return this.#active;
  }

  /**
   * Reserves the purchase, records by `start` an attempt of it, and sends that in the background.
   * Null when it is being worked on already, or when `start` finds nothing to do. The slot is given back in any case.
   */
  async launch<T extends { purchase: Purchase; attempt: Attempt | null } | null>(
    purchaseId: string,
    slot: Slot,
    start: () => Promise<T>,
  ): Promise<T | null> {
    if (this.#active.has(purchaseId)) {
      slot.release();
      return null;
    }
    const { promise, resolve, reject } = withResolvers<Purchase>();
    promise.catch(() => undefined);
    this.#active.set(purchaseId, promise);
    let started: T;
    try {
      started = await start();
    } catch (error) {
      slot.release();
      this.#active.delete(purchaseId);
      reject(error);
      throw error;
    }
    if (started?.attempt == null) {
      slot.release();
      this.#active.delete(purchaseId);
      reject(new Error(`nothing was started for purchase ${purchaseId}`));
      return started;
    }
    this.#run(started.purchase, started.attempt, slot)
      .then(resolve, (error: unknown) => {
        this.#options.log.error(
          { err: error, purchaseId },
          'an attempt could not be concluded; it will be picked up',
        );
        reject(error);
      })
      .finally(() => {
        slot.release();
        this.#active.delete(purchaseId);
      });
    return started;
  }

  /** Concludes an attempt whose process died: by its answer if that was kept, else as a lost answer. */
  async pickUp(purchase: Purchase, attempt: Attempt): Promise<void> {
    if (this.#active.has(purchase.id)) return;
    const work = this.#pickUp(purchase, attempt).finally(() => this.#active.delete(purchase.id));
    work.catch(() => undefined);
    this.#active.set(purchase.id, work);
    await work;
  }

  /** Waits until nothing is active, at most `ms`; returns how many were left. They are picked up at the next start. */
  async drain(ms: number): Promise<number> {
    const waited = this.#options.runtime.sleep(ms, this.#closing.signal);
    await Promise.race([Promise.allSettled([...this.#active.values()]), waited]);
    this.#closing.abort();
    return this.#active.size;
  }

  async #run(purchase: Purchase, attempt: Attempt, slot: Slot): Promise<Purchase> {
    const { upstream, runtime } = this.#options;
    const vending = upstream.on(purchase.order.surface);
    const call = { requestId: attempt.requestId };
    const { order, reference } = purchase;
    let sent: Sent;
    if (attempt.kind === 'CONFIRM') {
      sent = await vending.confirm(order, reference, call);
      // From now, not from before: a login or a 401 may have come between.
      this.#confirmedSince.set(purchase.id, runtime.monotonic());
    } else sent = await vending.retry(order, reference, call);
    slot.release();
    const mayLandForMs = this.#confirmMayLandForMs(purchase.id);
    if (sent.kind !== 'ANSWERED') {
      return this.#finish(
        purchase,
        attempt,
        { outcome: sent.kind, problem: sent.problem },
        null,
        mayLandForMs,
      );
    }
    const { answer } = sent;
    await this.#durably(
      'an answer',
      attempt,
      () => this.#options.journal.keepAnswer(attempt, answer),
      (known) => known.answer !== null,
    );
    return this.#conclude(purchase, attempt, answer, mayLandForMs);
  }

  #pickUp(purchase: Purchase, attempt: Attempt): Promise<Purchase> {
    const mayLandForMs = this.#confirmMayLandForMs(purchase.id);
    if (attempt.answer !== null) return this.#conclude(purchase, attempt, attempt.answer, mayLandForMs);
    const lost = problem({
      type: 'UNAVAILABLE',
      code: 'gateway_restarted',
      message: 'The gateway stopped before the answer came.',
      requestId: attempt.requestId,
    });
    return this.#finish(purchase, attempt, { outcome: 'LOST', problem: lost }, null, mayLandForMs);
  }

  /** R3: only ever called with an answer that is on disk. */
  #conclude(
    purchase: Purchase,
    attempt: Attempt,
    answer: RawAnswer,
    mayLandForMs: number,
  ): Promise<Purchase> {
    const expected: Expected = {
      kind: attempt.kind,
      reference: purchase.reference,
      productType: purchase.order.productType,
      subscriberIdentifier: purchase.order.subscriberIdentifier,
      requestId: attempt.requestId,
    };
    const reading = this.#options.upstream.on(purchase.order.surface).read(answer, expected);
    return this.#finish(purchase, attempt, reading, answer.retryAfterSeconds, mayLandForMs);
  }

  async #finish(
    purchase: Purchase,
    attempt: Attempt,
    result: Result,
    retryAfterSeconds: number | null,
    confirmMayLandForMs: number,
  ): Promise<Purchase> {
    const { journal, runtime, policy } = this.#options;
    let finished: Purchase | undefined;
    await this.#durably(
      'an outcome',
      attempt,
      async () => {
        const circumstances = {
          now: runtime.now(),
          random: runtime.random(),
          retryAfterSeconds,
          confirmMayLandForMs,
          policy,
        };
        const conclusion = conclude(purchase, attempt.kind, result, circumstances);
        finished = await journal.finishAttempt(attempt, conclusion.result, conclusion.change);
      },
      (known) => known.outcome !== 'IN_FLIGHT',
    );
    finished ??= await journal.purchase('id', purchase.id);
    if (finished === undefined) throw new Error(`purchase ${purchase.id} is not in the journal`);
    if (finished.status !== 'UNRESOLVED') this.#confirmedSince.delete(finished.id);
    return finished;
  }

  /**
   * How long the purchase's confirm may still be processed. Counted on this process's own steady clock: from when its
   * answer was given up, or, after a restart, from when the purchase was first seen, so that no jump of the wall clock
   * makes it too short.
   */
  #confirmMayLandForMs(purchaseId: string): number {
    const { runtime, confirmMayLandMs } = this.#options;
    const now = runtime.monotonic();
    const since = this.#confirmedSince.get(purchaseId) ?? now;
    this.#confirmedSince.set(purchaseId, since);
    return Math.max(0, since + confirmMayLandMs - now);
  }

  /** Writes, and while the record cannot be written (a full disk) tries again for as long as the process lives. */
  async #durably(
    what: string,
    attempt: Attempt,
    write: () => Promise<void>,
    isWritten: (known: Attempt) => boolean,
  ): Promise<void> {
    const { journal, runtime, log } = this.#options;
    const { purchaseId, number } = attempt;
    for (let delay = FIRST_WRITE_RETRY_MS; ; delay = Math.min(delay * 2, MAX_WRITE_RETRY_MS)) {
      try {
        await write();
        return;
      } catch (error) {
        // A commit that reported failure may have been written all the same.
        const known = await journal.attempts([purchaseId]).then(
          (attempts) => attempts.find((one) => one.number === number),
          () => undefined,
        );
        if (known !== undefined && isWritten(known)) return;
        log.error({ err: error, purchaseId, attempt: number }, `${what} could not be written; trying again`);
        if (this.#closing.signal.aborted) throw error;
        await runtime.sleep(delay, this.#closing.signal);
      }
    }
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
