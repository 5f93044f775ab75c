import { GraphQLError } from 'graphql';

import type { Caller } from '../auth/caller.ts';
import type { Buyer } from '../purchases/buyer.ts';
import { Decimal } from '../purchases/money.ts';
import type { PurchaseService } from '../purchases/service.ts';
import { viewFor, type View } from '../purchases/view.ts';
import type { Domain } from './context.ts';

/** One integration that is served, and what its configuration allows to any caller. */
export interface Served {
  readonly name: string;
  readonly domain: Omit<View, 'purchases'> & { readonly purchases: PurchaseService };
  readonly accounts: ReadonlySet<number> | undefined;
  readonly limits: { readonly perPurchase?: string | undefined; readonly perDay?: string | undefined };
}

/** Which part of the domain is a caller's: its own integration's, as far as it may see that. */
export class Domains {
  readonly #served: ReadonlyMap<string, Served>;
  readonly #known = new WeakMap<Caller, Domain>();

  constructor(served: readonly Served[]) {
    this.#served = new Map(served.map((one) => [one.name, one]));
  }

  /** Throws a `GraphQLError` (FORBIDDEN) when it is nobody's here. */
  of(caller: Caller): Domain {
    const known = this.#known.get(caller);
    if (known !== undefined) return known;
    const served = this.#integrationOf(caller);
    const domain = viewFor(served.domain, buyerOf(caller, served));
    this.#known.set(caller, domain);
    return domain;
  }

  #integrationOf({ integration }: Caller): Served {
    if (integration !== undefined) {
      const served = this.#served.get(integration);
      if (served !== undefined) return served;
      throw notHere('The integration that you belong to is not served here.');
    }
    const [only, ...others] = this.#served.values();
    if (only !== undefined && others.length === 0) return only;
    throw notHere(
      'Several integrations are served here, and your key or token names none: ask for one that does.',
    );
  }
}

function notHere(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'FORBIDDEN' } });
}

function buyerOf({ name, accounts, limits = {} }: Caller, served: Served): Buyer {
  const own = served.accounts;
  return {
    name,
    accounts:
      accounts === undefined || own === undefined
        ? (accounts ?? own)
        : new Set([...accounts].filter((account) => own.has(account))),
    mostPerPurchase: smallest(limits.perPurchase, served.limits.perPurchase),
    mostPerDay: smallest(limits.perDay),
    mostPerDayByAll: smallest(served.limits.perDay),
  };
}

function smallest(...limits: readonly (string | undefined)[]): Decimal | null {
  const given = limits.flatMap((limit) => (limit === undefined ? [] : [new Decimal(limit)]));
  return given.length === 0 ? null : Decimal.min(...given);
}
