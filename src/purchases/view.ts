import { sees, type Buyer } from './buyer.ts';
import type { Account } from './catalogue.ts';
import type { CatalogueService } from './catalogue-service.ts';
import type { EventFeed } from './feed.ts';
import type { Journal } from './journal.ts';
import type { Log } from './runtime.ts';
import { sameForSame } from './same-for-same.ts';
import type { PurchaseService } from './service.ts';
import { ToldOnce } from './told-once.ts';

/** One integration, as far as callers get to see it. */
export interface View {
  readonly catalogue: Pick<CatalogueService, 'defaultSurface' | 'identity' | 'accounts' | 'products'>;
  readonly purchases: Pick<PurchaseService, 'validate' | 'confirm' | 'retry' | 'reveal' | 'isRevealed'>;
  readonly feed: Pick<EventFeed, 'follow' | 'watch' | 'position'>;
  readonly journal: Pick<
    Journal,
    'integration' | 'purchase' | 'purchases' | 'quotes' | 'page' | 'attempts' | 'lastPosition'
  >;
}

/** What is read for callers. What cannot be read is left out of lists, and told; asked for by itself it is an error. */
export function readingOf(journal: Journal, log: Pick<Log, 'error'>): View['journal'] {
  const unreadable = new ToldOnce((purchaseId, error) =>
    log.error({ err: error, purchaseId }, 'a purchase cannot be read: it is left out of lists'),
  );
  return {
    integration: journal.integration,
    purchase: (...asked) => journal.purchase(...asked),
    purchases: (...asked) => journal.purchases(...asked),
    quotes: (...asked) => journal.quotes(...asked),
    page: (request) => journal.page(request, unreadable.tell),
    attempts: (...asked) => journal.attempts(...asked),
    lastPosition: () => journal.lastPosition(),
  };
}

/** The integration as it is for one buyer: what other accounts pay for is not there. */
export function viewFor(
  whole: Omit<View, 'purchases'> & { readonly purchases: PurchaseService },
  buyer: Buyer,
): View {
  const purchases = whole.purchases.as(buyer);
  if (buyer.accounts === undefined) return { ...whole, purchases };
  const accounts = [...buyer.accounts];
  const { catalogue, feed, journal } = whole;
  const seenOf = sameForSame((all: readonly Account[]): readonly Account[] =>
    all.filter(({ id }) => sees(buyer, { accountId: id })),
  );
  const purchase: Journal['purchase'] = async (key, value) => {
    const found = await journal.purchase(key, value);
    return found !== undefined && sees(buyer, found.order) ? found : undefined;
  };
  return {
    purchases,
    catalogue: {
      defaultSurface: catalogue.defaultSurface,
      identity: (...asked) => catalogue.identity(...asked),
      products: (...asked) => catalogue.products(...asked),
      accounts: async (...asked) => seenOf(await catalogue.accounts(...asked)),
    },
    feed: {
      get position() {
        return feed.position;
      },
      follow: ({ sees: wanted, ...request }) =>
        feed.follow({
          ...request,
          sees: (one) => sees(buyer, one.order) && (wanted?.(one) ?? true),
        }),
      // The account of a purchase never changes.
      watch: async (id, signal) =>
        (await purchase('id', id)) === undefined ? undefined : feed.watch(id, signal),
    },
    journal: {
      integration: journal.integration,
      purchase,
      purchases: async (ids) => (await journal.purchases(ids)).filter(({ order }) => sees(buyer, order)),
      quotes: async (ids) => (await journal.quotes(ids)).filter(({ order }) => sees(buyer, order)),
      page: (request) => journal.page({ ...request, filter: { ...request.filter, accounts } }),
      // Asked for by the purchases that are seen.
      attempts: (...asked) => journal.attempts(...asked),
      lastPosition: () => journal.lastPosition(),
    },
  };
}
