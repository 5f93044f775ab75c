import {
  ApolloClient,
  ApolloLink,
  gql,
  HttpLink,
  InMemoryCache,
  type TypedDocumentNode,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { test } from 'vitest';

import { buy, documents, startShop } from './story.ts';

const typed = (text: string): TypedDocumentNode<Record<string, any>, Record<string, any>> => gql(text);

test('Apollo Client buys over HTTP and follows over its WebSocket link', async () => {
  await using shop = await startShop();
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(shop.socket()),
      new HttpLink({ uri: `${shop.gateway.url}/graphql` }),
    ),
    cache: new InMemoryCache({
      possibleTypes: {
        ValidatePurchaseResult: ['Problem', 'Quote'],
        ConfirmPurchaseResult: ['Problem', 'Purchase'],
      },
    }),
  });
  await buy({
    mutate: async (step, variables) =>
      (await client.mutate({ mutation: typed(documents[step]), variables })).data,
    follow: (variables) =>
      new Promise((resolve, reject) => {
        const seen: (Record<string, any> | null | undefined)[] = [];
        client.subscribe({ query: typed(documents.follow), variables }).subscribe({
          next: ({ data }) => void seen.push(data),
          error: reject,
          complete: () => resolve(seen),
        });
      }),
  });
  client.stop();
});
