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
  /** Forgets everything: a subscription is one long operation, and what one mutation changes the next may tell. */
  clear(): void;
}

export function createLoaders(domain: Domain, signal: Leaving, requestId: string): Loaders {
  return new LoadersOfOperation(domain, signal, requestId);
}

/** Most operations ask for one kind of thing: each loader is made when it is first asked for. */
class LoadersOfOperation implements Loaders {
  #made: { -readonly [kind in keyof Omit<Loaders, 'clear'>]?: Loaders[kind] } = {};
  readonly #domain: Domain;
  readonly #signal: Leaving;
  readonly #requestId: string;

  constructor(domain: Domain, signal: Leaving, requestId: string) {
    this.#domain = domain;
    this.#signal = signal;
    this.#requestId = requestId;
  }

  get accounts(): Loaders['accounts'] {
    const { catalogue } = this.#domain;
    return (this.#made.accounts ??= new DataLoader((keys) =>
      Promise.all(
        keys.map(() => catalogue.accounts(this.#signal, catalogue.defaultSurface, this.#requestId)),
      ),
    ));
  }

  get account(): Loaders['account'] {
    return (this.#made.account ??= new DataLoader(async (ids) => {
      const all = await this.accounts.load('ALL');
      return ids.map((id) => all.find((one) => one.id === id));
    }));
  }

  get products(): Loaders['products'] {
    const { catalogue } = this.#domain;
    return (this.#made.products ??= new DataLoader((surfaces) =>
      Promise.all(surfaces.map((surface) => catalogue.products(this.#signal, surface, this.#requestId))),
    ));
  }

  get purchase(): Loaders['purchase'] {
    return (this.#made.purchase ??= byId((ids) => this.#domain.journal.purchases(ids)));
  }

  get quote(): Loaders['quote'] {
    return (this.#made.quote ??= byId((ids) => this.#domain.journal.quotes(ids)));
  }

  get attempts(): Loaders['attempts'] {
    return (this.#made.attempts ??= new DataLoader(async (ids) => {
      const byPurchase = new Map<string, Attempt[]>(ids.map((id) => [id, []]));
      // Of one purchase all or none.
      const unreadable = new Map<string, Error>();
      const attempts = await this.#domain.journal.attempts(ids, (id, error) =>
        unreadable.set(id, new Error('an attempt cannot be read', { cause: error })),
      );
      for (const attempt of attempts) byPurchase.get(attempt.purchaseId)?.push(attempt);
      return ids.map((id) => unreadable.get(id) ?? byPurchase.get(id) ?? []);
    }));
  }

  get reveal(): Loaders['reveal'] {
    return (this.#made.reveal ??= new DataLoader(async (ids) => {
      await this.#domain.purchases.reveal(ids);
      return ids.map(() => true as const);
    }));
  }

  clear(): void {
    this.#made = {};
  }
}

function byId<T extends { readonly id: string }>(
  read: (ids: readonly string[]) => Promise<readonly T[]>,
): DataLoader<string, T | undefined> {
  return new DataLoader(async (ids) => {
    const found = new Map((await read(ids)).map((one) => [one.id, one]));
    return ids.map((id) => found.get(id));
  });
}
