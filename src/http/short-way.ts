import type { IncomingMessage, ServerResponse } from 'node:http';

import type { ExecutionResult } from 'graphql';
import { isAsyncIterable, processRegularResult } from 'graphql-yoga';
import type { Logger } from 'pino';

import { isRefusal, type Authenticator } from '../auth/authenticator.ts';
import { acceptedJson } from './accepted-json.ts';
import { textOf } from './answer-text.ts';
import { authorizationOf, isGuess } from './authentication.ts';
import { leaveForYoga, readBody } from './body.ts';
import { corsHeaders } from './cors.ts';
import { Departure } from './departure.ts';
import { INTERNAL_ERROR } from './internal-errors.ts';
import { operationText, type PersistedOperations } from './persisted-operations.ts';
import type { OperationParams } from './known-operations.ts';
import { GRAPHQL_PATH, type Engine, type GatewayYoga } from './yoga.ts';

export interface ShortWayOptions extends Engine {
  readonly authenticator: Authenticator;
  readonly persisted: PersistedOperations;
  readonly allowedOrigins: readonly string[];
  /** That every answer carries. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  readonly log: Pick<Logger, 'error'>;
}

/**
 * What is left to do: nothing, to refuse the body, or all of it by Yoga, which finds a body that was read at `body`; where
 * the credentials are none, to count that too.
 */
export type Served = 'ANSWERED' | 'BODY_TOO_LARGE' | 'NOT_MINE' | 'NOT_LET_IN';

/**
 * Serves what nearly every request is, JSON that is posted and answered at once by JSON, without Yoga's Request, Response
 * and streams between. It is Yoga's engine with all its plugins that does the work. Whatever is not quite so plain (other
 * methods and types, subscriptions, parameters that are none, callers who are refused) is left to Yoga as a whole, so that
 * nothing is decided in two places.
 */
export function shortWay(options: ShortWayOptions) {
  const { yoga, executeKnown, authenticator, persisted, allowedOrigins, bodyBytes, log } = options;
  const everyAnswers = Object.entries(options.headers).flat();
  /** Plugins look at the method and the signal. */
  const seenByPlugins = (signal: AbortSignal) =>
    new yoga.fetchAPI.Request(ANYWHERE, { method: 'POST', signal });
  return async (request: IncomingMessage, response: ServerResponse): Promise<Served> => {
    const type = isPlain(request) ? acceptedJson(request.headers.accept) : undefined;
    if (type === undefined) return 'NOT_MINE';
    const admission = await authenticator.admit(authorizationOf(request));
    if (isRefusal(admission)) return isGuess(admission) ? 'NOT_LET_IN' : 'NOT_MINE';
    const body = await readBody(request, bodyBytes);
    if (body === 'GONE') return 'ANSWERED';
    if (body === 'TOO_LARGE') return 'BODY_TOO_LARGE';
    const operation = operationIn(body, persisted);
    if (operation === undefined) {
      leaveForYoga(request, body);
      return 'NOT_MINE';
    }
    const headers = new FlatHeaders(everyAnswers, corsHeaders(request.headers.origin, allowedOrigins));
    const left = new Departure();
    response.once('close', () => {
      if (!response.writableFinished) left.abort();
    });
    const { text, params } = operation;
    const setHeader = (name: string, value: string) => headers.set(name, value);
    const given = { req: request, setHeader, admission, signal: left };
    try {
      const result = await (executeKnown(text, params, given) ??
        yoga.getResultForParams({ params, request: seenByPlugins(signalOf(left)) }, given));
      await answer(response, headers, result, type, yoga.fetchAPI);
    } catch (error) {
      log.error({ err: error }, 'a request failed unexpectedly');
      send(response, 500, headers, 'application/json', INTERNAL_ERROR);
    }
    return 'ANSWERED';
  };
}

function signalOf(left: Departure): AbortSignal {
  const controller = new AbortController();
  left.addEventListener('abort', () => controller.abort(left.reason));
  return controller.signal;
}

/** Where it came to plugins never ask. */
const ANYWHERE = `http://localhost${GRAPHQL_PATH}`;

function isPlain({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    headers['content-encoding'] === undefined &&
    /^application\/json *(; *charset="?utf-8"?)?$/i.test(headers['content-type'] ?? '')
  );
}

type Params = { -readonly [name in keyof OperationParams]: NonNullable<OperationParams[name]> };

/** A query or a mutation with its parameters, and nothing odd about them. */
function operationIn(
  body: Buffer,
  persisted: PersistedOperations,
): { text: string; params: Params } | undefined {
  const params = parsed(body.toString());
  if (!isObject(params)) return undefined;
  for (const [name, value] of Object.entries(params)) {
    if (KINDS.get(name)?.(value) !== true) return undefined;
  }
  try {
    const text = operationText(params, persisted);
    // The word may stand elsewhere too; then Yoga finds out.
    return typeof text === 'string' && text !== '' && !text.includes('subscription')
      ? { text, params }
      : undefined;
  } catch {
    return undefined;
  }
}

const isText = (value: unknown) => value === null || typeof value === 'string';
const isNone = (value: unknown) => value === null || isObject(value);
/** What each parameter may be. */
const KINDS = new Map<string, (value: unknown) => boolean>([
  ['query', (value) => typeof value === 'string'],
  ['variables', isNone],
  ['operationName', isText],
  ['extensions', isNone],
  ['documentId', isText],
]);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function answer(
  response: ServerResponse,
  headers: FlatHeaders,
  result: ExecutionResult | AsyncIterable<unknown> | undefined,
  type: string,
  fetchAPI: GatewayYoga['fetchAPI'],
): Promise<void> {
  if (result === undefined || isAsyncIterable(result))
    throw new Error('a query or a mutation was answered by a stream');
  if (result.errors === undefined && result.extensions === undefined) {
    send(response, 200, headers, type, textOf(result));
    return;
  }
  // Yoga tells which status and headers errors ask for, and what of them is shown.
  const processed = processRegularResult(result, fetchAPI, type);
  processed.headers.forEach((value, name) => headers.set(name.toLowerCase(), value));
  send(response, processed.status, headers, type, await processed.text());
}

function send(
  response: ServerResponse,
  status: number,
  headers: FlatHeaders,
  type: string,
  text: string,
): void {
  if (response.headersSent || response.destroyed) return;
  const length = Buffer.byteLength(text);
  headers.set('content-type', `${type}; charset=utf-8`);
  headers.set('content-length', String(length));
  // Where each character is one byte, nothing has to be encoded.
  response.writeHead(status, headers.flat()).end(text, length === text.length ? 'latin1' : 'utf8');
}

/** Names and values by turns, as Node writes them at once: to set them one by one costs more than to write them. */
class FlatHeaders {
  readonly #everyAnswers: readonly string[];
  readonly #own: string[] = [];

  constructor(everyAnswers: readonly string[], own: Readonly<Record<string, string>>) {
    this.#everyAnswers = everyAnswers;
    for (const name in own) this.set(name, own[name] ?? '');
  }

  /** `name` in lower case; none of those that every answer carries. */
  set(name: string, value: string): void {
    for (let at = 0; at < this.#own.length; at += 2) {
      if (this.#own[at] !== name) continue;
      this.#own[at + 1] = value;
      return;
    }
    this.#own.push(name, value);
  }

  flat(): string[] {
    return this.#everyAnswers.concat(this.#own);
  }
}
