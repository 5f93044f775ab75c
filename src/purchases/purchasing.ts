import { CatalogueService, type CatalogueOptions } from './catalogue-service.ts';
import { Dispatcher } from './dispatcher.ts';
import { EventFeed } from './feed.ts';
import type { Journal } from './journal.ts';
import type { Liveness } from './liveness.ts';
import type { Policy } from './outcome.ts';
import { Reconciler, type AroundCheck } from './reconciler.ts';
import { Reveals } from './reveals.ts';
import type { Log, Runtime } from './runtime.ts';
import { PurchaseService } from './service.ts';
import type { Upstream } from './vending.ts';

export interface PurchasingOptions {
  readonly journal: Journal;
  readonly upstream: Upstream;
  readonly runtime: Runtime;
  readonly log: Log;
  /** Of this instance, which is one for all integrations; it has been started. */
  readonly liveness: Liveness;
  /** Default: coalesced, products at most five minutes old. */
  readonly reads?: Pick<CatalogueOptions, 'coalescing' | 'productsFreshMs'>;
  /** How long a quote can be confirmed. */
  readonly quoteTtlMs: number;
  /** How long after we gave up a confirm or a retry the upstream may still process it (R5). */
  readonly mayLandMs: number;
  readonly aroundCheck?: AroundCheck | undefined;
  readonly reconcile: Policy & { readonly concurrency: number; readonly answerRetentionMs: number };
}

/** The domain at work on one integration: its part of the record, and its upstream. */
export interface Purchasing {
  readonly catalogue: CatalogueService;
  readonly purchases: PurchaseService;
  readonly feed: EventFeed;
  readonly dispatcher: Dispatcher;
  /** To be started once the process is ready to work. */
  readonly reconciler: Reconciler;
}

/** Composes the domain; a gateway, a test and a simulation differ only in what they pass in. */
export async function composePurchasing(options: PurchasingOptions): Promise<Purchasing> {
  const { journal, upstream, runtime, log, liveness, quoteTtlMs, mayLandMs, reconcile } = options;
  const feed = await EventFeed.open({ journal, runtime, log });
  const catalogue = new CatalogueService({ upstream, runtime, ...options.reads });
  const dispatcher = new Dispatcher({
    ...{ journal, upstream, liveness, runtime, log, mayLandMs },
    policy: reconcile,
  });
  const reveals = new Reveals({ journal, runtime, log });
  const purchases = new PurchaseService({
    ...{ journal, upstream, catalogue, feed, dispatcher, reveals, runtime, log, quoteTtlMs },
  });
  const reconciler = new Reconciler({
    ...{ journal, upstream, dispatcher, liveness, runtime, log },
    service: purchases,
    aroundCheck: options.aroundCheck,
    ...reconcile,
  });
  return { catalogue, purchases, feed, dispatcher, reconciler };
}
