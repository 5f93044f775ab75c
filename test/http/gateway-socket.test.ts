import { once } from 'node:events';

import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { Delivery } from '../../src/http/delivery.ts';
import { GatewaySocket } from '../../src/http/gateway-socket.ts';
import { until } from '../support/stack.ts';

const BUFFER_BYTES = 100_000;
/** What the kernel keeps for a client that does not read is less than sixty of them. */
const MESSAGE_BYTES = 500_000;

/** Both ends of one socket. */
async function ends(options: object = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', WebSocket: GatewaySocket });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const client = new WebSocket(`ws://127.0.0.1:${port}`, options);
  const [own] = (await accepted) as [GatewaySocket];
  own.limit({ messagesPerSecond: 100, bufferBytes: BUFFER_BYTES });
  if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
  const closed = once(client, 'close').then(([code]) => code as number);
  onTestFinished(() => {
    client.terminate();
    server.close();
  });
  return { own, client, closed };
}

/** Subscriptions of one socket, each with so many events, which are counted as they are taken. */
function subscriptions(own: GatewaySocket, count: number, events: number) {
  const taken: number[] = [];
  const all = Array.from({ length: count }, (_, at) => {
    const results = (async function* (): AsyncGenerator<{ data: Record<string, unknown> }, undefined> {
      for (let n = 0; n < events; n += 1) {
        taken.push(at);
        yield await Promise.resolve({ data: { n, filling: 'x'.repeat(MESSAGE_BYTES) } });
      }
      return undefined;
    })();
    return new Delivery(results, results, { socket: own, id: String(at) }).next();
  });
  return { taken, all: Promise.all(all) };
}

describe('a socket whose client does not read', () => {
  it('keeps no more than its buffer and a message; the events wait where they are, and none is missed', async () => {
    const { own, client } = await ends();
    const received: string[] = [];
    client.on('message', (data: Buffer) => {
      const { id, payload } = JSON.parse(data.toString()) as { id: string; payload: { data: { n: number } } };
      received.push(`${id} ${payload.data.n}`);
    });
    client.pause();
    let most = 0;
    const send = own.send.bind(own);
    own.send = (data: string, done: any) => {
      send(data, done);
      most = Math.max(most, own.bufferedAmount);
    };
    const { taken, all } = subscriptions(own, 4, 30);
    await until(() => own.bufferedAmount > BUFFER_BYTES, 'a full buffer');
    // Turns in which more would be taken, were there room.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(taken.length).toBeLessThan(100);
    expect(own.readyState).toBe(WebSocket.OPEN);
    client.resume();
    await all;
    await until(() => received.length === 120, 'all events');
    expect(most).toBeLessThan(BUFFER_BYTES + MESSAGE_BYTES + 1_000);
    for (let at = 0; at < 4; at += 1) {
      const own = received.filter((one) => one.startsWith(`${at} `));
      expect(own).toEqual(Array.from({ length: 30 }, (_, n) => `${at} ${n}`));
    }
  });

  it('is closed with 1013 when it asks for more besides', async () => {
    const { own, client, closed } = await ends();
    client.pause();
    const { all } = subscriptions(own, 1, 60);
    await until(() => own.bufferedAmount > BUFFER_BYTES, 'a full buffer');
    own.send('an answer');
    client.resume();
    expect([1006, 1013]).toContain(await closed);
    // Nobody waits for room that will never be.
    await all;
  });
});

describe('a subscription that fails', () => {
  it('is returned as a whole, so that it is counted no more', async () => {
    const { own } = await ends();
    const results = { next: () => Promise.reject(new Error('the disk failed')) };
    let returned = 0;
    const whole = {
      next: results.next,
      return: () => {
        returned += 1;
        return Promise.resolve({ done: true as const, value: undefined });
      },
    };
    await expect(new Delivery(results, whole, { socket: own, id: 'a' }).next()).rejects.toThrow('disk');
    expect(returned).toBe(1);
  });
});

describe('a beat', () => {
  it('pings when it is time, and cuts off who did not answer the last', async () => {
    const { own, client, closed } = await ends({ autoPong: false });
    let pings = 0;
    client.on('ping', () => (pings += 1));
    const now = performance.now();
    own.beat(now + 5_000);
    own.beat(now + 13_000);
    own.beat(now + 14_000);
    await until(() => pings > 0, 'a ping');
    client.pong();
    await once(own, 'pong');
    own.beat(now + 26_000);
    await until(() => pings > 1, 'another');
    expect(own.readyState).toBe(WebSocket.OPEN);
    own.beat(now + 39_000);
    expect(await closed).toBe(1006);
    expect(pings).toBe(2);
  });
});

it('takes it for no error that a client is gone while it is written to, before the socket is seen to be closed', async () => {
  const { own } = await ends();
  const { _socket: stream } = own as unknown as { _socket: { write: (...given: unknown[]) => boolean } };
  stream.write = (...given) => {
    const done = given.at(-1);
    if (typeof done === 'function') queueMicrotask(() => void done(new Error('write EPIPE')));
    return false;
  };
  const told = await new Promise<unknown>((resolve) => own.send('too late', resolve));
  expect(own.readyState).toBe(WebSocket.OPEN);
  expect(told).toBeUndefined();
});
