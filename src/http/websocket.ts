import { GraphQLError, type DocumentNode, type ExecutionArgs, type GraphQLSchema } from 'graphql';
import type { OperationResult } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';

import { isAllowedOrigin } from './origin.ts';
import { GRAPHQL_PATH, type GatewayYoga } from './yoga.ts';

const MAX_MESSAGE_BYTES = 1_000_000;
/** Proxies close what is idle for a minute. */
const KEEP_ALIVE_MS = 12_000;
const INIT_TIMEOUT_MS = 5_000;

interface Engine {
  readonly execute: (args: ExecutionArgs) => OperationResult;
  readonly subscribe: (args: ExecutionArgs) => OperationResult;
}

/** Yoga's engine with all plugins, as typed here: Envelop leaves it at `any`. */
interface Enveloped extends Engine {
  readonly schema: GraphQLSchema;
  readonly parse: (query: string) => DocumentNode;
  readonly validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[];
  readonly contextFactory: () => unknown;
}

/** GraphQL over WebSocket (graphql-ws) on Yoga's engine. Disposing it closes every socket with 1001. */
export function serveWebSockets(
  server: Server,
  yoga: GatewayYoga,
  allowedOrigins: readonly string[],
): { dispose: () => Promise<void> } {
  const sockets = new WebSocketServer({
    server,
    path: GRAPHQL_PATH,
    maxPayload: MAX_MESSAGE_BYTES,
    verifyClient: ({ req }: { req: Parameters<typeof isAllowedOrigin>[0] }) =>
      isAllowedOrigin(req, allowedOrigins),
  });
  const engines = new WeakMap<ExecutionArgs, Engine>();
  const disposable = useServer(
    {
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      execute: (args) => engineOf(engines, args).execute(args),
      subscribe: (args) => engineOf(engines, args).subscribe(args),
      onSubscribe: async ({ extra }, _id, params) => {
        const closed = new AbortController();
        extra.socket.once('close', () => closed.abort());
        const enveloped: Enveloped = yoga.getEnveloped({
          req: extra.request,
          socketSignal: closed.signal,
          params,
        });
        const { schema, execute, subscribe, contextFactory, parse, validate } = enveloped;
        try {
          const args: ExecutionArgs = {
            schema,
            operationName: params.operationName,
            document: parse(params.query),
            variableValues: params.variables,
            contextValue: await contextFactory(),
          };
          const errors = validate(args.schema, args.document);
          if (errors.length > 0) return errors;
          engines.set(args, { execute, subscribe });
          return args;
        } catch (error) {
          // Thrown on, it would close the socket for its siblings too (4500).
          if (error instanceof GraphQLError) return [error];
          throw error;
        }
      },
    },
    sockets,
    KEEP_ALIVE_MS,
  );
  return {
    dispose: async () => {
      await disposable.dispose();
      // dispose() sends the closing handshake; a client that does not answer it is cut off.
      for (const client of sockets.clients) client.terminate();
    },
  };
}

function engineOf(engines: WeakMap<ExecutionArgs, Engine>, args: ExecutionArgs): Engine {
  const engine = engines.get(args);
  if (engine === undefined) throw new Error('an operation was executed that was not subscribed');
  return engine;
}
