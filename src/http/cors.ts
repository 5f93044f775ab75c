import type { CORSOptions } from 'graphql-yoga';

/** What pages of other sites may send: also a browser's trace, and by what name Apollo's client calls itself. */
const REQUEST_HEADERS = [
  ...['content-type', 'authorization', 'x-request-id', 'accept'],
  ...['traceparent', 'tracestate'],
  ...['apollographql-client-name', 'apollographql-client-version'],
];
/** What they may read of the answer. */
const RESPONSE_HEADERS = ['x-request-id', 'ratelimit', 'ratelimit-policy', 'retry-after'];
/** Browsers ask again after two hours at the latest whatever is said here. */
const MAX_AGE_S = 7_200;

/**
 * For pages of the allowed origins, each told its own name; never with credentials, for a browser is not to add any of
 * its own accord. Others have been refused before (origin.ts).
 */
export function corsFor(allowedOrigins: readonly string[]): (request: Request) => CORSOptions {
  return (request) => {
    const origin = request.headers.get('origin');
    if (origin === null || !allowedOrigins.includes(origin)) return false;
    return {
      origin,
      credentials: false,
      methods: ['POST', 'GET', 'OPTIONS'],
      allowedHeaders: REQUEST_HEADERS,
      exposedHeaders: RESPONSE_HEADERS,
      maxAge: MAX_AGE_S,
    };
  };
}

/** The same, of an answer that Yoga has no part in. */
export function corsHeaders(
  origin: string | undefined,
  allowedOrigins: readonly string[],
): Readonly<Record<string, string>> {
  if (origin === undefined || !allowedOrigins.includes(origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': RESPONSE_HEADERS.join(', '),
  };
}
