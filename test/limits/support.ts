import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { anything, type Answer, type Stack } from '../support/stack.ts';

/** What came back over HTTP, as it is. */
export async function post(
  { gateway }: Pick<Stack, 'gateway'>,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; headers: Headers; text: string; body: Record<string, any> }> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const parsed = anything.safeParse(text.startsWith('{') ? JSON.parse(text) : {});
  return { status: response.status, headers: response.headers, text, body: parsed.data ?? {} };
}

/** The results of an operation over graphql-ws, or the errors that it was refused with. A subscription is left soon. */
export async function overSocket(
  stack: Stack,
  query: string,
  variables: object,
): Promise<{ results: Answer[]; errors: any[] }> {
  const results: Answer[] = [];
  const iterator = stack.socket().iterate({ query, variables: { ...variables } });
  const timer = setTimeout(() => void iterator.return?.(), 300);
  try {
    for await (const result of iterator) results.push(result as Answer);
    return { results, errors: [] };
  } catch (error) {
    if (Array.isArray(error)) return { results, errors: error };
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Writes bytes on a connection of its own; what came back by the time that it was closed, or that `ms` had passed. */
export async function raw(
  url: string,
  bytes: string | Buffer | readonly (string | Buffer)[],
  { ms = 1_500, gapMs = 0 }: { ms?: number; gapMs?: number } = {},
): Promise<{ text: string; status: number | undefined; closed: boolean; ms: number }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const startedAt = performance.now();
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  for (const part of typeof bytes === 'string' || Buffer.isBuffer(bytes) ? [bytes] : bytes) {
    // Written to after it was given up, the connection would be reset, and its last answer lost.
    if (socket.destroyed || /\r\nconnection: close/i.test(text)) break;
    socket.write(part);
    if (gapMs > 0) await Promise.race([closed, sleep(gapMs)]);
  }
  const wasClosed = await Promise.race([closed, sleep(ms, false)]);
  socket.destroy();
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  return {
    text,
    status: status === undefined ? undefined : Number(status),
    closed: wasClosed,
    ms: performance.now() - startedAt,
  };
}

/** An open WebSocket of the protocol, acknowledged unless `init` is false, with what it has received. */
export async function rawSocket(
  url: string,
  { init = true, headers = {} }: { init?: boolean; headers?: Readonly<Record<string, string>> } = {},
) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
  const received: any[] = [];
  socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString('utf8'))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'open'), closed]);
  if (init) {
    socket.send('{"type":"connection_init"}');
    await Promise.race([once(socket, 'message'), closed]);
  }
  return {
    socket,
    received,
    closed,
    send: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    subscribe: (id: string, query: string) =>
      socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query } })),
  };
}

/** The status with which a handshake is refused; 101 when it is not, and then the socket is closed unless it `stays`. */
export async function handshake(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  stays = false,
): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_request, response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.once('open', () => {
      if (!stays) socket.terminate();
      resolve(101);
    });
  });
}
