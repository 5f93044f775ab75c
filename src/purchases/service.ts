import { mandateOf, overDayLimit, overPurchaseLimit, type Buyer } from './buyer.ts';
import { callId } from './call-id.ts';
import type { CatalogueService } from './catalogue-service.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { EventFeed } from './feed.ts';
import { invalidInput, readDetails, sameDetails, type PurchaseInput } from './input.ts';
import { DayLimitError, type Journal, type Mandate, type NewPurchase } from './journal.ts';
import type { Leaving } from './leaving.ts';
import type { Money } from './money.ts';
import { Offers, type Offer, type OfferSource } from './offers.ts';
import { isProblem, ProblemError, type Problem } from './problem.ts';
import { canRetry, wasNeverSent, type Purchase, type Quote } from './purchase.ts';
import {
  keyConflict,
  nobodyThere,
  noSuchPurchase,
  notRetryable,
  readRecord,
  recordUnavailable,
  wrongKey,
  wrongWait,
} from './refusals.ts';
import type { Reveals } from './reveals.ts';
import type { Log, Runtime } from './runtime.ts';
import type { Slot, Upstream } from './vending.ts';
import { Waiting } from './waiting.ts';

export interface ConfirmInput {
  readonly idempotencyKey: string;
  readonly from: OfferSource;
  readonly waitMs: number;
}

export interface PurchaseServiceOptions {
  readonly journal: Journal;
  readonly upstream: Upstream;
  readonly catalogue: CatalogueService;
  readonly feed: EventFeed;
  readonly dispatcher: Dispatcher;
  readonly reveals: Reveals;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly quoteTtlMs: number;
  /** On whose behalf. Default: the gateway's own, without limits. */
  readonly buyer?: Buyer | undefined;
}

/**
 * Validate, confirm, retry. What is refused comes back as a `Problem`, and then nothing was recorded nor charged. `askedBy`
 * is the id of the request that it is for: every call upstream carries it.
 */
export class PurchaseService {
  readonly #options: PurchaseServiceOptions;
  readonly #offers: Offers;
  readonly #waiting: Waiting;

  constructor(options: PurchaseServiceOptions) {
    this.#options = options;
    this.#offers = new Offers(options);
    this.#waiting = new Waiting(options);
  }

