import type { Surface } from './catalogue.ts';
import { UnreadableError, type AttemptId, type Journal } from './journal.ts';
import type { Lease, Liveness } from './liveness.ts';
import { conclude, type Policy, type Result } from './outcome.ts';
import { problem } from './problem.ts';
import { isSettled, type Attempt, type Purchase, type RawAnswer } from './purchase.ts';
import type { Log, Runtime } from './runtime.ts';
import type { Claim, Reading, Sent, Slot, Vending } from './vending.ts';

export interface DispatcherOptions {
  readonly journal: Journal;
  readonly upstream: { on(surface: Surface): Pick<Vending, 'confirm' | 'retry' | 'read'> };
  readonly liveness: Pick<Liveness, 'lease' | 'holds'>;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly policy: Policy;
  /** How long the upstream may go on with a confirm or a retry after we have left it (R5). */
  readonly mayLandMs: number;
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
  /** When, on the clock that never jumps, the last request that may still be processed was given up, per purchase. */
  readonly #left = new Map<string, { at: number; attempt: number }>();
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
    const { lease } = this.#options.liveness;
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
    this.#run(started.purchase, started.attempt, lease, slot)
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

  async #run(purchase: Purchase, attempt: Attempt, lease: Lease, slot: Slot): Promise<Purchase> {
    const { upstream, liveness } = this.#options;
    const vending = upstream.on(purchase.order.surface);
    // An instance that was paused for too long sends nothing: another may have taken its attempt for a lost one.
    const call = { requestId: attempt.requestId, mayLeave: () => liveness.holds(lease) };
    const { order, reference } = purchase;
    let sent: Sent;
    let mayLandForMs: number;
    if (attempt.kind === 'CONFIRM') {
      sent = await vending.confirm(order, reference, call);
      // From now, not from before: a login or a 401 may have come between.
      this.#mayLandFromNow(attempt);
      mayLandForMs = this.#mayLandForMs(attempt);
    } else {
      // As it was when the question was asked: the answer may have been on its way for long.
      mayLandForMs = this.#mayLandForMs(attempt);
      sent = await vending.retry(order, reference, call);
    }
    slot.release();
    if (sent.kind !== 'ANSWERED') {
      const result = { outcome: sent.kind, problem: sent.problem };
      return this.#finish(purchase, attempt, result, null, mayLandForMs);
    }
    const { answer } = sent;
    const kept = await this.#durably(
      'an answer',
      attempt,
      () => this.#options.journal.keepAnswer(attempt, answer),
      (known) => known.answer !== null,
    );
    // Not even when the purchase comes back to this instance meanwhile: what was not kept is not read (R3).
    if (!kept) return this.#asRecorded(purchase.id);
    return this.#conclude(purchase, attempt, answer, mayLandForMs);
  }

  #pickUp(purchase: Purchase, attempt: Attempt): Promise<Purchase> {
    const mayLandForMs = this.#mayLandForMs(attempt);
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
    const reading = this.#read(purchase, attempt, answer);
    return this.#finish(purchase, attempt, reading, answer.retryAfterSeconds, mayLandForMs);
  }

  #read({ reference, order }: Purchase, { kind, requestId }: Attempt, answer: RawAnswer): Reading {
    const { surface, productType, subscriberIdentifier } = order;
    const expected = { kind, reference, productType, subscriberIdentifier, requestId };
    return this.#options.upstream.on(surface).read(answer, expected);
  }

  /** What the answers on disk say of a purchase, all attempts' but of this one. */
  async #claims(purchase: Purchase, { number }: AttemptId): Promise<ReadonlySet<Claim>> {
    const claims = new Set<Claim>();
    // What cannot be read may say so.
    const attempts = await this.#options.journal.attempts([purchase.id], () => claims.add('SOLD'));
    for (const attempt of attempts) {
      const { answer } = attempt;
      // Only a success claims anything; of the others there may be a day's denials, too many to read each time.
      const isSuccess = answer !== null && answer.status >= 200 && answer.status < 300;
      if (attempt.number === number || !isSuccess) continue;
      const reading = this.#read(purchase, attempt, answer);
      if (reading.outcome === 'UNKNOWN' && reading.claim !== undefined) claims.add(reading.claim);
    }
    return claims;
  }

  async #finish(
    purchase: Purchase,
    attempt: Attempt,
    result: Result,
    retryAfterSeconds: number | null,
    mayLandForMs: number,
  ): Promise<Purchase> {
    const { journal, runtime, policy } = this.#options;
    // A retry reattempts a prior failure: one that was lost may do so later, as a confirm may.
    if (attempt.kind === 'RETRY' && (result.outcome === 'LOST' || result.outcome === 'UNKNOWN'))
      this.#mayLandFromNow(attempt);
    let finished: Purchase | undefined;
    await this.#durably(
      'an outcome',
      attempt,
      async () => {
        const circumstances = {
          now: runtime.now(),
          random: runtime.random(),
          // Asked for where it counts: there may be many.
          claims: result.outcome === 'DENIED' ? await this.#claims(purchase, attempt) : new Set<Claim>(),
          retryAfterSeconds,
          mayLandForMs,
          policy,
        };
        const conclusion = conclude(purchase, attempt.kind, result, circumstances);
        finished = await journal.finishAttempt(attempt, conclusion.result, conclusion.change);
      },
      (known) => known.outcome !== 'IN_FLIGHT',
    );
    finished ??= await this.#asRecorded(purchase.id);
    // Where it comes back to us, all the time is waited anew; one that needs attention may be asked about again and again.
    if (isSettled(finished.status) || finished.owner !== journal.instance) this.#left.delete(finished.id);
    return finished;
  }

  async #asRecorded(purchaseId: string): Promise<Purchase> {
    const purchase = await this.#options.journal.purchase('id', purchaseId);
    if (purchase === undefined) throw new Error(`purchase ${purchaseId} is not in the journal`);
    return purchase;
  }

  #mayLandFromNow({ purchaseId, number }: AttemptId): void {
    this.#left.set(purchaseId, { at: this.#options.runtime.monotonic(), attempt: number });
  }

  /**
   * How long what was sent for the purchase before this attempt may still be processed. Counted on this process's own
   * steady clock, so that no jump of the wall clock makes it too short: from when the last answer was given up, or, where
   * another process sent it, from when the purchase was first seen here.
   */
  #mayLandForMs(attempt: AttemptId): number {
    const { runtime, mayLandMs } = this.#options;
    const left = this.#left.get(attempt.purchaseId);
    if (left === undefined || left.attempt < attempt.number - 1) {
      this.#mayLandFromNow(attempt);
      return mayLandMs;
    }
    this.#left.set(attempt.purchaseId, { ...left, attempt: attempt.number });
    return Math.max(0, left.at + mayLandMs - runtime.monotonic());
  }

  async #known({ purchaseId, number }: AttemptId): Promise<{ attempt: Attempt; owner: string } | undefined> {
    const { journal } = this.#options;
    const [attempts, purchase] = await Promise.all([
      journal.attempts([purchaseId], () => undefined),
      journal.purchase('id', purchaseId),
    ]);
    const attempt = attempts.find((one) => one.number === number);
    return attempt === undefined || purchase === undefined ? undefined : { attempt, owner: purchase.owner };
  }

  /**
   * Writes, and while the record cannot be written (a full disk) tries again for as long as the process lives. Resolves to
   * whether it is written: it is not once another instance has taken the purchase over, whose it then is to conclude.
   */
  async #durably(
    what: string,
    attempt: Attempt,
    write: () => Promise<void>,
    isWritten: (known: Attempt) => boolean,
  ): Promise<boolean> {
    const { journal, runtime, log } = this.#options;
    const { purchaseId, number } = attempt;
    for (let delay = FIRST_WRITE_RETRY_MS; ; delay = Math.min(delay * 2, MAX_WRITE_RETRY_MS)) {
      try {
        await write();
        return true;
      } catch (error) {
        // A commit that reported failure may have been written all the same.
        const known = await this.#known(attempt).catch(() => undefined);
        if (known !== undefined && isWritten(known.attempt)) return true;
        if (known !== undefined && known.owner !== journal.instance) {
          const about = { purchaseId, attempt: number, owner: known.owner };
          log.warn(about, `${what} came too late: another instance has taken the purchase over`);
          return false;
        }
        // No time mends that.
        if (error instanceof UnreadableError) throw error;
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
