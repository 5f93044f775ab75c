import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Logger } from 'pino';

import type { Health } from './health.ts';
import { hostName } from './host-name.ts';
import { isAllowedOrigin } from './origin.ts';
import { isOwnHost } from './own-host.ts';
import { leaveForYoga, readBody } from './body.ts';
import { dataHeaders, secure } from './security-headers.ts';
import { shortWay } from './short-way.ts';
import { serveWebSockets, type SocketLimits, type SocketOptions } from './websocket.ts';
import { GRAPHQL_PATH, type Engine } from './yoga.ts';

export interface HttpServer {
  /** http://host:port, as it listens. */
  readonly url: string;
  /** How many WebSockets are open. */
  sockets(): number;
  /** Answers 503 on readiness, closes sockets and event streams, and waits for the requests under way. */
  close(deadlineMs: number): Promise<void>;
}

export interface HttpServerOptions extends Omit<SocketOptions, 'limits' | 'log'>, Engine {
  readonly log: Pick<Logger, 'info' | 'error'>;
  readonly health: Health;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly limits: { readonly http: HttpLimits; readonly socket: SocketLimits };
  /** Seconds of Strict-Transport-Security; 0 sends none. */
  readonly hstsMaxAge: number;
}

export interface HttpLimits {
  readonly bodyBytes: number;
  /** Of all kinds; who comes on top is cut off. */
  readonly connections: number;
  /** By then a request has arrived, with its headers and its body. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveTimeoutMs: number;
}

/** A token has its place in a header; a cookie or a forged header of megabytes has not. */
const MAX_HEADER_BYTES = 16_384;
/** How often it is looked for connections that have become idle, when all are to end. */
const SWEEP_MS = 10;
/** How often it is looked for requests that do not arrive, in their time-out. */
const CHECKS_PER_TIMEOUT = 4;

/** Listens, or throws an Error whose message says why it can't. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { yoga, health, host, port, allowedOrigins, authenticates, rates, clientAddressOf, log } = options;
  const limits = options.limits.http;
  const streams = new Set<ServerResponse>();
  let closing: Promise<void> | undefined;
  const headers = dataHeaders(options.hstsMaxAge);
  const serveShortly = shortWay({ ...options, headers, bodyBytes: limits.bodyBytes });
  /** Writes why the request is not looked at, if it is not. */
  const refusalOf = (request: IncomingMessage, address: string) => {
    if (!authenticates && !isOwnHost(request, allowedOrigins)) return refuseHost;
    if (!isAllowedOrigin(request, allowedOrigins)) return refuseOrigin;
    const wait = rates.shutOutFor(address);
    if (wait > 0) return (response: ServerResponse) => refuseAddress(response, wait);
    // Node's parser lets no more bytes through than Content-Length announces.
    return Number(request.headers['content-length'] ?? 0) > limits.bodyBytes ? refuseTooLarge : undefined;
  };
  const refuseTooLarge = (response: ServerResponse) => refuseBody(response, limits);
  const serveGraphql = async (request: IncomingMessage, response: ServerResponse) => {
    const address = clientAddressOf(request);
    const refuse = refusalOf(request, address);
    const served = refuse === undefined ? await serveShortly(request, response) : 'NOT_MINE';
    if (served === 'ANSWERED') return;
    // Counted here and not where it is answered: who hangs up before the answer has guessed all the same.
    const countRefused = () => void rates.refused(address);
    if (served === 'NOT_LET_IN') countRefused();
    secure(request, response, headers);
    if (refuse !== undefined) {
      refuse(response);
      return;
    }
    const read = served === 'BODY_TOO_LARGE' ? 'TOO_LARGE' : await readChunks(request, limits);
    if (read === 'GONE') return;
    if (read === 'TOO_LARGE') {
      refuseTooLarge(response);
      return;
    }
    trackStream(request, response, streams);
    await yoga(request, response, served === 'NOT_LET_IN' ? {} : { onRefused: countRefused });
  };
  const server = createServer(
    {
      insecureHTTPParser: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: limits.requestTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.ceil(limits.requestTimeoutMs / CHECKS_PER_TIMEOUT),
      keepAliveTimeout: limits.keepAliveTimeoutMs,
    },
    (request, response) => {
      const path = request.url?.split('?', 1)[0];
      const hasHost = request.httpVersionMajor >= 1 && hostName(request.headers.host) !== undefined;
      if (hasHost && path === GRAPHQL_PATH) {
        serveGraphql(request, response).catch((error: unknown) => {
          log.error({ err: error }, 'a request failed unexpectedly');
          response.destroy();
        });
        return;
      }
      secure(request, response, headers);
      // HTTP/0.9 has no headers, and so no host, no origin and no credentials.
      if (request.httpVersionMajor < 1) sendText(response, 505, 'Speak HTTP/1.1.');
      else if (!hasHost) sendText(response, 400, 'Name a host.');
      else if (path === '/health/live') health.live(response);
      else if (path === '/health/ready') void health.ready(response);
      else if (path === '/') response.writeHead(302, { location: GRAPHQL_PATH }).end();
      else sendText(response, 404, `There is nothing here. GraphQL is at ${GRAPHQL_PATH}.`);
    },
  );
  server.maxConnections = limits.connections;
  await listen(server, host, port);
  // Such as EMFILE: it goes on with the connections that it has.
  server.on('error', (error) => log.error({ err: error }, 'the HTTP server had an error'));
  const sockets = serveWebSockets(server, { ...options, limits: options.limits.socket });

