import { mandateOf, overDayLimit, overPurchaseLimit, sees, type Buyer } from './buyer.ts';
import { callId } from './call-id.ts';
import type { Account, Product } from './catalogue.ts';
import type { CatalogueService } from './catalogue-service.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { EventFeed } from './feed.ts';
import {
  detailsOf,
  invalidInput,
  placeOrder,
  readDetails,
  sameDetails,
  type PurchaseInput,
} from './input.ts';
import { DayLimitError, type Journal, type Mandate, type NewPurchase } from './journal.ts';
import type { Money } from './money.ts';
import { isProblem, problem, ProblemError, type FieldProblem, type Problem } from './problem.ts';
import {
  canRetry,
  wasNeverSent,
  type Charges,
  type Order,
  type Purchase,
  type Quote,
  type Subscriber,
} from './purchase.ts';
import type { Reveals } from './reveals.ts';
import type { Log, Runtime } from './runtime.ts';
import type { Slot, Upstream } from './vending.ts';
import type { Leaving } from './leaving.ts';

export interface ConfirmInput {
  readonly idempotencyKey: string;
  /** `quoteId` is null when what the client gave is no quote's id at all. */
  readonly from: { readonly quoteId: string | null } | { readonly details: PurchaseInput };
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

export const MAX_KEY_LENGTH = 255;
export const MAX_WAIT_MS = 60_000;
/** Why a wait ends: to make an error of it each time costs more than the wait. */
const ENOUGH = 'enough';
/** How often it is looked whether another instance has concluded an attempt. */
const LOOK_AGAIN_MS = 200;

/**
 * Validate, confirm, retry. What is refused comes back as a `Problem`, and then nothing was recorded nor charged. `askedBy`
 * is the id of the request that it is for: every call upstream carries it.
 */
export class PurchaseService {
  readonly #options: PurchaseServiceOptions;

  constructor(options: PurchaseServiceOptions) {
    this.#options = options;
  }

  /** The same on behalf of a buyer. */
  as(buyer: Buyer): PurchaseService {
    return new PurchaseService({ ...this.#options, buyer });
  }

  /** Checks the purchase with the provider and prices it. Changes nothing upstream. */
  async validate(input: PurchaseInput, signal?: Leaving, askedBy?: string): Promise<Quote | Problem> {
    const { runtime, upstream, journal, quoteTtlMs } = this.#options;
    const order = await this.#order(input, '', signal, askedBy);
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
    const known = await this.#read(() => journal.purchase('idempotencyKey', input.idempotencyKey));
    if (known !== undefined && isProblem(known)) return known;
    if (known !== undefined && this.#sees(known)) return this.#again(known, input);
    const tooMany = await admit?.();
    if (tooMany !== undefined) return tooMany;

    const offer = await this.#offer(input.from, signal, askedBy);
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
      return this.#sees(begun.purchase) ? this.#again(begun.purchase, input) : keyConflict();
    }
    this.#standsAsBuyer(begun.purchase);
    return this.#whenAnswered(begun.purchase, input.waitMs);
  }

  /** Asks again about a purchase that failed or is unresolved. Never charges twice. */
  async retry(input: { id: string | null; waitMs: number }, askedBy?: string): Promise<Purchase | Problem> {
    const wrong = wrongWait(input.waitMs);
    if (wrong.length > 0) return invalidInput(wrong);
    const { id } = input;
    const purchase =
      id === null ? undefined : await this.#read(() => this.#options.journal.purchase('id', id));
    if (purchase === undefined) return noSuchPurchase();
    if (isProblem(purchase)) return purchase;
    if (!this.#sees(purchase)) return noSuchPurchase();
    if (purchase.status === 'SUCCEEDED') return purchase;
    if (purchase.status === 'PENDING') return this.#whenAnswered(purchase, input.waitMs);
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
    return this.#whenConcluded(purchase, input.waitMs);
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
      const quoted = isQuoted || (await this.#quotesTheSame(from.quoteId, known.order));
      if (typeof quoted !== 'boolean') return quoted;
      same = quoted;
    }
    if (!same) return keyConflict();
    return this.#whenAnswered(known, waitMs);
  }

  async #quotesTheSame(quoteId: string | null, order: Order): Promise<boolean | Problem> {
    const quote = await this.#quote(quoteId);
    if (quote !== undefined && isProblem(quote)) return quote;
    return quote !== undefined && sameDetails(order, detailsOf(quote.order));
  }

  async #quote(id: string | null): Promise<Quote | Problem | undefined> {
    if (id === null) return undefined;
    const quotes = await this.#read(() => this.#options.journal.quotes([id]));
    return isProblem(quotes) ? quotes : quotes.find((quote) => this.#sees(quote));
  }

  /** A record that is somewhere else may be out of reach for a while: then nothing was made. */
  async #read<T>(read: () => Promise<T>): Promise<T | Problem> {
    try {
      return await read();
    } catch (error) {
      this.#options.log.error({ err: error }, 'the record could not be read');
      return recordUnavailable('The record cannot be read now, so nothing was done. Please try again.');
    }
  }

  async #offer(
    from: ConfirmInput['from'],
    signal: Leaving | undefined,
    askedBy: string | undefined,
  ): Promise<Offer | Problem> {
    if ('details' in from) {
      const order = await this.#order(from.details, 'from.details.', signal, askedBy);
      if (isProblem(order)) return order;
      const subscriber = { identifier: order.subscriberIdentifier, name: null, address: null };
      return { order, quoteId: null, subscriber, charges: null };
    }
    const quote = await this.#quote(from.quoteId);
    if (quote === undefined)
      return badQuote('quote_not_found', 'There is no such quote. Validate the purchase again.');
    if (isProblem(quote)) return quote;
    if (quote.expiresAt <= this.#options.runtime.now()) {
      return badQuote('quote_expired', 'This quote has expired. Validate the purchase again for a new one.');
    }
    return { order: quote.order, quoteId: quote.id, subscriber: quote.subscriber, charges: quote.charges };
  }

