import { GraphQLClient } from 'graphql-request';
import { test } from 'vitest';

import { subscribe } from '../support/stack.ts';
import { buy, documents, startShop } from './story.ts';

test('graphql-request buys over HTTP, and graphql-ws follows beside it', async () => {
  await using shop = await startShop();
  const client = new GraphQLClient(`${shop.gateway.url}/graphql`);
  await buy({
    mutate: (step, variables) => client.request<Record<string, any>>(documents[step], variables),
    follow: async (variables) => {
      const { results, done } = subscribe(shop.socket(), documents.follow, variables);
      await done;
      return results.map(({ data }) => data);
    },
  });
});
