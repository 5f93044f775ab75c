import type { Caller } from '../auth/caller.ts';
import type { CatalogueService } from '../purchases/catalogue-service.ts';
import type { EventFeed } from '../purchases/feed.ts';
import type { Journal } from '../purchases/journal.ts';
import type { Problem } from '../purchases/problem.ts';
import type { PurchaseService } from '../purchases/service.ts';
import type { Loaders } from './loaders.ts';

/** The domain, as the schema uses it. */
export interface Domain {
  readonly catalogue: CatalogueService;
  readonly purchases: PurchaseService;
  readonly feed: EventFeed;
  /** To read from only. */
  readonly journal: Journal;
}

/** What every resolver gets. One per operation; `loaders` are cleared at each event of a subscription. */
export interface Context {
  readonly caller: Caller;
  readonly domain: Domain;
  readonly loaders: Loaders;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Counts something that reaches the upstream; why it may not be done now, if it may not. */
  readonly admit: () => Promise<Problem | undefined>;
}
