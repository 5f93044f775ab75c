import type { Caller } from '../auth/caller.ts';
import type { Context, Domain } from '../schema/context.ts';
import { createLoaders } from '../schema/loaders.ts';
import type { Rates, SetHeader } from './rates.ts';

/** The schema's context, and what the log tells of the request. */
export interface RequestContext extends Context {
  readonly transport: 'http' | 'websocket';
  /** Of the HTTP response; over WebSocket there is none. */
  readonly setHeader: SetHeader;
}

export function createRequestContext(
  options: Pick<RequestContext, 'caller' | 'domain' | 'signal' | 'requestId' | 'transport' | 'setHeader'> & {
    caller: Caller;
    domain: Domain;
  },
  rates: Rates,
): RequestContext {
  return {
    loaders: createLoaders(options.domain, options.signal, options.requestId),
    admit: () => rates.purchase(options.caller, options.setHeader),
    ...options,
  };
}
