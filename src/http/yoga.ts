import type { DocumentNode, ExecutionResult } from 'graphql';
import { createYoga, type GraphiQLOptions, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';

import type { Authenticator } from '../auth/authenticator.ts';
import type { Caller } from '../auth/caller.ts';
import type { Leaving } from '../purchases/leaving.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { Domain } from '../schema/context.ts';
import { toGraphQLError } from '../schema/errors.ts';
import { schema } from '../schema/index.ts';
import { authentication, type AdmittedContext, type RefusedContext } from './authentication.ts';
import { hiddenSchema } from './discovery.ts';
import { compiling } from './compiled-execution.ts';
import { corsFor } from './cors.ts';
import { hasLeft } from './failure-code.ts';
import { graphiqlOptions, ownPage } from './graphiql.ts';
import { internalErrors } from './internal-errors.ts';
import { jsonOnly } from './json-only.ts';
import { KnownOperations, type OperationParams } from './known-operations.ts';
import { operationLimits, type OperationLimits } from './operation-limits.ts';
import { operationLog } from './operation-log.ts';
import { persistedOperations, type PersistedOperations } from './persisted-operations.ts';
import { rateLimit, type Rates, type SetHeader } from './rates.ts';
import { createRequestContext, type RequestContext } from './request-context.ts';
import type { SharedAnswerOptions } from './shared-answer.ts';
import { sharedExecution } from './shared-execution.ts';
import { sharedQueries } from './shared-queries.ts';
import { endUnsendable } from './unsendable.ts';
import { nonceOf } from './security-headers.ts';
import { subscriptionLimit } from './subscription-limit.ts';

export const GRAPHQL_PATH = '/graphql';
export interface NodeContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** What the WebSocket entrance gives to the same engine. */
export interface SocketContext {
  readonly socketSignal: AbortSignal;
}

type ServerContext = Partial<NodeContext & SocketContext & AdmittedContext & RefusedContext & WrittenContext>;
export type GatewayYoga = YogaServerInstance<ServerContext, RequestContext>;

/** What is given along by whoever writes the response. */
interface WrittenContext {
  readonly setHeader: SetHeader;
}

/** Of a request that Yoga has no part in. */
export type DirectContext = Pick<NodeContext, 'req'> &
  AdmittedContext &
  WrittenContext & { readonly signal: Leaving };

export interface Engine {
  readonly yoga: GatewayYoga;
  /** What Yoga would answer to an operation that it has executed before; undefined when it has not. */
  readonly executeKnown: (
    text: string,
    params: OperationParams,
    given: DirectContext,
  ) => Promise<ExecutionResult> | undefined;
}

export function createEngine(options: {
  /** The caller's part of the domain; throws a `GraphQLError` when there is none. */
  domainOf: (caller: Caller) => Domain;
  log: Logger;
  newId: () => string;
  allowedOrigins: readonly string[];
  authenticator: Authenticator;
  runtime: Pick<Runtime, 'now' | 'sleep' | 'monotonic' | 'turn'>;
  /** Whether those who ask the same at the same time share an answer. */
  coalescing: boolean;
  /** Whether callers show who they are; without it whoever reaches us may do everything. */
  authenticates: boolean;
  discovery: { readonly introspection: boolean; readonly graphiql: boolean };
  limits: { operation: OperationLimits; subscriptionsPerCaller: number };
  rates: Rates;
  persisted: PersistedOperations;
  /** Of whoever watches; after all others. */
  plugins?: readonly Plugin<RequestContext & Partial<NodeContext>>[];
}): Engine {
  const { domainOf, log, newId, allowedOrigins, authenticator, runtime, authenticates, discovery } = options;
  const { limits, rates, persisted } = options;
  const contextOf = (
    { req, res, admission, setHeader = headerSetter(res) }: ServerContext,
    signal: Leaving,
    transport: RequestContext['transport'],
  ) => {
    if (admission === undefined) throw new Error('nobody was let in');
    const requestId = requestIdOf(req) ?? newId();
    setHeader('x-request-id', requestId);
    const { caller } = admission;
    return createRequestContext(
      { signal, transport, caller, domain: domainOf(caller), requestId, setHeader },
      rates,
    );
  };
  const maskError = (error: unknown) => {
    const masked = toGraphQLError(error);
    // What is masked already was logged then.
    if (masked !== error && masked.extensions['code'] === 'INTERNAL' && !hasLeft(error))
      log.error({ err: error }, 'an operation failed unexpectedly');
    return masked;
  };
  const run = compiling();
  const shared: SharedAnswerOptions = {
    ...{ execute: run, maskError },
    contextFor: ({ domain, transport }, on) =>
      createRequestContext({ domain, transport, setHeader: () => undefined, ...on }, rates),
  };
  const known = new KnownOperations();
  const yoga = createYoga<ServerContext, RequestContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request, socketSignal, ...given }) =>
      contextOf(given, socketSignal ?? request.signal, socketSignal === undefined ? 'http' : 'websocket'),
    maskedErrors: { maskError },
    graphiql:
      discovery.graphiql &&
      ((_request, server) => ({ ...graphiqlOptions(newId(), authenticates), nonce: nonceOf(server?.req) })),
    renderGraphiQL: async ({ nonce, ...page }: GraphiQLOptions & { nonce?: string }) => {
      // Megabytes of text, for those who open the page only.
      const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
      return ownPage(renderGraphiQL(page), nonce);
    },
    landingPage: false,
    cors: allowedOrigins.length === 0 ? false : corsFor(allowedOrigins),
    multipart: false,
    // http-server.ts has bounded it before.
    maxRequestBodySize: false,
    // One operation a request: each is counted, limited and logged by itself.
    batching: false,
    extraParamNames: ['documentId'],
    parserAndValidationCache: known.cache,
    logging: false,
    plugins: [
      known.plugin(),
      sharedQueries({ runtime, coalescing: options.coalescing, ...shared }),
      sharedExecution({ newId, ...shared }),
      internalErrors(log),
      // Before all that looks at what was sent.
      authentication({ authenticator, graphiql: discovery.graphiql, runtime, log }),
      // Before jsonOnly, which answers what Yoga cannot.
      endUnsendable(),
      jsonOnly(),
      ...(discovery.introspection ? [] : [hiddenSchema()]),
      persistedOperations(persisted),
      // Before the limits: who sends what is refused is counted too. What the limits refuse is logged.
      operationLog(log),
      rateLimit(rates),
      operationLimits(limits.operation),
      subscriptionLimit(limits.subscriptionsPerCaller),
      ...(options.plugins ?? []),
    ],
  });
  const executeKnown = async (
    document: DocumentNode,
    params: OperationParams,
    given: DirectContext,
  ): Promise<ExecutionResult> => {
    try {
      const { req, admission, signal } = given;
      const context = contextOf(given, signal, 'http');
      return await known.execute(document, params, { req, admission, ...context });
    } catch (error) {
      return { errors: [maskError(error)] };
    }
  };
  return {
    yoga,
    executeKnown: (text, params, given) => {
      const document = known.documentOf(text, params.operationName);
      return document && executeKnown(document, params, given);
    },
  };
}

function headerSetter(response: ServerResponse | undefined): SetHeader {
  return (name, value) => {
    if (response !== undefined && !response.headersSent) response.setHeader(name, value);
  };
}

/** The client's own X-Request-Id where it is one that may be logged. */
function requestIdOf(request: IncomingMessage | undefined): string | undefined {
  const id = request?.headers['x-request-id'];
  return typeof id === 'string' && /^[\w.:-]{1,128}$/.test(id) ? id : undefined;
}
