import DataLoader from 'dataloader';

import type { Account, Product, Surface } from '../purchases/catalogue.ts';
import type { Leaving } from '../purchases/leaving.ts';
import type { Attempt, Purchase, Quote } from '../purchases/purchase.ts';
import type { Domain } from './context.ts';

/** One read or write of each kind per operation, however many fields ask. */
export interface Loaders {
  /** By the account's number; undefined when there is none. However many are asked for, one upstream call. */
  readonly account: DataLoader<number, Account | undefined>;
  /** All accounts of the default surface: the key is always ALL. */
  readonly accounts: DataLoader<'ALL', readonly Account[]>;
  readonly products: DataLoader<Surface, readonly Product[]>;
  readonly purchase: DataLoader<string, Purchase | undefined>;
  readonly quote: DataLoader<string, Quote | undefined>;
  /** By purchase id, in order of number. */
  readonly attempts: DataLoader<string, readonly Attempt[]>;
  /** By purchase id: resolves once the audit trail tells that the caller is shown its tokens. */
  readonly reveal: DataLoader<string, true>;
  /** Forgets everything: a subscription is one long operation. */
  clear(): void;
}

export function createLoaders(
  { catalogue, journal, purchases }: Domain,
  signal: Leaving,
  requestId: string,
): Loaders {
  const accounts = new DataLoader<'ALL', readonly Account[]>((keys) =>
    Promise.all(keys.map(() => catalogue.accounts(signal, catalogue.defaultSurface, requestId))),
  );
  const account = new DataLoader<number, Account | undefined>(async (ids) => {
    const all = await accounts.load('ALL');
    return ids.map((id) => all.find((one) => one.id === id));
  });
  const products = new DataLoader<Surface, readonly Product[]>((surfaces) =>
    Promise.all(surfaces.map((surface) => catalogue.products(signal, surface, requestId))),
  );
  const purchase = new DataLoader<string, Purchase | undefined>(async (ids) => {
    const found = new Map((await journal.purchases(ids)).map((one) => [one.id, one]));
    return ids.map((id) => found.get(id));
  });
  const quote = new DataLoader<string, Quote | undefined>(async (ids) => {
    const found = new Map((await journal.quotes(ids)).map((one) => [one.id, one]));
    return ids.map((id) => found.get(id));
  });
  const attempts = new DataLoader<string, readonly Attempt[]>(async (ids) => {
    const byPurchase = new Map<string, Attempt[]>(ids.map((id) => [id, []]));
    for (const attempt of await journal.attempts(ids)) byPurchase.get(attempt.purchaseId)?.push(attempt);
    return ids.map((id) => byPurchase.get(id) ?? []);
  });
  const reveal = new DataLoader<string, true>(async (ids) => {
    await purchases.reveal(ids);
    return ids.map(() => true);
  });
  const every = [account, accounts, products, purchase, quote, attempts, reveal];
  return {
    ...{ account, accounts, products, purchase, quote, attempts, reveal },
    clear: () => {
      for (const loader of every) loader.clearAll();
    },
  };
}
