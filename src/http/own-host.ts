import type { IncomingMessage } from 'node:http';

/**
 * Whether a request means us: without authentication only who reaches a loopback address may call, and a browser can be
 * led to one by a name of a foreign page (DNS rebinding). Then the Host is that name. A proxy's own name is one of
 * ALLOWED_ORIGINS.
 */
export function isOwnHost({ headers }: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { host } = headers;
  if (host === undefined || !URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  if (/^(localhost|\[::1\]|127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(hostname)) return true;
  return allowedOrigins.some((origin) => new URL(origin).host === host);
}
