import { setMaxListeners } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';

import { GraphQLError, type DocumentNode, type ExecutionArgs, type GraphQLSchema } from 'graphql';
import type { OperationResult } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { isAsyncIterable } from 'graphql-yoga';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';

import { isRefusal, type Admission, type Authenticator } from '../auth/authenticator.ts';
import { watch } from '../auth/watch.ts';
import type { Runtime } from '../purchases/runtime.ts';
import { authorizationOf, isGuess } from './authentication.ts';
import type { ClientAddress } from './client-address.ts';
import { authorizationIn } from './connection-params.ts';
import { Delivery, payloadOf, withoutHttp } from './delivery.ts';
import { GatewaySocket, type TrafficLimits } from './gateway-socket.ts';
import { isAllowedOrigin } from './origin.ts';
import { isOwnHost } from './own-host.ts';
import { operationText, type PersistedOperations } from './persisted-operations.ts';
import type { Rates } from './rates.ts';
import { answersTo } from './shared-execution.ts';
import { GRAPHQL_PATH, type GatewayYoga } from './yoga.ts';

/** How often it is looked which sockets are to be pinged: for all of them at once, where graphql-ws has a timer for each. */
const BEAT_MS = 1_000;
const NORMAL_CLOSURE = 1000;
/** How long a client may take to answer that its socket closes. */
const CLOSING_MS = 1_000;

export interface SocketLimits extends TrafficLimits {
  readonly messageBytes: number;
  /** In all, and of one address. */
  readonly sockets: number;
  readonly socketsPerAddress: number;
  /** Operations of any kind that run at a time on a socket. */
  readonly subscriptionsPerSocket: number;
  /** By then a client has sent `connection_init`. */
  readonly initTimeoutMs: number;
  /** How long a socket may be without an operation. */
  readonly idleTimeoutMs: number;
}

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

export interface SocketOptions {
  readonly yoga: GatewayYoga;
  readonly allowedOrigins: readonly string[];
  readonly authenticator: Authenticator;
  /** Without it, requests for a host that is not loopback are refused. */
  readonly authenticates: boolean;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly log: Pick<Logger, 'info'>;
  readonly limits: SocketLimits;
  readonly rates: Rates;
  readonly persisted: PersistedOperations;
  readonly clientAddressOf: ClientAddress;
}

interface Extra extends Record<PropertyKey, unknown> {
  /** Once the connection was acknowledged. */
  admission?: Admission;
}

/**
 * GraphQL over WebSocket (graphql-ws) on Yoga's engine. Who calls is told by the connection's parameters, or by the
 * Authorization header of its handshake. Disposing it closes every socket with 1001, and
 * cuts off who does not answer to that in time.
 */
