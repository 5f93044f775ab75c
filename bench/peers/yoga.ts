// graphql-yoga as it comes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createSchema, createYoga } from 'graphql-yoga';

import { resolvers, typeDefs, type PeerContext } from './schema.ts';
import { listening, openRecord, pooled } from './upstream.ts';

const [upstream, journal] = [await pooled(), await openRecord()];
const yoga = createYoga({
  schema: createSchema<PeerContext>({ typeDefs, resolvers }),
  context: (): PeerContext => ({ upstream, journal }),
  logging: false,
});
const server = createServer((request, response) => void yoga(request, response));
server.listen(0, '127.0.0.1', () => {
  listening(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
