import type { IncomingMessage } from 'node:http';

/**
 * Whether a page of this origin may call us: our own pages and those that ALLOWED_ORIGINS names. A request without an
 * Origin header comes from no page. A browser sends WebSocket handshakes and simple requests to any address it knows of,
 * 127.0.0.1 included, so that without this check any site a developer visits could buy.
 */
export function isAllowedOrigin(request: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (allowedOrigins.includes(origin)) return true;
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host;
}
