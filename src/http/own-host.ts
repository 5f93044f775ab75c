import type { IncomingMessage } from 'node:http';

import { hostName } from './host-name.ts';

/**
 * Whether a request means us: without authentication only who reaches a loopback address may call, and a browser can be
 * led to one by a name of a foreign page (DNS rebinding). Then the Host is that name. A proxy's own name is one of
 * ALLOWED_ORIGINS.
 */
export function isOwnHost({ headers }: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { host } = headers;
  const name = hostName(host);
  if (name === undefined) return false;
  if (/^(localhost|\[::1\]|127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(name)) return true;
  return allowedOrigins.some((origin) => new URL(origin).host === host);
}
