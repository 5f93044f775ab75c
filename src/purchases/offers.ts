import { sees, type Buyer } from './buyer.ts';
import type { Account, Product } from './catalogue.ts';
import type { CatalogueService } from './catalogue-service.ts';
import {
  detailsOf,
  invalidInput,
  placeOrder,
  readDetails,
  sameDetails,
  type PurchaseInput,
} from './input.ts';
import type { Journal } from './journal.ts';
import type { Leaving } from './leaving.ts';
import { isProblem, ProblemError, type FieldProblem, type Problem } from './problem.ts';
import type { Charges, Order, Quote, Subscriber } from './purchase.ts';
import { badQuote, readRecord } from './refusals.ts';
import type { Log, Runtime } from './runtime.ts';

export interface OffersOptions {
  readonly journal: Pick<Journal, 'quotes'>;
  readonly catalogue: CatalogueService;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly log: Log;
  readonly buyer?: Buyer | undefined;
}

/** What is to be bought: `quoteId` is null when what the client gave is no quote's id at all. */
export type OfferSource = { readonly quoteId: string | null } | { readonly details: PurchaseInput };

export interface Offer {
  readonly order: Order;
  readonly quoteId: string | null;
  readonly subscriber: Subscriber;
  readonly charges: Charges | null;
}

/** Makes of what a client asks for an order that can be sent, or tells why it can't. Only what the buyer may see is there. */
export class Offers {
  readonly #options: OffersOptions;

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  /** What is to be bought, or why it cannot be: a quote that is gone, an order that is wrong, a provider that does not tell. */
  async of(
    from: OfferSource,
    signal: Leaving | undefined,
    askedBy: string | undefined,
  ): Promise<Offer | Problem> {
    if ('details' in from) {
      const order = await this.order(from.details, 'from.details.', signal, askedBy);
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
  async order(
    input: PurchaseInput,
    at: string,
    signal: Leaving | undefined,
    askedBy: string | undefined,
  ): Promise<Order | Problem> {
    const { catalogue } = this.#options;
    const { details, wrong } = readDetails(input);
    const { surface } = details;
    const place = (accounts: readonly Account[], products: readonly Product[]) => {
      const own = accounts.filter(({ id }) => this.sees({ order: { accountId: id } }));
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

  /** Whether the quote, if it is there, is for the same. */
  async quotesTheSame(quoteId: string | null, order: Order): Promise<boolean | Problem> {
    const quote = await this.#quote(quoteId);
    if (quote !== undefined && isProblem(quote)) return quote;
    return quote !== undefined && sameDetails(order, detailsOf(quote.order));
  }

  /** Whether what the account pays for is there for the buyer. */
  sees({ order }: { readonly order: Pick<Order, 'accountId'> }): boolean {
    const { buyer } = this.#options;
    return buyer === undefined || sees(buyer, order);
  }

  async #quote(id: string | null): Promise<Quote | Problem | undefined> {
    if (id === null) return undefined;
    const quotes = await readRecord(this.#options.log, () => this.#options.journal.quotes([id]));
    return isProblem(quotes) ? quotes : quotes.find((quote) => this.sees(quote));
  }
}
