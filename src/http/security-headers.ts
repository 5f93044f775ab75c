import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Of the page's one script; made anew for each page. */
const nonces = new WeakMap<IncomingMessage, string>();

/**
 * What every answer carries. Nothing may be framed, guessed at, kept by a cache or read by another site's page beyond
 * what CORS allows; answers that are data may load nothing at all.
 */
export function securityHeaders(
  request: IncomingMessage,
  response: ServerResponse,
  hstsMaxAge: number,
): void {
  const nonce = wantsPage(request) ? nonceFor(request) : undefined;
  const headers: Record<string, string> = {
    'content-security-policy': nonce === undefined ? DATA_POLICY : pagePolicy(nonce),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
    vary: 'Origin',
  };
  if (hstsMaxAge > 0) headers['strict-transport-security'] = `max-age=${hstsMaxAge}; includeSubDomains`;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

/** Lets the page's script run; undefined where there is no page. */
export function nonceOf(request: IncomingMessage | undefined): string | undefined {
  return request === undefined ? undefined : nonces.get(request);
}

const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

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