  /** Every wrong field at once: those of the input itself and those that only the catalogue tells. */
  async #order(
    input: PurchaseInput,
    at: string,
    signal: Leaving | undefined,
    askedBy: string | undefined,
  ): Promise<Order | Problem> {
    const { catalogue } = this.#options;
    const { details, wrong } = readDetails(input);
    const { surface } = details;
    const place = (accounts: readonly Account[], products: readonly Product[]) => {
      const own = accounts.filter(({ id }) => this.#sees({ order: { accountId: id } }));
      return placeOrder(details, own, products);
    };
    try {
      const known = catalogue.knownAccounts(surface);
      const [accounts, products] = await Promise.all([
        known ?? catalogue.accounts(signal, surface, askedBy),
        catalogue.products(signal, surface, askedBy),
      ]);
      let placed = place(accounts, products);
      // What would be refused because of them is looked at anew.
      if (known !== undefined && placed.wrong.length > 0)
        placed = place(await catalogue.accounts(signal, surface, askedBy), products);
      const all: FieldProblem[] = [...wrong, ...placed.wrong];
      return all.length > 0 ? invalidInput(all, at) : placed.order;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return wrong.length > 0 ? invalidInput(wrong, at) : error.problem;
    }
  }

  /** Whether what the account pays for is there for the buyer. */
  #sees({ order }: { readonly order: Pick<Order, 'accountId'> }): boolean {
    const { buyer } = this.#options;
    return buyer === undefined || sees(buyer, order);
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

  /** The purchase once it is no longer PENDING, or as it is after `waitMs`. */
  async #whenAnswered(purchase: Purchase, waitMs: number): Promise<Purchase> {
    if (purchase.status !== 'PENDING' || waitMs === 0) return purchase;
    const { dispatcher, feed, runtime } = this.#options;
    const enough = new AbortController();
    const over = runtime.sleep(waitMs, enough.signal).then(() => enough.abort(ENOUGH));
    let latest = purchase;
    try {
      // What is concluded here needs no reading.
      const here = dispatcher.active.get(purchase.id)?.catch(() => undefined);
      const concluded = here && (await Promise.race([here, over]));
      if (concluded !== undefined && concluded.status !== 'PENDING') return concluded;
      for await (const now of (await feed.watch(purchase.id, enough.signal)) ?? []) {
        latest = now;
        if (now.status !== 'PENDING') break;
      }
    } catch (error) {
      // It is recorded and goes on; the client is told what is known, and may watch.
      this.#options.log.error({ err: error, purchaseId: purchase.id }, 'a purchase could not be watched');
    } finally {
      enough.abort(ENOUGH);
    }
    return latest;
  }

