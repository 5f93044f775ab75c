import type { Caller } from '../auth/caller.ts';
import type { Problem } from '../purchases/problem.ts';
import type { Leaving } from '../purchases/leaving.ts';
import type { View } from '../purchases/view.ts';
import type { Loaders } from './loaders.ts';

/** The domain, as the schema uses it: the caller's integration, as far as the caller may see it. */
export type Domain = View;

/**
 * What every resolver gets. One per operation, and another for each event of a subscription, with `loaders` of its own, which
 * are cleared before each mutation.
 */
export interface Context {
  readonly caller: Caller;
  readonly domain: Domain;
  readonly loaders: Loaders;
  /** The client's own X-Request-Id, or one that was made for it. */
  readonly requestId: string;
  /** Aborted when the client has gone. */
  readonly signal: Leaving;
  /** Counts something that reaches the upstream; why it may not be done now, if it may not. */
  readonly admit: () => Promise<Problem | undefined>;
}
