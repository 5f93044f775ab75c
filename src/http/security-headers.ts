import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Of the page's one script; made anew for each page. */
const nonces = new WeakMap<IncomingMessage, string>();

/**
 * What every answer carries. Nothing may be framed, guessed at, kept by a cache or read by another site's page beyond
 * what CORS allows; answers that are data may load nothing at all.
 */
export function dataHeaders(hstsMaxAge: number): Readonly<Record<string, string>> {
  return {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
    vary: 'Origin',
    ...(hstsMaxAge > 0 && { 'strict-transport-security': `max-age=${hstsMaxAge}; includeSubDomains` }),
  };
}

/** Sets them, and lets a page load what it is made of. */
export function secure(
  request: IncomingMessage,
  response: ServerResponse,
  ofData: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(ofData)) response.setHeader(name, value);
  if (wantsPage(request)) response.setHeader('content-security-policy', pagePolicy(nonceFor(request)));
}

/** Lets the page's script run; undefined where there is no page. */
export function nonceOf(request: IncomingMessage | undefined): string | undefined {
  return request === undefined ? undefined : nonces.get(request);
}

/**
 * GraphiQL: one inline script, which makes its workers of blobs; its editor sets styles on elements, which only
 * unsafe-inline allows. It asks nobody but us.
 */
function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    'font-src data:',
    "connect-src 'self'",
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function wantsPage({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.accept?.includes('text/html') === true;
}

function nonceFor(request: IncomingMessage): string {
  const nonce = randomBytes(16).toString('base64');
  nonces.set(request, nonce);
  return nonce;
}
