import { createServer, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

import { Transport, type Exchange, type UpstreamCall } from '../../src/datasources/transport.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import type { Runtime } from '../../src/purchases/runtime.ts';

/** A TCP server that does with each request, or already with each connection, what the test wants. */
export async function listen(
  onRequest: (socket: Socket, request: string) => void,
  onConnection: (socket: Socket) => void = () => undefined,
) {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      requests.push(data.toString());
      onRequest(socket, data.toString());
    });
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { origin: `http://127.0.0.1:${port}`, requests, server, sockets };
}

interface More {
  readonly connections?: number;
  readonly maxAnswerBytes?: number;
  readonly runtime?: Runtime;
}

export function connect(origin: string, more: More = {}) {
  const seen: UpstreamCall[] = [];
  const options = { origin, surface: 'V1', runtime: systemRuntime(), ...more } as const;
  const transport = new Transport({ ...options, observe: (one) => void seen.push(one) });
  onTestFinished(() => transport.close());
  return { transport, seen };
}

export const exchange = (more: Partial<Exchange> = {}): Exchange => ({
  ...{ endpoint: 'confirm', method: 'POST', path: '/x', requestId: 'request-1', timeoutMs: 5_000 },
  ...{ body: '{"a":1}', accessToken: 'secret-token' },
  ...more,
});

/** An answer whose body is these bytes. */
export const bytesAnswer = (body: Uint8Array, headers = '') =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${headers}\r\n`), body]);

export const answer = (body: string, headers = '') =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
