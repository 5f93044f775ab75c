import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { raw } from '../limits/support.ts';
import { connectionCases, type ConnectionCase } from './corpus/connections.ts';
import { inTime, startHostileServer, type HostileServer } from './server.ts';

/** Every status in order; node's own time-outs close the connection, at the latest. */
async function send(url: string, { bytes }: ConnectionCase): Promise<string> {
  const { text } = await raw(url, bytes, { ms: 1_500, gapMs: bytes.length > 1 ? 20 : 0 });
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
  return statuses.length === 0 ? 'closed' : statuses.join(' ');
}

describe('hostile bytes on a connection', () => {
  let server: HostileServer;
  let before: number;
  beforeAll(async () => {
    // Short, so that who is slow is given up within what anything may take.
    server = await startHostileServer({ REQUEST_TIMEOUT_MS: '600' });
    await Promise.all(connectionCases.map((one) => send(server.url, one)));
    before = await server.memory();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.concurrent.each(connectionCases.map((one) => [one.category, one.name, one] as const))(
    '%s: %s',
    async (_category, _name, one) => {
      expect(one.answer.split(' or ')).toContain(await inTime(send(server.url, one), one.name));
    },
  );

  describe('afterwards', () => {
    it('the process is healthy, and nothing was bought', async () => {
      await server.requireHealthy();
      expect(server.sandbox.ledger).toEqual([]);
    });

    it('a flood of connections that say nothing is given up, and those who ask are served meanwhile', async () => {
      const flood = Array.from({ length: 400 }, () => raw(server.url, '', { ms: 1_900 }));
      await new Promise((resolve) => setTimeout(resolve, 300));
      await server.requireHealthy();
      for (const { closed } of await Promise.all(flood)) expect(closed).toBe(true);
    });

    it('memory is back within 20 %', async () => {
      expect(await server.memory()).toBeLessThan(before * 1.2);
    });
  });
});
