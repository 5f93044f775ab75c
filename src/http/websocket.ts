import { GraphQLError, type DocumentNode, type ExecutionArgs, type GraphQLSchema } from 'graphql';
import type { OperationResult } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';

import { isRefusal, type Admission, type Authenticator } from '../auth/authenticator.ts';
import { watch } from '../auth/watch.ts';
import type { Runtime } from '../purchases/runtime.ts';
import { authorizationOf } from './authentication.ts';
import { authorizationIn } from './connection-params.ts';
import { isAllowedOrigin } from './origin.ts';
import { isOwnHost } from './own-host.ts';
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

/** What graphql-ws's clients take for a reason to connect again, with a fresh token. */
const FORBIDDEN = 4403;
const TRY_AGAIN_LATER = 1013;

export interface WebSocketOptions {
  readonly yoga: GatewayYoga;
  readonly allowedOrigins: readonly string[];
  readonly authenticator: Authenticator;
  readonly authenticates: boolean;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly log: Pick<Logger, 'info'>;
}

interface Extra extends Record<PropertyKey, unknown> {
  /** Once the connection was acknowledged. */
  admission?: Admission;
}

/**
 * GraphQL over WebSocket (graphql-ws) on Yoga's engine. Who calls is told by the connection's parameters, or by the
 * Authorization header of its handshake. Disposing it closes every socket with 1001.
 */
export function serveWebSockets(server: Server, options: WebSocketOptions): { dispose: () => Promise<void> } {
  const { yoga, allowedOrigins, authenticator, authenticates, runtime, log } = options;
  const sockets = new WebSocketServer({
    server,
    path: GRAPHQL_PATH,
    maxPayload: MAX_MESSAGE_BYTES,
    verifyClient: ({ req }: { req: Parameters<typeof isAllowedOrigin>[0] }) =>
      (authenticates || isOwnHost(req, allowedOrigins)) && isAllowedOrigin(req, allowedOrigins),
  });
  const engines = new WeakMap<ExecutionArgs, Engine>();
  const disposable = useServer<Record<string, unknown>, Extra>(
    {
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      execute: (args) => engineOf(engines, args).execute(args),
      subscribe: (args) => engineOf(engines, args).subscribe(args),
      onConnect: async ({ extra, connectionParams }) => {
        const { socket, request } = extra;
        const given = authorizationIn(connectionParams);
        const admitted = await authenticator.admit(given.length > 0 ? given : authorizationOf(request));
        if (isRefusal(admitted)) {
          log.info({ ...admitted, transport: 'websocket' }, 'a caller was refused');
          if (admitted.refused === 'unavailable') socket.close(TRY_AGAIN_LATER, 'Try again later');
          else socket.close(FORBIDDEN, 'Forbidden');
          return false;
        }
        extra.admission = admitted;
        // A confirm that has begun goes on, as when the client leaves.
        const stop = watch(admitted, runtime, () => socket.close(FORBIDDEN, 'Forbidden'));
        if (socket.readyState === socket.OPEN) socket.once('close', stop);
        else stop();
        return true;
      },
      onSubscribe: async ({ extra }, _id, params) => {
        const { admission } = extra;
        if (admission === undefined) throw new Error('an operation came before anybody was let in');
        const closed = new AbortController();
        extra.socket.once('close', () => closed.abort());
        const enveloped: Enveloped = yoga.getEnveloped({
          req: extra.request,
          socketSignal: closed.signal,
          admission,
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