export function serveWebSockets(
  server: Server,
  options: SocketOptions,
): { count: () => number; dispose: (withinMs: number) => Promise<void> } {
  const { yoga, allowedOrigins, authenticator, authenticates, runtime, log } = options;
  const { limits, rates, persisted, clientAddressOf } = options;
  const perAddress = new Map<string, number>();
  const signals = new WeakMap<WebSocket, AbortSignal>();
  const refusalOf = (request: IncomingMessage): [status: number, reason: string] | undefined => {
    if (!authenticates && !isOwnHost(request, allowedOrigins)) return [421, 'Not a host of ours'];
    if (!isAllowedOrigin(request, allowedOrigins)) return [403, 'Origin not allowed'];
    const address = clientAddressOf(request);
    if (rates.shutOutFor(address) > 0) return [429, 'Too many refused credentials'];
    if (sockets.clients.size >= limits.sockets) return [503, 'Too many sockets'];
    if ((perAddress.get(address) ?? 0) >= limits.socketsPerAddress) return [429, 'Too many sockets'];
    return undefined;
  };
  const sockets = new WebSocketServer({
    server,
    path: GRAPHQL_PATH,
    maxPayload: limits.messageBytes,
    perMessageDeflate: false,
    WebSocket: GatewaySocket,
    verifyClient: (
      { req }: { req: IncomingMessage },
      done: (allowed: boolean, ...why: [number?, string?]) => void,
    ) => {
      const refusal = refusalOf(req);
      if (refusal === undefined) done(true);
      else done(false, ...refusal);
    },
  });
  // Before graphql-ws's own listener, so that it hears nothing more of a flood.
  sockets.on('connection', (socket, request) => {
    const address = clientAddressOf(request);
    perAddress.set(address, (perAddress.get(address) ?? 0) + 1);
    // One for all of a socket's operations: a listener for each would stay until the socket closes.
    const closed = new AbortController();
    setMaxListeners(0, closed.signal);
    signals.set(socket, closed.signal);
    socket.once('close', () => {
      closed.abort();
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
    socket.limit(limits);
  });
  const idle = new IdleSockets(limits.idleTimeoutMs);
  const engines = new WeakMap<ExecutionArgs, Engine>();
  const disposable = useServer<Record<string, unknown>, Extra>(
    {
      connectionInitWaitTimeout: limits.initTimeoutMs,
      // What went wrong within is nobody's business.
      isProd: true,
      execute: (args) => engineOf(engines, args).execute(args),
      subscribe: (args) => engineOf(engines, args).subscribe(args),
      onConnect: async ({ extra, connectionParams, subscriptions }) => {
        const { socket, request } = extra;
        const given = authorizationIn(connectionParams);
        const admitted = await authenticator.admit(given.length > 0 ? given : authorizationOf(request));
        if (isRefusal(admitted)) {
          if (isGuess(admitted)) void rates.refused(clientAddressOf(request));
          log.info({ ...admitted, transport: 'websocket' }, 'a caller was refused');
          if (admitted.refused === 'unavailable') socket.close(TRY_AGAIN_LATER, 'Try again later');
          else socket.close(FORBIDDEN, 'Forbidden');
          return false;
        }
        extra.admission = admitted;
        // A confirm that has begun goes on, as when the client leaves.
        const stop = watch(admitted, runtime, () => socket.close(FORBIDDEN, 'Forbidden'));
        // One that has closed meanwhile tells so no more.
        if (socket.readyState === socket.OPEN) {
          idle.watch(socket, subscriptions);
          socket.once('close', stop);
        } else stop();
        return true;
      },
      onOperation: ({ extra: { socket } }, id, _params, args, result) => {
        if (!isAsyncIterable(result) || !(socket instanceof GatewaySocket)) return undefined;
        const whole = result[Symbol.asyncIterator]();
        return new Delivery(answersTo(args) ?? whole, whole, { socket, id });
      },
      onNext: (_context, _id, _params, _args, result) => payloadOf(result),
      onError: (_context, _id, _params, errors) => errors.map(withoutHttp),
      onSubscribe: async ({ extra, subscriptions }, _id, params) => {
        const { admission } = extra;
        if (admission === undefined) throw new Error('an operation came before anybody was let in');
        if (Object.keys(subscriptions).length > limits.subscriptionsPerSocket)
          return [tooMany(limits.subscriptionsPerSocket)];
        const enveloped: Enveloped = yoga.getEnveloped({
          req: extra.request,
          admission,
          socketSignal: signals.get(extra.socket) ?? AbortSignal.abort(),
          params,
        });
        const { schema, execute, subscribe, contextFactory, parse, validate } = enveloped;
        try {
          const args: ExecutionArgs = {
            schema,
            operationName: params.operationName,
            document: parse(textOf(params, persisted)),
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
    0,
  );
  // The HTTP server's own, which http-server.ts logs: at the first graphql-ws closes every socket, and hears no second one,
  // which then ends the process.
  sockets.removeAllListeners('error').on('error', () => undefined);
  const beating = setInterval(() => {
    const now = performance.now();
    for (const socket of sockets.clients) socket.beat(now);
  }, BEAT_MS).unref();
  return {
    count: () => sockets.clients.size,
    dispose: async (withinMs) => {
      idle.stop();
      clearInterval(beating);
      // Each is sent the closing handshake; a client that does not answer it is cut off.
      const cut = setTimeout(
        () => {
          for (const client of sockets.clients) client.terminate();
        },
        Math.min(CLOSING_MS, withinMs),
      );
      await disposable.dispose();
      clearTimeout(cut);
    },
  };
}

function engineOf(engines: WeakMap<ExecutionArgs, Engine>, args: ExecutionArgs): Engine {
  const engine = engines.get(args);
  if (engine === undefined) throw new Error('an operation was executed that was not subscribed');
  return engine;
}

function textOf(params: object, persisted: PersistedOperations): string {
  const text = operationText(params, persisted);
  if (typeof text === 'string' && text !== '') return text;
  throw new GraphQLError('There is no operation: send its text as `query`.', {
    extensions: { code: 'BAD_REQUEST' },
  });
}

function tooMany(allowed: number): GraphQLError {
  return new GraphQLError(
    `This socket has ${allowed} operations under way, and no more are allowed at a time (LIMIT_SUBSCRIPTIONS_PER_SOCKET). End one first.`,
    { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS', allowed } },
  );
}

/** How many times it is looked for idle sockets within their time-out. */
const LOOKS = 4;

/** Closes sockets that have had no operation for a while; one look at all of them instead of a timer for each. */
class IdleSockets {
  readonly #watched = new Map<WebSocket, { operations: object; since: number }>();
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const [socket, one] of this.#watched) {
        if (Object.keys(one.operations).length > 0) one.since = now;
        else if (now - one.since >= timeoutMs) socket.close(NORMAL_CLOSURE, 'Idle');
      }
    }, timeoutMs / LOOKS).unref();
  }

  watch(socket: WebSocket, operations: object): void {
    this.#watched.set(socket, { operations, since: performance.now() });
    socket.once('close', () => this.#watched.delete(socket));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
