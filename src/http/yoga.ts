import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';

import type { Authenticator } from '../auth/authenticator.ts';
import type { Caller } from '../auth/caller.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { Domain } from '../schema/context.ts';
import { toGraphQLError } from '../schema/errors.ts';
import { schema } from '../schema/index.ts';
import { authentication, type AdmittedContext } from './authentication.ts';
import { hiddenSchema } from './discovery.ts';
import { graphiqlOptions } from './graphiql.ts';
import { jsonOnly } from './json-only.ts';
import { operationLog } from './operation-log.ts';
import { createRequestContext, type RequestContext } from './request-context.ts';
import { endUnsendable } from './unsendable.ts';

export const GRAPHQL_PATH = '/graphql';
/** A purchase is under 2 kB; a long query with its variables under 100. */
const MAX_BODY_BYTES = 1_000_000;

export interface NodeContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** What the WebSocket entrance gives to the same engine. */
export interface SocketContext {
  readonly socketSignal: AbortSignal;
}

type ServerContext = Partial<NodeContext & SocketContext & AdmittedContext>;
export type GatewayYoga = YogaServerInstance<ServerContext, RequestContext>;

export function createGatewayYoga(options: {
  /** The caller's part of the domain; throws a `GraphQLError` when there is none. */
  domainOf: (caller: Caller) => Domain;
  log: Logger;
  newId: () => string;
  allowedOrigins: readonly string[];
  authenticator: Authenticator;
  runtime: Pick<Runtime, 'now' | 'sleep'>;
  /** Whether callers show who they are; without it whoever reaches us may do everything. */
  authenticates: boolean;
  discovery: { readonly introspection: boolean; readonly graphiql: boolean };
}): GatewayYoga {
  const { domainOf, log, newId, allowedOrigins, authenticator, runtime, authenticates, discovery } = options;
  return createYoga<ServerContext, RequestContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request, req, res, socketSignal, admission }) => {
      if (admission === undefined) throw new Error('nobody was let in');
      const requestId = requestIdOf(req) ?? newId();
      if (res !== undefined && !res.headersSent) res.setHeader('x-request-id', requestId);
      return createRequestContext({
        caller: admission.caller,
        domain: domainOf(admission.caller),
        requestId,
        signal: socketSignal ?? request.signal,
        transport: socketSignal === undefined ? 'http' : 'websocket',
      });
    },
    maskedErrors: {
      maskError: (error) => {
        const masked = toGraphQLError(error);
        if (masked.extensions['code'] === 'INTERNAL')
          log.error({ err: error }, 'an operation failed unexpectedly');
        return masked;
      },
    },
    graphiql: discovery.graphiql && (() => graphiqlOptions(newId(), authenticates)),
    renderGraphiQL,
    landingPage: false,
    cors:
      allowedOrigins.length === 0
        ? false
        : { origin: [...allowedOrigins], methods: ['POST', 'GET', 'OPTIONS'] },
    multipart: false,
    maxRequestBodySize: MAX_BODY_BYTES,
    logging: false,
    plugins: [
      // Before all that looks at what was sent.
      authentication({ authenticator, graphiql: discovery.graphiql, runtime, log }),
      jsonOnly(),
      endUnsendable(),
      ...(discovery.introspection ? [] : [hiddenSchema()]),
      operationLog(log),
    ],
  });
}

/** The client's own X-Request-Id where it is one that may be logged. */
function requestIdOf(request: IncomingMessage | undefined): string | undefined {
  const id = request?.headers['x-request-id'];
  return typeof id === 'string' && /^[\w.:-]{1,128}$/.test(id) ? id : undefined;
}
