import type { IncomingMessage } from 'node:http';

import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';

import { isRefusal, type Admission, type Authenticator, type Refusal } from '../auth/authenticator.ts';
import { watch } from '../auth/watch.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { NodeContext } from './yoga.ts';

/** Who was let in; whoever reads it must find it. */
export interface AdmittedContext {
  admission: Admission;
}

/** Told when a request has credentials that are none, whether or not its client waits for the answer. */
export interface RefusedContext {
  readonly onRefused: () => void;
}

export interface AuthenticationOptions {
  readonly authenticator: Authenticator;
  /** Whether the playground's page, which holds nothing, is given to whoever asks. */
  readonly graphiql: boolean;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly log: Pick<Logger, 'info'>;
}

/** The status, and the code by which the refusal is told in a GraphQL answer. */
const ANSWERS = {
  missing: { status: 401, code: 'UNAUTHENTICATED', error: undefined },
  malformed: { status: 400, code: 'UNAUTHENTICATED', error: 'invalid_request' },
  invalid: { status: 401, code: 'UNAUTHENTICATED', error: 'invalid_token' },
  unavailable: { status: 503, code: 'UNAVAILABLE', error: undefined },
} as const satisfies Record<Refusal['refused'], object>;
const RETRY_AFTER_SECONDS = 5;

/**
 * Lets nobody in who does not belong, before a byte of the request's body is read: the first of the plugins. Ends event
 * streams that would outlive their token; they are cut off, so that the client comes again.
 */
export function authentication({
  authenticator,
  graphiql,
  runtime,
  log,
}: AuthenticationOptions): Plugin<object, Partial<NodeContext & AdmittedContext & RefusedContext>> {
  return {
    async onRequest(event) {
      const { request, serverContext, fetchAPI } = event;
      // Carries nothing and is answered with what may be sent at all.
      if (request.method === 'OPTIONS') return;
      const { req } = serverContext;
      if (graphiql && isPageRequest(request)) return;
      const admitted = await authenticator.admit(authorizationOf(req));
      if (isRefusal(admitted)) {
        if (isGuess(admitted)) serverContext.onRefused?.();
        log.info({ ...admitted, transport: 'http' }, 'a caller was refused');
        const { status, headers, body } = answerTo(admitted, request.headers.get('accept') ?? '');
        event.endResponse(new fetchAPI.Response(body, { status, headers }));
        return;
      }
      serverContext.admission = admitted;
    },
    onResultProcess({ result, serverContext }) {
      const { admission, res } = serverContext;
      // In whatever way it is sent: server-sent events, multipart.
      if (res === undefined || admission === undefined || !isAsyncIterable(result)) return;
      res.once(
        'close',
        watch(admission, runtime, () => res.destroy()),
      );
    },
  };
}

/** Credentials that were given, and were none: whoever gives none guesses nothing (RFC 6750, 3.1). */
export function isGuess({ refused }: Refusal): boolean {
  return refused === 'invalid';
}

/** What Yoga answers with the playground, and never by executing something. */
function isPageRequest({ method, headers }: Request): boolean {
  return method === 'GET' && headers.get('accept')?.includes('text/html') === true;
}

/** All of them: Node gives the first and drops the others silently. */
export function authorizationOf(request: IncomingMessage | undefined): readonly string[] {
  const found: string[] = [];
  const raw = request?.rawHeaders ?? [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]?.length === 'authorization'.length && raw[at]?.toLowerCase() === 'authorization')
      found.push(raw[at + 1] ?? '');
  }
  return found;
}

function answerTo(refusal: Refusal, accept: string) {
  const { status, code, error } = ANSWERS[refusal.refused];
  const type = 'application/graphql-response+json';
  const challenge =
    error === undefined
      ? 'Bearer realm="scratchpower"'
      : `Bearer realm="scratchpower", error="${error}", error_description="${refusal.message}"`;
  const extensions = { code, retryable: code === 'UNAVAILABLE' };
  return {
    status,
    headers: {
      'content-type': `${accept.includes(type) ? type : 'application/json'}; charset=utf-8`,
      'cache-control': 'no-store',
      ...(status === 503
        ? { 'retry-after': String(RETRY_AFTER_SECONDS) }
        : { 'www-authenticate': challenge }),
    },
    body: JSON.stringify({ errors: [{ message: refusal.message, extensions }] }),
  };
}
