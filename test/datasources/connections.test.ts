import type { Socket } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';

import { Transport } from '../../src/datasources/transport.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { answer, connect, exchange, listen } from './tcp-server.ts';

const bodyOf = (request: string) => request.split('\r\n\r\n')[1];

describe('a connection', () => {
  it('is kept for the next exchange', async () => {
    const { origin, sockets, requests } = await listen((socket) => socket.write(answer('{}')));
    const { transport } = connect(origin, { connections: 1 });
    for (let count = 0; count < 5; count += 1) await transport.exchange(exchange());
    expect([requests.length, sockets.size]).toEqual([5, 1]);
  });

  it('on which an exchange was given up is not used again: its answer would be taken for another’s', async () => {
    const { origin, requests } = await listen((socket, request) => {
      if (bodyOf(request) === '"first"') setTimeout(() => socket.write(answer('"of the first"')), 600);
      else socket.write(answer('"of the second"'));
    });
    const { transport } = connect(origin, { connections: 1 });
    expect((await transport.exchange(exchange({ body: '"first"', timeoutMs: 300 }))).kind).toBe('LOST');
    const second = await transport.exchange(exchange({ body: '"second"' }));
    expect(second).toMatchObject({ answer: { body: '"of the second"' } });
    expect(requests).toHaveLength(2);
  });

  it.each([
    ['closed', (socket: Socket) => socket.end()],
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('R4: that is accepted and %s at once loses the request, or it was never sent', async (_what, strike) => {
    const { origin, requests } = await listen(() => undefined, strike);
    const { transport } = connect(origin);
    for (let count = 0; count < 20; count += 1) {
      const before = requests.length;
      const { kind } = await transport.exchange(exchange({ timeoutMs: 300 }));
      expect(kind).not.toBe('ANSWERED');
      expect(requests.length - before).toBeLessThanOrEqual(kind === 'NOT_SENT' ? 0 : 1);
    }
  });

  it.each([
    ['ends', (socket: Socket) => void socket.end()],
    ['resets', (socket: Socket) => void socket.resetAndDestroy()],
    ['ends a moment later', (socket: Socket) => void setImmediate(() => socket.end())],
  ])('R1: that the upstream %s right after an answer costs no second sending', async (_what, strike) => {
    const { origin, requests } = await listen((socket) => {
      socket.write(answer('{}', 'connection: keep-alive\r\n'), () => strike(socket));
    });
    const { transport } = connect(origin, { connections: 1 });
    for (let count = 0; count < 40; count += 1) {
      const body = `"number ${count}"`;
      const { kind } = await transport.exchange(exchange({ body, timeoutMs: 300 }));
      const seen = requests.filter((request) => bodyOf(request) === body).length;
      expect(seen).toBeLessThanOrEqual(kind === 'NOT_SENT' ? 0 : 1);
      if (kind === 'ANSWERED') expect(seen).toBe(1);
    }
  });

  it('closes with the gateway; what waited for it was never sent', async () => {
    const { origin, requests } = await listen(() => undefined);
    const { transport } = connect(origin, { connections: 1 });
    const sending = transport.exchange(exchange({ timeoutMs: 5_000, body: '"first"' }));
    await expect.poll(() => requests.length).toBe(1);
    const waiting = transport.exchange(exchange({ timeoutMs: 5_000, body: '"waiting"' }));
    await transport.close();
    expect([(await sending).kind, (await waiting).kind]).toEqual(['LOST', 'NOT_SENT']);
    expect((await transport.exchange(exchange())).kind).toBe('NOT_SENT');
    expect(requests.map(bodyOf)).toEqual(['"first"']);
  });
});

describe('a body', () => {
  it('that trickles past the deadline is ANSWERED in part', async () => {
    const { origin } = await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{"');
      const trickle = setInterval(() => socket.write('x'), 10);
      socket.on('close', () => clearInterval(trickle));
    });
    const { transport } = connect(origin);
    const sent = await transport.exchange(exchange({ timeoutMs: 300 }));
    expect(sent).toMatchObject({ kind: 'ANSWERED', answer: { status: 200, complete: false } });
    expect(sent.kind === 'ANSWERED' && sent.answer.body).toMatch(/^\{"x*$/);
  });

  it.each([
    ['chunks that break off', 'transfer-encoding: chunked\r\n\r\n5\r\n{"tok\r\n'],
    ['a chunk that breaks off', 'transfer-encoding: chunked\r\n\r\n99\r\n{"tok'],
    ['chunks and then nonsense', 'transfer-encoding: chunked\r\n\r\n5\r\n{"tok\r\nzz\r\n'],
  ])('R3: of %s is kept as far as it came', async (_what, rest) => {
    const { origin } = await listen((socket) => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
    const { transport } = connect(origin);
    expect(await transport.exchange(exchange())).toMatchObject({
      ...{ kind: 'ANSWERED', answer: { body: '{"tok', complete: false } },
    });
  });

  it('that never ends is read no further than it may be', async () => {
    const { origin } = await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const pour = setInterval(() => socket.write(`400\r\n${'x'.repeat(1024)}\r\n`), 1);
      socket.on('close', () => clearInterval(pour));
    });
    const { transport } = connect(origin, { maxAnswerBytes: 5_000 });
    expect(await transport.exchange(exchange({ timeoutMs: 10_000 }))).toMatchObject({
      answer: { body: 'x'.repeat(5_000), complete: false },
    });
  });

  it('as long as it may be is whole', async () => {
    const { origin } = await listen((socket) => socket.write(answer('x'.repeat(5_000))));
    const { transport } = connect(origin, { maxAnswerBytes: 5_000 });
    expect(await transport.exchange(exchange({ timeoutMs: 2_000 }))).toMatchObject({
      answer: { body: 'x'.repeat(5_000), complete: true },
    });
  });
});

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['120', 120],
    ['Mon, 23 Nov 2026 10:00:07 GMT', 7],
    ['Mon, 23 Nov 2026 09:59:00 GMT', 0],
    ['-5 apples', null],
  ])('%s is %s seconds, on our own clock', async (header, seconds) => {
    const { origin } = await listen((socket) => socket.write(answer('{}', `retry-after: ${header}\r\n`)));
    const runtime = { ...systemRuntime(), now: () => new Date('2026-11-23T10:00:00.000Z') };
    const { transport } = connect(origin, { runtime });
    expect(await transport.exchange(exchange())).toMatchObject({ answer: { retryAfterSeconds: seconds } });
  });
});

describe('every exchange is observed once', () => {
  it('whatever became of it, and without a secret', async () => {
    const { origin, server, sockets } = await listen((socket, request) => {
      if (request.includes('/lost')) socket.destroy();
      else socket.write(answer('{"token":"12345678901234567890"}'));
    });
    const { transport, seen } = connect(origin);
    await transport.exchange(exchange({ requestId: 'one' }));
    await transport.exchange(exchange({ requestId: 'two', path: '/lost' }));
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await transport.exchange(exchange({ requestId: 'three' }));
    expect(seen.map(({ requestId, outcome, status }) => [requestId, outcome, status])).toEqual([
      ['one', 'ANSWERED', 200],
      ['two', 'LOST', null],
      ['three', 'NOT_SENT', null],
    ]);
    expect(JSON.stringify(seen)).not.toMatch(/secret-token|12345678901234567890|"a"/);
  });

  it('and nobody has to', async () => {
    const { origin } = await listen((socket) => socket.write(answer('{}')));
    const transport = new Transport({ origin, surface: 'V1', runtime: systemRuntime() });
    onTestFinished(() => transport.close());
    expect((await transport.exchange(exchange())).kind).toBe('ANSWERED');
  });
});
