import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { handshake } from '../limits/support.ts';
import { frameCases, type FrameCase } from './corpus/frames.ts';
import { inTime, startHostileServer, type HostileServer } from './server.ts';

/** How long a socket says nothing before that is its answer. */
const SILENCE_MS = 400;

interface Message {
  readonly type: string;
  readonly payload?: any;
}

/** The raw stream beneath an open socket. */
function streamOf(socket: WebSocket): { write(bytes: Buffer): void } {
  return Reflect.get(socket, '_socket') as { write(bytes: Buffer): void };
}

async function send(url: string, { bytes, bare, answer }: FrameCase): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  socket.on('error', () => undefined);
  await once(socket, 'open');
  if (bare !== true) {
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
  }
  const closed = new Promise<string>((resolve) => socket.once('close', (code) => resolve(`closed ${code}`)));
  const said = new Promise<string>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const { type, payload } = JSON.parse(data.toString('utf8')) as Message;
      // Whoever floods is answered until it is too much.
      if (answer.startsWith('closed')) return;
      const code = type === 'next' ? payload.errors?.[0].extensions?.code : payload?.[0]?.extensions?.code;
      resolve(
        type === 'next'
          ? `next ${code ?? 'next'}`
          : type === 'error'
            ? `error ${code ?? ''}`
            : `next ${type}`,
      );
    });
  });
  streamOf(socket).write(bytes);
  const silence = new Promise<string>((resolve) => {
    setTimeout(resolve, answer.startsWith('closed') ? 1_500 : SILENCE_MS * 3, 'silence');
  });
  const got = await Promise.race([closed, said, silence]);
  socket.terminate();
  return got;
}

describe('hostile frames and messages on a socket', () => {
  let server: HostileServer;
  let before: number;
  beforeAll(async () => {
    server = await startHostileServer({ LIMIT_SOCKETS_PER_ADDRESS: '300' });
    for (const one of frameCases) await send(server.url, one);
    before = await server.memory();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(frameCases.map((one) => [one.category, one.name, one] as const))(
    '%s: %s',
    async (_category, _name, one) => {
      const got = await inTime(send(server.url, one), one.name);
      expect(one.answer.split(' or ')).toContain(got);
    },
  );

  it('the process is healthy, nothing was bought, and nothing of it is on its output', async () => {
    await server.requireHealthy();
    expect(server.sandbox.ledger).toEqual([]);
    expect(server.process.output()).not.toMatch(/Internal error emitted|MaxListeners|Unhandled/);
  });

  it('a flood of sockets is refused beyond the limit, and those who ask are served meanwhile', async () => {
    const flood = await Promise.all(Array.from({ length: 500 }, () => handshake(server.url, {}, true)));
    expect(flood.filter((status) => status === 101)).toHaveLength(300);
    expect(flood.filter((status) => status === 429)).toHaveLength(200);
    await server.requireHealthy();
    // They never begin, and are closed for it.
    let status = 429;
    for (const deadline = Date.now() + 15_000; status === 429 && Date.now() < deadline;) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      status = await handshake(server.url);
    }
    expect(status).toBe(101);
  });

  it('memory is back within 20 %', async () => {
    expect(await server.memory()).toBeLessThan(before * 1.2);
  });
});
