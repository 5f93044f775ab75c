import { callId } from './call-id.ts';
import type { Account, Identity, Product, Surface } from './catalogue.ts';
import { Kept } from './kept.ts';
import type { Leaving } from './leaving.ts';
import type { Runtime } from './runtime.ts';
import { SharedRead } from './shared-read.ts';
import type { Call, Upstream } from './vending.ts';

export interface CatalogueOptions {
  readonly upstream: Upstream;
  readonly runtime: Runtime;
  /** Whether those who ask at the same time share one call. Default true. */
  readonly coalescing?: boolean | undefined;
  /** How long products are given out again, at most. 0: they are asked for each time. Default 300000. */
  readonly productsFreshMs?: number | undefined;
}

/** Products change with a new provider or format: seldom. A purchase is checked again upstream. */
const PRODUCTS_FRESH_MS = 300_000;
/** So lately the upstream was there: one that has gone is found out by a read, and not by a confirm. */
const ACCOUNTS_KNOWN_MS = 5_000;

type Read<T> = (signal?: Leaving, askedBy?: string) => Promise<T>;

/** What is read of one surface. */
interface Reads {
  readonly identity: Read<Identity>;
  readonly accounts: Read<readonly Account[]>;
  readonly products: Read<readonly Product[]>;
  readonly kept: { readonly accounts: Kept<readonly Account[]>; readonly products: Kept<readonly Product[]> };
}

/**
 * Who we are, what we may debit, what there is to buy. Fails with a `ProblemError`. `askedBy` is the id of the request that
 * it is for.
 */
export class CatalogueService {
  readonly #upstream: Upstream;
  readonly #runtime: Runtime;
  readonly #coalescing: boolean;
  readonly #productsFreshMs: number;
  readonly #reads = new Map<Surface, Reads>();

  constructor({
    upstream,
    runtime,
    coalescing = true,
    productsFreshMs = PRODUCTS_FRESH_MS,
  }: CatalogueOptions) {
    this.#upstream = upstream;
    this.#runtime = runtime;
    this.#coalescing = coalescing;
    this.#productsFreshMs = productsFreshMs;
  }

  get defaultSurface(): Surface {
    return this.#upstream.defaultSurface;
  }

  identity(signal?: Leaving, askedBy?: string): Promise<Identity> {
    return this.#on(this.defaultSurface).identity(signal, askedBy);
  }

  /** ACTIVE accounts by rank, as they are now: a balance is never served from before it was asked for. */
  accounts(signal?: Leaving, surface = this.defaultSurface, askedBy?: string): Promise<readonly Account[]> {
    return this.#on(surface).accounts(signal, askedBy);
  }

  /** At most five minutes old (R10), or what was configured. */
  async products(
    signal?: Leaving,
    surface = this.defaultSurface,
    askedBy?: string,
  ): Promise<readonly Product[]> {
    const { products, kept } = this.#on(surface);
    return kept.products.fresh(products) ?? products(signal, askedBy);
  }

  /**
   * Those of the last five seconds, or as long as products are given out: that they are there and in which currency, not
   * their balances. A purchase is checked again upstream.
   */
  knownAccounts(surface: Surface): readonly Account[] | undefined {
    const { accounts, kept } = this.#on(surface);
    return kept.accounts.fresh(accounts);
  }

  #on(surface: Surface): Reads {
    const known = this.#reads.get(surface);
    if (known !== undefined) return known;
    const vending = () => this.#upstream.on(surface);
    const kept = {
      accounts: new Kept<readonly Account[]>(
        this.#runtime,
        Math.min(ACCOUNTS_KNOWN_MS, this.#productsFreshMs),
      ),
      products: new Kept<readonly Product[]>(this.#runtime, this.#productsFreshMs),
    };
    const reads: Reads = {
      identity: this.#read((call) => vending().identity(call)),
      accounts: this.#read((call) => kept.accounts.keep(() => vending().accounts(call))),
      products: this.#read((call) => kept.products.keep(() => vending().products(call))),
      kept,
    };
    this.#reads.set(surface, reads);
    return reads;
  }

  #read<T>(ask: (call: Call) => Promise<T>): Read<T> {
    const runtime = this.#runtime;
    if (!this.#coalescing) return (signal, askedBy) => ask({ requestId: callId(runtime, askedBy), signal });
    // Of a call that others wait for too nobody's leaving is the end.
    const shared = new SharedRead({
      read: (askedBy) => ask({ requestId: callId(runtime, askedBy), signal: undefined }),
      runtime,
    });
    return (signal, askedBy) => shared.read(signal, askedBy);
  }
}