  const close = async (deadlineMs: number) => {
    health.shutDown();
    const drained = new Promise<void>((resolve) => server.close(() => resolve()));
    const disposed = sockets.dispose(deadlineMs);
    // Cut off, not completed: a client must see a lost connection and resume, not a subscription that has ended.
    for (const stream of streams) stream.destroy();
    const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs);
    // One that becomes idle while we close would otherwise hold us until its keep-alive time is over.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    await Promise.all([disposed, drained]);
    clearTimeout(deadline);
    clearInterval(sweep);
  };
  return {
    url: addressOf(server, host),
    sockets: () => sockets.count(),
    close: (deadlineMs) => (closing ??= close(deadlineMs)),
  };
}

/** A body without a length is read here, where its size is counted, and left for Yoga. */
async function readChunks(
  request: IncomingMessage,
  { bodyBytes }: HttpLimits,
): Promise<'TOO_LARGE' | 'GONE' | undefined> {
  if (request.headers['transfer-encoding'] === undefined || 'body' in request) return undefined;
  const body = await readBody(request, bodyBytes);
  if (typeof body === 'string') return body;
  leaveForYoga(request, body);
  return undefined;
}

/** Until the client has gone, which it may have already: then nobody tells of it any more. */
function trackStream(request: IncomingMessage, response: ServerResponse, streams: Set<ServerResponse>): void {
  const { headers, socket } = request;
  if (headers.accept?.includes('text/event-stream') !== true || socket.destroyed) return;
  const untrack = () => {
    streams.delete(response);
    socket.off('close', untrack);
  };
  streams.add(response);
  response.once('close', untrack);
  // A response that waits for one before it on the same connection has none that closes.
  socket.once('close', untrack);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening').catch((error: unknown) => {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new Error(`cannot listen on ${host}:${port}: ${reasons[code] ?? message}`, { cause: error });
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

function refuseAddress(response: ServerResponse, wait: number): void {
  response.setHeader('retry-after', String(wait));
  sendError(
    response,
    429,
    'RATE_LIMITED',
    `Too many credentials from this address were refused. Try again in ${wait} s.`,
  );
}

function refuseBody(response: ServerResponse, { bodyBytes }: HttpLimits): void {
  // What is still on its way of it is not waited for.
  response.setHeader('connection', 'close');
  sendError(
    response,
    413,
    'BODY_TOO_LARGE',
    `A request's body may have ${bodyBytes} bytes (LIMIT_BODY_BYTES). Send less at once.`,
  );
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify({ errors: [{ message, extensions: { code } }] }));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
