import type { Caller } from '../auth/caller.ts';
import type { Context, Domain } from '../schema/context.ts';
import { createLoaders } from '../schema/loaders.ts';

/** The schema's context, and what the log tells of the request. */
export interface RequestContext extends Context {
  readonly requestId: string;
  readonly transport: 'http' | 'websocket';
}

export function createRequestContext(
  options: Pick<RequestContext, 'caller' | 'domain' | 'signal' | 'requestId' | 'transport'> & {
    caller: Caller;
    domain: Domain;
  },
): RequestContext {
  return { ...options, loaders: createLoaders(options.domain, options.signal) };
}
