// Mercurius with its just-in-time compiler, from the first request.
import fastify from 'fastify';
import mercurius from 'mercurius';

import { resolvers, typeDefs, type PeerContext } from './schema.ts';
import { listening, openRecord, pooled } from './upstream.ts';

const [upstream, journal] = [await pooled(), await openRecord()];
const app = fastify();
await app.register(mercurius.default, {
  schema: typeDefs,
  resolvers: resolvers as never,
  context: (): PeerContext => ({ upstream, journal }),
  jit: 1,
});
listening(await app.listen({ port: 0, host: '127.0.0.1' }));
