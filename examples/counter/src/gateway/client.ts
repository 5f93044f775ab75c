import { Client, fetchExchange, subscriptionExchange } from 'urql';

import { resumable } from './resumable.ts';
import { sockets } from './sockets.ts';

/** A request that is not answered by then counts as lost. */
const ANSWER_WITHIN_MS = 30_000;

/** No cache: what matters here is what the gateway says now, and it pushes what changes. */
export const client = new Client({
  url: '/graphql',
  preferGetMethod: false,
  fetch: (input, init) => {
    const late = AbortSignal.timeout(ANSWER_WITHIN_MS);
    return fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, late]) : late });
  },
  exchanges: [
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => {
          const { payload, seen } = resumable({ query, variables });
          const unsubscribe = sockets.subscribe(payload, {
            next: ({ data = null, errors }) => {
              seen(data);
              sink.next(errors === undefined ? { data } : { data, errors });
            },
            error: (error) => sink.error(error),
            complete: () => sink.complete(),
          });
          return { unsubscribe };
        },
      }),
    }),
    fetchExchange,
  ],
});
