import { createServer } from 'node:http';

import { describe, expect, it, onTestFinished } from 'vitest';

import { Health, type ReadinessCheck } from '../../src/http/health.ts';

const passes: ReadinessCheck = () => Promise.resolve();
const fails: ReadinessCheck = () => Promise.reject(new Error('secret details'));

async function serve(checks: Record<string, ReadinessCheck>) {
  const health = new Health(checks);
  const server = createServer((request, response) => {
    if (request.url === '/live') health.live(response);
    else void health.ready(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: (await response.json()) as unknown };
  };
  return { health, ask };
}

describe('readiness', () => {
  it('is 200 when every check passes', async () => {
    const { ask } = await serve({ record: passes, session: passes });
    const body = { status: 'ready', checks: { record: 'ok', session: 'ok' } };
    expect(await ask('/ready')).toEqual({ status: 200, body });
  });

  it('is 503 when one fails, and names it without its details', async () => {
    const { ask } = await serve({ record: fails, session: passes });
    const body = { status: 'not ready', checks: { record: 'failed', session: 'ok' } };
    expect(await ask('/ready')).toEqual({ status: 503, body });
    expect((await ask('/live')).status).toBe(200);
  });

  it('is 503 when a check does not end', async () => {
    const { ask } = await serve({ session: () => new Promise(() => undefined) });
    expect(await ask('/ready')).toMatchObject({ status: 503, body: { checks: { session: 'failed' } } });
  });

  it('is 503 once a shutdown has begun, while the process is still live', async () => {
    const { health, ask } = await serve({ record: passes });
    health.shutDown();
    expect(await ask('/ready')).toMatchObject({ status: 503, body: { status: 'shutting down' } });
    expect((await ask('/live')).status).toBe(200);
  });
});
