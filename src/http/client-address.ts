import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

/** Tells whom a request comes from, for limits per address. */
export type ClientAddress = (request: IncomingMessage) => string;

/**
 * With `proxies` in front, each of which adds to X-Forwarded-For, the address that the outermost of them saw; the header
 * of anybody else is not believed. Of IPv6 the /64, which is what one client is given.
 */
export function clientAddress(proxies: number): ClientAddress {
  const known = new WeakMap<Socket, string>();
  const direct = ({ socket }: IncomingMessage): string => {
    const address = known.get(socket) ?? networkOf(socket.remoteAddress ?? '');
    known.set(socket, address);
    return address;
  };
  if (proxies === 0) return direct;
  return (request) => {
    try {
      return networkOf(proxyAddr(request, (_address, hop) => hop < proxies));
    } catch {
      return networkOf(request.socket.remoteAddress ?? '');
    }
  };
}

function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
