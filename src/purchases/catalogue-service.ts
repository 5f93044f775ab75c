import type { Account, Identity, Product, Surface } from './catalogue.ts';
import type { Runtime } from './runtime.ts';
import type { Call, Upstream } from './vending.ts';

/** Products change with a new provider or format: seldom. A purchase is checked again upstream. */
const PRODUCTS_FRESH_MS = 300_000;

/** Who we are, what we may debit, what there is to buy. Fails with a `ProblemError`. */
export class CatalogueService {
  readonly #upstream: Upstream;
  readonly #runtime: Runtime;
  readonly #products = new Map<Surface, { at: number; products: readonly Product[] }>();

  constructor(options: { upstream: Upstream; runtime: Runtime }) {
    this.#upstream = options.upstream;
    this.#runtime = options.runtime;
  }

  get defaultSurface(): Surface {
    return this.#upstream.defaultSurface;
  }

  identity(signal?: AbortSignal): Promise<Identity> {
    return this.#default().identity(this.#call(signal));
  }

  /** ACTIVE accounts by rank, as they are now: a balance is never served from before a purchase. */
  accounts(signal?: AbortSignal, surface = this.defaultSurface): Promise<readonly Account[]> {
    return this.#upstream.on(surface).accounts(this.#call(signal));
  }

  /** At most five minutes old (R10). */
  async products(signal?: AbortSignal, surface = this.defaultSurface): Promise<readonly Product[]> {
    const kept = this.#products.get(surface);
    if (kept !== undefined && this.#runtime.monotonic() - kept.at < PRODUCTS_FRESH_MS) return kept.products;
    const at = this.#runtime.monotonic();
    const products = await this.#upstream.on(surface).products(this.#call(signal));
    this.#products.set(surface, { at, products });
    return products;
  }

  #default() {
    return this.#upstream.on(this.defaultSurface);
  }

  #call(signal: AbortSignal | undefined): Call {
    return { requestId: this.#runtime.id(this.#runtime.now()), signal };
  }
}