  /** The purchase once the attempt that is under way is concluded, or as it is after `waitMs`. */
  async #whenConcluded(purchase: Purchase, waitMs: number): Promise<Purchase> {
    const { journal, runtime } = this.#options;
    const enough = new AbortController();
    try {
      await Promise.race([this.#concluded(purchase.id, enough.signal), runtime.sleep(waitMs, enough.signal)]);
      return (await journal.purchase('id', purchase.id)) ?? purchase;
    } catch (error) {
      this.#options.log.error({ err: error, purchaseId: purchase.id }, 'a retry could not be watched');
      return purchase;
    } finally {
      enough.abort(ENOUGH);
    }
  }

  /** When no attempt is under way any more: here, or on another instance, which does not tell. */
  async #concluded(id: string, signal: AbortSignal): Promise<void> {
    const { dispatcher, journal, runtime } = this.#options;
    await dispatcher.active.get(id)?.catch(() => undefined);
    for (;;) {
      const attempts = await journal.attempts([id]);
      if (signal.aborted || attempts.every(({ outcome }) => outcome !== 'IN_FLIGHT')) return;
      await runtime.sleep(LOOK_AGAIN_MS, signal);
    }
  }
}

interface Offer {
  readonly order: Order;
  readonly quoteId: string | null;
  readonly subscriber: Subscriber;
  readonly charges: Charges | null;
}

function wrongKey(key: string): FieldProblem[] {
  if (key.length <= MAX_KEY_LENGTH && key.trim() !== '') return [];
  const message = `The idempotency key must have 1 to ${MAX_KEY_LENGTH} characters. Make a new UUID for each purchase.`;
  return [{ field: 'idempotencyKey', message }];
}

function wrongWait(waitMs: number): FieldProblem[] {
  if (waitMs >= 0 && waitMs <= MAX_WAIT_MS) return [];
  return [{ field: 'waitMs', message: `waitMs must be between 0 and ${MAX_WAIT_MS} milliseconds.` }];
}

function keyConflict(): Problem {
  return problem({
    type: 'CONFLICT',
    code: 'idempotency_key_reused',
    message: 'This idempotency key belongs to another purchase. Use a new key for a new purchase.',
    fields: [{ field: 'idempotencyKey', message: 'Used for other details already.' }],
  });
}

function badQuote(code: string, message: string): Problem {
  return problem({ type: 'INVALID_INPUT', code, message, fields: [{ field: 'from.quoteId', message }] });
}

function noSuchPurchase(): Problem {
  const message = 'There is no such purchase.';
  return problem({
    type: 'NOT_FOUND',
    code: 'purchase_unknown',
    message,
    fields: [{ field: 'id', message }],
  });
}

function notRetryable({ problem: why }: Purchase): Problem {
  return problem({
    type: 'CONFLICT',
    code: 'purchase_not_retryable',
    message: `This purchase was refused for good${why === null ? '.' : `: ${why.message}`} Buy again with a new key.`,
  });
}

function nobodyThere(): Problem {
  const message = 'The provider is not available at this moment.';
  return problem({ type: 'UNAVAILABLE', code: 'circuit_open', message, retryable: true });
}

function recordUnavailable(message: string): Problem {
  return problem({ type: 'UNAVAILABLE', code: 'record_unavailable', message, retryable: true });
}
