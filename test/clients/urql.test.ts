import { cacheExchange, Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { test } from 'vitest';

import { buy, documents, startShop } from './story.ts';

test('urql buys over HTTP and follows over a WebSocket', async () => {
  await using shop = await startShop();
  const socket = shop.socket();
  const client = new Client({
    url: `${shop.gateway.url}/graphql`,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe<Record<string, any>>(
              { query, variables },
              {
                next: ({ data = null, errors }) =>
                  sink.next({ data, ...(errors && { errors: [...errors] }) }),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
  await buy({
    mutate: async (step, variables) => {
      const { data, error } = await client.mutation(documents[step], variables).toPromise();
      if (error !== undefined) throw error;
      return data;
    },
    follow: (variables) =>
      new Promise((resolve, reject) => {
        const seen: Record<string, any>[] = [];
        client.subscription(documents.follow, variables).subscribe(({ data, error, hasNext }) => {
          if (error !== undefined) reject(error);
          // Once more at the end, which is no news.
          if (!hasNext) resolve(seen);
          else if (data) seen.push(data);
        });
      }),
  });
});
