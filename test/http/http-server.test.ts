import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';

import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import type { Authenticator, Refusal } from '../../src/auth/authenticator.ts';
import { loadConfig } from '../../src/config.ts';
import { clientAddress } from '../../src/http/client-address.ts';
import { Health } from '../../src/http/health.ts';
import { startHttpServer } from '../../src/http/http-server.ts';
import { NO_MANIFEST } from '../../src/http/persisted-operations.ts';
import { Rates } from '../../src/http/rates.ts';
import { createEngine } from '../../src/http/yoga.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { rawSocket } from '../limits/support.ts';
import { startStack, until } from '../support/stack.ts';

/** The entrance alone, before callers whom the test lets in or refuses, one by one. */
async function entrance() {
  const waiting: { readonly refuse: (refusal: Refusal) => void; readonly fail: (error: Error) => void }[] =
    [];
  const authenticator: Authenticator = {
    admit: () => new Promise((refuse, fail) => waiting.push({ refuse, fail })),
    close: () => Promise.resolve(),
  };
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const rates = new Rates({ operations: 0, purchases: 0, integration: 0, refused: 1 });
  const { limits, discovery, hstsMaxAge } = loadConfig({
    SCRATCHPOWER_BASE_URL: 'http://localhost:1',
    SCRATCHPOWER_CLIENT_ID: 'id',
    SCRATCHPOWER_CLIENT_SECRET: 'secret',
    SCRATCHPOWER_USERNAME: 'user',
    SCRATCHPOWER_PASSWORD: 'password',
    SCRATCHPOWER_ORG_CODE: 'ORG',
  });
  const access = { authenticator, authenticates: true, runtime: systemRuntime(), log, allowedOrigins: [] };
  const engine = createEngine({
    ...{ ...access, discovery, limits, rates, persisted: NO_MANIFEST, coalescing: true, newId: () => 'id' },
    domainOf: () => {
      throw new Error('nobody is let in');
    },
  });
  const server = await startHttpServer({
    ...{ ...access, ...engine, limits, rates, persisted: NO_MANIFEST, health: new Health({}), hstsMaxAge },
    ...{ host: '127.0.0.1', port: 0, clientAddressOf: clientAddress(0) },
  });
  onTestFinished(() => server.close(0));
  return { server, rates, waiting, logged: () => lines.join('') };
}

const invalid: Refusal = { refused: 'invalid', message: 'It is none.' };

/** The servers and responses of Node's that requests come to. */
function seenByNode() {
  const seen: { readonly server: Server; readonly response: ServerResponse }[] = [];
  const see = (message: unknown) => {
    const { server, response } = message as (typeof seen)[number];
    seen.push({ server, response });
  };
  subscribe('http.server.request.start', see);
  onTestFinished(() => {
    unsubscribe('http.server.request.start', see);
  });
  return seen;
}

function destroying(one: { readonly response: ServerResponse } | undefined) {
  if (one === undefined) throw new Error('the request has not come');
  return vi.spyOn(one.response, 'destroy');
}

/** Sends it on a connection of its own. */
async function send(url: string, headers: Readonly<Record<string, string>>, body: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = `content-length: ${Buffer.byteLength(body)}\r\n`;
  socket.write(`POST /graphql HTTP/1.1\r\nhost: localhost\r\n${head.join('')}${length}\r\n${body}`);
  return socket;
}

const json = 'application/json';
const stream = { 'content-type': json, accept: `${json}, text/event-stream` };
const subscription = '{"query":"subscription { purchaseEvents { cursor } }"}';

describe('a client that leaves while it is found out who calls', () => {
  it.each([json, `${json};v=1`])('with wrong credentials has guessed (%s)', async (type) => {
    const { server, rates, waiting } = await entrance();
    const seen = seenByNode();
    const socket = await send(server.url, { 'content-type': type, accept: json }, '{}');
    await until(() => waiting.length === 1, 'the credentials are looked at');
    socket.destroy();
    await until(() => seen[0]?.response.closed === true, 'the server knows');
    waiting[0]?.refuse(invalid);
    await until(() => rates.shutOutFor('127.0.0.1') > 0, 'the address is shut out');
  });

  it('is not kept among the streams that are cut off at the end', async () => {
    const { server, waiting } = await entrance();
    const seen = seenByNode();
    const socket = await send(server.url, stream, subscription);
    await until(() => waiting.length === 1, 'the credentials are looked at');
    socket.destroy();
    await until(() => seen[0]?.response.closed === true, 'the server knows');
    waiting[0]?.refuse({ refused: 'missing', message: 'There are none.' });
    await until(() => waiting.length === 2, 'Yoga asks too');
    const destroy = destroying(seen[0]);
    const closed = server.close(0);
    expect(destroy).not.toHaveBeenCalled();
    waiting[1]?.refuse(invalid);
    await closed;
  });

  it('is not kept either when its response waited for another on the same connection', async () => {
    const { server, waiting } = await entrance();
    const seen = seenByNode();
    const socket = await send(server.url, stream, subscription);
    const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\ncontent-type: ${json}`;
    socket.write(`${head}\r\ncontent-length: ${subscription.length}\r\n\r\n${subscription}`);
    await until(() => waiting.length === 2, 'both are looked at');
    socket.destroy();
    await until(() => seen[0]?.response.closed === true, 'the server knows');
    const destroy = destroying(seen[1]);
    const closed = server.close(0);
    expect(destroy).not.toHaveBeenCalled();
    for (const { refuse } of waiting) refuse(invalid);
    await closed;
  });
});

it.each([json, `${json};v=1`])('credentials that are refused count once (%s)', async (type) => {
  const { server, rates, waiting } = await entrance();
  const counted = vi.spyOn(rates, 'refused');
  const socket = await send(server.url, { 'content-type': type, accept: json }, '{}');
  const answered = once(socket, 'data');
  const refusing = setInterval(() => waiting.shift()?.refuse(invalid), 1);
  const [answer]: unknown[] = await answered;
  clearInterval(refusing);
  socket.destroy();
  expect(String(answer)).toContain('401');
  expect(counted).toHaveBeenCalledTimes(1);
});

it('a request that cannot even be refused is logged, and its connection closed', async () => {
  const { server, waiting, logged } = await entrance();
  const socket = await send(server.url, { 'content-type': json, accept: json }, '{}');
  await until(() => waiting.length === 1, 'the credentials are looked at');
  waiting[0]?.fail(new Error('out of order'));
  await once(socket, 'close');
  expect(logged()).toContain('out of order');
});

it('an error of a server that listens is logged, and is nobody’s end', async () => {
  const seen = seenByNode();
  await using stack = await startStack({ env: { METRICS_PORT: '0' } });
  const { socket } = await rawSocket(stack.gateway.url);
  await fetch(`${stack.gateway.url}/health/live`);
  await fetch(stack.gateway.metricsUrl ?? '');
  const servers = new Set(seen.map(({ server }) => server).filter((one) => isOf(one, stack.gateway)));
  expect(servers.size).toBe(2);
  for (const server of servers) {
    for (const nth of ['first', 'second']) server.emit('error', new Error(`${nth} EMFILE`));
  }
  for (const nth of ['first', 'second']) {
    expect(stack.logged().match(new RegExp(`"message":"${nth} EMFILE"`, 'g'))).toHaveLength(2);
  }
  await fetch(`${stack.gateway.url}/health/live`);
  expect(socket.readyState).toBe(socket.OPEN);
});

function isOf(server: Server, { url, metricsUrl = '' }: { url: string; metricsUrl: string | undefined }) {
  const address = server.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  return [new URL(url).port, new URL(metricsUrl).port].includes(port);
}
