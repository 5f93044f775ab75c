// Mercurius with its own subscriptions, as its guide shows them.
import fastify from 'fastify';
import mercurius from 'mercurius';

import { resolvers, typeDefs, type PeerContext } from './schema.ts';
import { listening, openRecord, pooled } from './upstream.ts';

const [upstream, journal] = [await pooled(), await openRecord()];
const app = fastify();
let position = 0;
await app.register(mercurius.default, {
  schema: `${typeDefs}
    type Subscription {
      purchaseEvents(filter: PurchaseFilter): PurchaseEvent!
    }
    enum PurchaseStatus {
      PENDING
      SUCCEEDED
    }
    input PurchaseFilter {
      status: [PurchaseStatus!]
    }
    type PurchaseEvent {
      cursor: String!
      at: String!
      status: String!
      purchase: Purchase!
    }`,
  resolvers: {
    ...resolvers,
    Mutation: {
      confirmPurchase: async (root: unknown, args: never, context: PeerContext & { pubsub: any }) => {
        const purchase = await resolvers.Mutation.confirmPurchase(root, args, context);
        position += 1;
        const event = {
          ...{ cursor: String(position), at: new Date().toISOString(), status: purchase.status, purchase },
        };
        await context.pubsub.publish({ topic: 'events', payload: { purchaseEvents: event } });
        return purchase;
      },
    },
    Subscription: {
      purchaseEvents: {
        subscribe: (_root: unknown, _args: unknown, { pubsub }: { pubsub: any }) =>
          pubsub.subscribe('events'),
      },
    },
  } as never,
  context: (): PeerContext => ({ upstream, journal }),
  subscription: true,
  jit: 1,
});
listening(await app.listen({ port: 0, host: '127.0.0.1' }));