  /** The same on behalf of a buyer. */
  as(buyer: Buyer): PurchaseService {
    return new PurchaseService({ ...this.#options, buyer });
  }

  /** Checks the purchase with the provider and prices it. Changes nothing upstream. */
  async validate(input: PurchaseInput, signal?: Leaving, askedBy?: string): Promise<Quote | Problem> {
    const { runtime, upstream, journal, quoteTtlMs } = this.#options;
    const order = await this.#offers.order(input, '', signal, askedBy);
    if (isProblem(order)) return order;
    const over = this.#overLimit(order.amount, 'amount.amount');
    if (over !== null) return over;
    const requestId = callId(runtime, askedBy);
    const priced = await upstream.on(order.surface).validate(order, { requestId, signal });
    if (isProblem(priced)) return priced;
    const createdAt = runtime.now();
    const expiresAt = new Date(createdAt.getTime() + quoteTtlMs);
    const quote: Quote = { id: runtime.id(createdAt), order, ...priced, createdAt, expiresAt };
    try {
      await journal.saveQuote(quote);
    } catch (error) {
      this.#options.log.error({ err: error }, 'a quote could not be recorded');
      return recordUnavailable('The offer could not be recorded. Please check the purchase again.');
    }
    return quote;
  }

  /**
   * Buys, at most once per key (R8). Goes on when the client has gone: `signal` only ends the checks before it. `admit`
   * tells why nothing new may be bought now; a key that is known is answered all the same, for it costs the upstream
   * nothing, and who asks must not be told that nothing was bought.
   */
  async confirm(
    input: ConfirmInput,
    signal?: Leaving,
    admit?: () => Promise<Problem | undefined>,
    askedBy?: string,
  ): Promise<Purchase | Problem> {
    const { journal, dispatcher, log } = this.#options;
    const wrong = [...wrongKey(input.idempotencyKey), ...wrongWait(input.waitMs)];
    if (wrong.length > 0) return invalidInput(wrong);
    const known = await readRecord(this.#options.log, () =>
      journal.purchase('idempotencyKey', input.idempotencyKey),
    );
    if (known !== undefined && isProblem(known)) return known;
    if (known !== undefined && this.#offers.sees(known)) return this.#again(known, input);
    const tooMany = await admit?.();
    if (tooMany !== undefined) return tooMany;

    const offer = await this.#offers.of(input.from, signal, askedBy);
    if (isProblem(offer)) return offer;
    // The key of a purchase that is not there for this buyer: no more is told than that it is taken.
    if (known !== undefined) return keyConflict();
    const field = 'details' in input.from ? 'from.details.amount.amount' : 'from.quoteId';
    const over = this.#overLimit(offer.order.amount, field);
    if (over !== null) return over;
    // Before anything is recorded: who is turned away here has lost nothing.
    const slot = await this.#options.upstream.on(offer.order.surface).admit();
    if (isProblem(slot)) return slot;
    const purchase = this.#newPurchase(input.idempotencyKey, offer);
    const requestId = callId(this.#options.runtime, askedBy);
    const attempt = { kind: 'CONFIRM', requestId, startedAt: purchase.createdAt } as const;
    let begun;
    try {
      begun = await dispatcher.launch(purchase.id, slot, () =>
        journal.begin(purchase, attempt, this.#mandate(purchase.createdAt)),
      );
    } catch (error) {
      if (error instanceof DayLimitError) return overDayLimit(error, offer.order.amount, field);
      // Nothing is sent before the intent is durable (R2). If it was written after all, the reconciler picks it up.
      log.error(
        { err: error, purchaseId: purchase.id },
        'a purchase could not be recorded; nothing was sent',
      );
      return recordUnavailable(
        'The purchase could not be recorded, so it was not made. Please try again with the same key.',
      );
    }
    if (begun === null) throw new Error(`a new id was in use: ${purchase.id}`);
    if (begun.attempt === null) {
      return this.#offers.sees(begun.purchase) ? this.#again(begun.purchase, input) : keyConflict();
    }
    this.#standsAsBuyer(begun.purchase);
    return this.#waiting.untilAnswered(begun.purchase, input.waitMs);
  }

  /** Asks again about a purchase that failed or is unresolved. Never charges twice. */
  async retry(input: { id: string | null; waitMs: number }, askedBy?: string): Promise<Purchase | Problem> {
    const wrong = wrongWait(input.waitMs);
    if (wrong.length > 0) return invalidInput(wrong);
    const { id } = input;
    const purchase =
      id === null
        ? undefined
        : await readRecord(this.#options.log, () => this.#options.journal.purchase('id', id));
    if (purchase === undefined) return noSuchPurchase();
    if (isProblem(purchase)) return purchase;
    if (!this.#offers.sees(purchase)) return noSuchPurchase();
    if (purchase.status === 'SUCCEEDED') return purchase;
    if (purchase.status === 'PENDING') return this.#waiting.untilAnswered(purchase, input.waitMs);
    if (!canRetry(purchase)) return notRetryable(purchase);
    // What FAILED is spent anew.
    const over = purchase.status === 'FAILED' ? this.#overLimit(purchase.order.amount, 'id') : null;
    if (over !== null) return over;
    const slot = await this.#options.upstream.on(purchase.order.surface).admit();
    if (isProblem(slot)) return slot;
    try {
      await this.#askAgain(purchase, slot, askedBy);
    } catch (error) {
      if (error instanceof DayLimitError) return overDayLimit(error, purchase.order.amount, 'id');
      this.#options.log.error({ err: error, purchaseId: purchase.id }, 'a retry could not be recorded');
      return recordUnavailable('The retry could not be recorded, so it was not sent. Please try again.');
    }
    return this.#waiting.untilConcluded(purchase, input.waitMs);
  }

  /**
   * One retry of an unresolved purchase, for the reconciler. Resolves when it is concluded; throws a `ProblemError` when
   * there is no place for it now, or nobody to ask.
   */
  async check(purchase: Purchase): Promise<void> {
    const vending = this.#options.upstream.on(purchase.order.surface);
    // An attempt that cannot be sent tells nothing, and costs the disk two writes.
    if (!vending.isThere()) throw new ProblemError(nobodyThere());
    const slot = await vending.admit();
    if (isProblem(slot)) throw new ProblemError(slot);
    await this.#askAgain(purchase, slot);
    await this.#options.dispatcher.active.get(purchase.id);
  }

  /**
   * Before the buyer is shown the tokens of purchases: resolves once the audit trail tells it. Throws a `ProblemError` when
   * that cannot be written; then nobody is shown anything. The gateway itself is nobody.
   */
  async reveal(purchaseIds: readonly string[]): Promise<void> {
    const { buyer, reveals } = this.#options;
    if (buyer !== undefined) await reveals.write(buyer.name, purchaseIds);
  }

  /** Whether the audit trail is known to tell it already. */
  isRevealed(purchaseId: string): boolean {
    const { buyer, reveals } = this.#options;
    return buyer === undefined || reveals.stands(buyer.name, purchaseId);
  }

  #standsAsBuyer({ id }: Purchase): void {
    const { buyer, reveals } = this.#options;
    if (buyer !== undefined) reveals.standsAsBuyer(buyer.name, id);
  }

  async #askAgain(purchase: Purchase, slot: Slot, askedBy?: string): Promise<void> {
    const { journal, dispatcher, runtime } = this.#options;
    const started = await dispatcher.launch(purchase.id, slot, async () => {
      const startedAt = runtime.now();
      const kind = await this.#nextKind(purchase);
      return journal.startAttempt(
        purchase.id,
        purchase.status,
        { kind, requestId: callId(runtime, askedBy), startedAt },
        {
          status: kind === 'CONFIRM' ? 'PENDING' : 'UNRESOLVED',
          updatedAt: startedAt,
          settledAt: null,
          ...(purchase.status === 'UNRESOLVED'
            ? {}
            : { checks: 0, deniedInARow: 0, unresolvedSince: startedAt, problem: null }),
        },
        this.#mandate(startedAt),
      );
    });
    if (started !== null) this.#standsAsBuyer(purchase);
  }

  /** R1: a confirm is sent again only if none was ever sent; all else goes through retry. */
  async #nextKind(purchase: Purchase): Promise<'CONFIRM' | 'RETRY'> {
    if (purchase.status !== 'FAILED') return 'RETRY';
    return wasNeverSent(await this.#options.journal.attempts([purchase.id])) ? 'CONFIRM' : 'RETRY';
  }

  /** A key that is known: the same purchase for the same details, a conflict for others. */
  async #again(known: Purchase, { from, waitMs }: ConfirmInput): Promise<Purchase | Problem> {
    let same: boolean;
    if ('details' in from) {
      const { details, wrong } = readDetails(from.details);
      same = wrong.length === 0 && sameDetails(known.order, details);
    } else {
      const isQuoted = from.quoteId !== null && from.quoteId === known.quoteId;
      const quoted = isQuoted || (await this.#offers.quotesTheSame(from.quoteId, known.order));
      if (typeof quoted !== 'boolean') return quoted;
      same = quoted;
    }
    if (!same) return keyConflict();
    return this.#waiting.untilAnswered(known, waitMs);
  }

  #overLimit(amount: Money, field: string): Problem | null {
    const { buyer } = this.#options;
    return buyer === undefined ? null : overPurchaseLimit(buyer, amount, field);
  }

  #mandate(at: Date): Mandate | undefined {
    const { buyer } = this.#options;
    return buyer && mandateOf(buyer, at);
  }

  #newPurchase(idempotencyKey: string, offer: Offer): NewPurchase {
    const createdAt = this.#options.runtime.now();
    const id = this.#options.runtime.id(createdAt);
    return {
      id,
      idempotencyKey,
      reference: `GW-${id}`,
      ...offer,
      createdAt,
      status: 'PENDING',
      upstreamReference: null,
      tokens: [],
      units: null,
      receiptNumber: null,
      problem: null,
      updatedAt: createdAt,
      settledAt: null,
      checks: 0,
      nextCheckAt: null,
      deniedInARow: 0,
      unresolvedSince: null,
    };
  }
}
