import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Authenticator } from '../auth/authenticator.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { Logger } from 'pino';

import type { Health } from './health.ts';
import { isAllowedOrigin } from './origin.ts';
import { isOwnHost } from './own-host.ts';
import { serveWebSockets } from './websocket.ts';
import { GRAPHQL_PATH, type GatewayYoga } from './yoga.ts';

export interface HttpServer {
  /** http://host:port, as it listens. */
  readonly url: string;
  /** Answers 503 on readiness, closes sockets and event streams, and waits for the requests under way. */
  close(deadlineMs: number): Promise<void>;
}

export interface HttpServerOptions {
  readonly yoga: GatewayYoga;
  readonly health: Health;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly allowedOrigins: readonly string[];
  readonly authenticator: Authenticator;
  /** Without it, requests for a host that is not loopback are refused. */
  readonly authenticates: boolean;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly log: Pick<Logger, 'info'>;
}

/** Listens, or throws an Error whose message says why it can't. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { yoga, health, host, port, allowedOrigins, authenticates } = options;
  const streams = new Set<ServerResponse>();
  let closing: Promise<void> | undefined;
  const server = createServer((request, response) => {
    // A connection that becomes idle while we close would otherwise hold us until its keep-alive time is over.
    response.once('close', () => setImmediate(() => closing && server.closeIdleConnections()));
    const path = request.url?.split('?', 1)[0];
    if (path === GRAPHQL_PATH) {
      if (!authenticates && !isOwnHost(request, allowedOrigins)) refuseHost(response);
      else if (!isAllowedOrigin(request, allowedOrigins)) refuseOrigin(response);
      else {
        trackStream(request, response, streams);
        void yoga(request, response);
      }
    } else if (path === '/health/live') health.live(response);
    else if (path === '/health/ready') void health.ready(response);
    else if (path === '/') response.writeHead(302, { location: GRAPHQL_PATH }).end();
    else sendText(response, 404, `There is nothing here. GraphQL is at ${GRAPHQL_PATH}.`);
  });
  await listen(server, host, port);
  const sockets = serveWebSockets(server, options);

  const close = async (deadlineMs: number) => {
    health.shutDown();
    await sockets.dispose();
    // Cut off, not completed: a client must see a lost connection and resume, not a subscription that has ended.
    for (const stream of streams) stream.destroy();
    const drained = new Promise<void>((resolve) => server.close(() => resolve()));
    const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs);
    server.closeIdleConnections();
    await drained;
    clearTimeout(deadline);
  };
  return {
    url: addressOf(server, host),
    close: (deadlineMs) => (closing ??= close(deadlineMs)),
  };
}

function trackStream(request: IncomingMessage, response: ServerResponse, streams: Set<ServerResponse>): void {
  if (request.headers.accept?.includes('text/event-stream') !== true) return;
  streams.add(response);
  response.once('close', () => streams.delete(response));
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new Error(`cannot listen on ${host}:${port}: ${reasons[error.code ?? ''] ?? error.message}`));
    });
    server.listen(port, host, resolve);
  });
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; stop the other program or set PORT',
  EACCES: 'not allowed; set PORT to one above 1023',
  EADDRNOTAVAIL: 'this machine has no such address; set HOST',
};

function addressOf(server: Server, host: string): string {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

function refuseHost(response: ServerResponse): void {
  sendText(
    response,
    421,
    'Without authentication the gateway answers only to loopback names: use http://127.0.0.1 or http://localhost with its port, have your proxy send such a Host, or add the origin to ALLOWED_ORIGINS.',
  );
}

function refuseOrigin(response: ServerResponse): void {
  sendText(
    response,
    403,
    'Pages of this origin may not call the gateway. Add the origin to ALLOWED_ORIGINS.',
  );
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
