// Apollo Server with its own data source, as its guide shows them.
import { RESTDataSource, type AugmentedRequest } from '@apollo/datasource-rest';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

import { resolvers, typeDefs, type PeerContext, type Upstream } from './schema.ts';
import { logIn } from '../sandbox.ts';
import { baseUrl, listening, openRecord } from './upstream.ts';

const [token, journal] = [await logIn(process.env), await openRecord()];

class ScratchPower extends RESTDataSource implements Upstream {
  override baseURL = `${baseUrl}/`;
  override willSendRequest(_path: string, request: AugmentedRequest) {
    request.headers['authorization'] = `Bearer ${token}`;
  }
  override get(path: string): Promise<any> {
    return super.get(path.slice(1));
  }
  override post(path: string, body: object): Promise<any> {
    return super.post(path.slice(1), { body });
  }
}

const server = new ApolloServer<PeerContext>({ typeDefs, resolvers });
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: '127.0.0.1' },
  context: () => Promise.resolve({ upstream: new ScratchPower({ cache: server.cache }), journal }),
});
listening(url);
