import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';

import { describe, expect, it, onTestFinished } from 'vitest';

import { answer, bytesAnswer, connect, exchange, listen } from './tcp-server.ts';

describe('an exchange', () => {
  it('carries its request id, its session and its JSON, and gives the answer as it came', async () => {
    const { origin, requests } = await listen((socket) => socket.write(answer('{"b":2}')));
    const { transport, seen } = connect(origin);
    const sent = await transport.exchange(exchange());
    expect(sent).toEqual({
      kind: 'ANSWERED',
      answer: { status: 200, body: '{"b":2}', complete: true, retryAfterSeconds: null },
    });
    expect(requests[0]).toMatch(/^POST \/x HTTP\/1.1/);
    for (const line of ['x-request-id: request-1', 'authorization: Bearer secret-token', '{"a":1}']) {
      expect(requests[0]).toContain(line);
    }
    expect(seen).toEqual([
      {
        ...{ surface: 'V1', endpoint: 'confirm', requestId: 'request-1', status: 200, outcome: 'ANSWERED' },
        ms: expect.any(Number),
      },
    ]);
  });

  it.each([
    ['retry-after: 7\r\n', 7],
    [`retry-after: ${new Date(Date.now() - 60_000).toUTCString()}\r\n`, 0],
    ['retry-after: soon\r\n', null],
    ['', null],
  ])('tells what %j asks for', async (header, seconds) => {
    const { origin } = await listen((socket) => socket.write(answer('{}', header)));
    const { transport } = connect(origin);
    expect(await transport.exchange(exchange())).toMatchObject({ answer: { retryAfterSeconds: seconds } });
  });

  it('with nobody listening is NOT_SENT', async () => {
    const { origin, server } = await listen(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const { transport } = connect(origin);
    expect(await transport.exchange(exchange())).toMatchObject({
      ...{ kind: 'NOT_SENT', problem: { code: 'upstream_unreachable', retryable: true } },
    });
  });

  it('with a name that nobody has is NOT_SENT', async () => {
    const { transport } = connect('http://nobody.invalid');
    expect((await transport.exchange(exchange({ timeoutMs: 5_000 }))).kind).toBe('NOT_SENT');
  });

  it('with no answer in time is LOST', async () => {
    const { origin } = await listen(() => undefined);
    const { transport } = connect(origin);
    const problem = { code: 'upstream_timeout' };
    expect(await transport.exchange(exchange({ timeoutMs: 200 }))).toMatchObject({ kind: 'LOST', problem });
  });

  it('whose answer came while the event loop stood still is ANSWERED, though its time is over', async () => {
    // A thread of its own: it answers while this one stands still.
    const upstream = new Worker(
      `const { createServer } = require('node:net');
      const { parentPort, workerData } = require('node:worker_threads');
      const server = createServer((socket) => socket.on('data', () => setTimeout(() => socket.write(workerData), 50)));
      server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
      { eval: true, workerData: answer('{"b":2}') },
    );
    onTestFinished(async () => {
      await upstream.terminate();
    });
    const port = await new Promise<number>((resolve) => upstream.once('message', resolve));
    const { transport } = connect(`http://127.0.0.1:${port}`);
    await transport.exchange(exchange());
    const sent = transport.exchange(exchange({ timeoutMs: 500 }));
    // Until it is sent, and on to where a callback holds up the timers, such as a write of SQLite's.
    await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setImmediate(resolve));
    const until = performance.now() + 700;
    while (performance.now() < until);
    expect(await sent).toMatchObject({ kind: 'ANSWERED', answer: { body: '{"b":2}', complete: true } });
  });

  it('whose answer trickles in is given up soon after its time is over', async () => {
    const { origin } = await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n');
      const trickle = setInterval(() => socket.write('x'), 1);
      socket.on('close', () => clearInterval(trickle));
    });
    const { transport } = connect(origin);
    const began = performance.now();
    expect(await transport.exchange(exchange({ timeoutMs: 300 }))).toMatchObject({
      answer: { complete: false },
    });
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  it.each([
    ['closed', (socket: Socket) => socket.end()],
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
    ['closed amid the headers', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-')],
    ['answered with something that is no HTTP', (socket: Socket) => socket.end('hello\r\n\r\n')],
  ])('whose connection is %s is LOST, and was sent once', async (_what, strike) => {
    const { origin, requests } = await listen(strike);
    const { transport } = connect(origin);
    expect(await transport.exchange(exchange())).toMatchObject({
      ...{ kind: 'LOST', problem: { code: 'connection_lost' } },
    });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['that breaks off', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"tok')],
    [
      'that stops coming',
      (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"tok'),
    ],
  ])('with a body %s is ANSWERED in part', async (_what, strike) => {
    const { origin } = await listen(strike);
    const { transport } = connect(origin);
    expect(await transport.exchange(exchange({ timeoutMs: 300 }))).toMatchObject({
      ...{ kind: 'ANSWERED', answer: { body: '{"tok', complete: false } },
    });
  });

  it('with a body that is too long reads no more than it may', async () => {
    const { origin } = await listen((socket) => socket.write(answer('x'.repeat(100_000))));
    const { transport } = connect(origin, { maxAnswerBytes: 1_000 });
    const sent = await transport.exchange(exchange());
    expect(sent).toMatchObject({ answer: { body: 'x'.repeat(1_000), complete: false } });
    expect(await transport.exchange(exchange({ timeoutMs: 2_000 }))).toMatchObject({ kind: 'ANSWERED' });
  });

  it('asks for an answer that is not compressed', async () => {
    const { origin, requests } = await listen((socket) => socket.write(answer('{}')));
    await connect(origin).transport.exchange(exchange());
    expect(requests[0]).toContain('accept-encoding: identity\r\n');
  });

  const told = '{"token":"1234","name":"Tšepo"}';
  it.each([
    ['gzip', gzipSync(told)],
    ['GZIP', gzipSync(told)],
    ['x-gzip', gzipSync(told)],
    ['deflate', deflateSync(told)],
    ['br', brotliCompressSync(told)],
    ['identity', Buffer.from(told)],
  ])('R3: with a body that is %s all the same is read', async (coding, bytes) => {
    const { origin } = await listen(
      (socket) => void socket.write(bytesAnswer(bytes, `content-encoding: ${coding}\r\n`)),
    );
    expect(await connect(origin).transport.exchange(exchange())).toMatchObject({
      answer: { body: told, complete: true },
    });
  });

  it.each([
    ['of a coding that nobody knows', 'zstd', Buffer.from(told)],
    ['coded twice', 'gzip, br', brotliCompressSync(gzipSync(told))],
    ['whose coding is broken', 'gzip', gzipSync(told).subarray(0, -9)],
    ['that becomes too long', 'gzip', gzipSync('x'.repeat(10_001))],
    ['that is no UTF-8', 'identity', Buffer.from('{"name":"René"}', 'latin1')],
  ])('R3: with a body %s keeps its bytes', async (_what, coding, bytes) => {
    const { origin } = await listen(
      (socket) => void socket.write(bytesAnswer(bytes, `content-encoding: ${coding}\r\n`)),
    );
    const { transport } = connect(origin, { maxAnswerBytes: 10_000 });
    expect(await transport.exchange(exchange())).toMatchObject({
      answer: { body: `base64:${bytes.toString('base64')}`, complete: true },
    });
  });

  it('with a body that breaks off amid a character keeps what came before that', async () => {
    const { origin } = await listen((socket) => socket.write(answer('{"name":"Tšepo"}')));
    expect(await connect(origin, { maxAnswerBytes: 11 }).transport.exchange(exchange())).toMatchObject({
      answer: { body: '{"name":"T', complete: false },
    });
  });

  it('R1: on a connection that the upstream closes just then is never sent twice', async () => {
    let first = true;
    const { origin, requests } = await listen((socket) => {
      // The first is answered and its connection kept; the second finds it closing.
      if (!first) return socket.destroy();
      first = false;
      return socket.write(answer('{}', 'connection: keep-alive\r\n'));
    });
    const { transport } = connect(origin, { connections: 1 });
    expect((await transport.exchange(exchange())).kind).toBe('ANSWERED');
    expect((await transport.exchange(exchange())).kind).toBe('LOST');
    expect(requests).toHaveLength(2);
  });

  it('that waits for a connection until its time is over is NOT_SENT, and never sent later', async () => {
    const held: Socket[] = [];
    const { origin, requests } = await listen((socket) => void held.push(socket));
    const { transport } = connect(origin, { connections: 1 });
    const slow = transport.exchange(exchange({ timeoutMs: 2_000, body: '"slow"' }));
    await expect.poll(() => requests.length).toBe(1);
    const waiting = await transport.exchange(exchange({ timeoutMs: 50, body: '"waiting"' }));
    expect(waiting.kind).toBe('NOT_SENT');
    held[0]?.write(answer('{}'));
    expect((await slow).kind).toBe('ANSWERED');
    void transport.exchange(exchange({ body: '"next"', timeoutMs: 2_000 }));
    await expect.poll(() => requests.length).toBe(2);
    expect(requests.join('')).not.toContain('waiting');
  });

  it('R4: that is under way when the gateway closes is LOST, never NOT_SENT', async () => {
    const { origin, requests } = await listen(() => undefined);
    const { transport } = connect(origin);
    const sending = transport.exchange(exchange({ timeoutMs: 5_000 }));
    await expect.poll(() => requests.length).toBe(1);
    await transport.close();
    expect((await sending).kind).toBe('LOST');
  });

  it('ends when its caller leaves', async () => {
    const { origin, requests } = await listen(() => undefined);
    const { transport } = connect(origin);
    const leaving = new AbortController();
    const asking = transport.exchange(exchange({ method: 'GET', timeoutMs: 5_000, signal: leaving.signal }));
    asking.catch(() => undefined);
    await expect.poll(() => requests.length).toBe(1);
    leaving.abort(new Error('the client has gone'));
    await expect(asking).rejects.toThrow('the client has gone');
    await expect(transport.exchange(exchange({ signal: leaving.signal }))).rejects.toThrow('gone');
    expect(requests).toHaveLength(1);
  });
});
