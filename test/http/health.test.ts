import { createServer } from 'node:http';

import { describe, expect, it, onTestFinished } from 'vitest';

import { Health, type ReadinessCheck } from '../../src/http/health.ts';

const passes: ReadinessCheck = () => Promise.resolve();
const fails: ReadinessCheck = () => Promise.reject(new Error('secret details'));

async function serve(checks: Record<string, ReadinessCheck>) {
  const clock = { ms: 0 };
  const health = new Health(checks, { runtime: { monotonic: () => clock.ms } });
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
  return { clock, health, ask };
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

  it('is looked at once for all who ask at a time, and not again within a second', async () => {
    const looks: (() => void)[] = [];
    const session = () => new Promise<void>((pass) => looks.push(pass));
    const { clock, ask } = await serve({ session });
    const asked = [ask('/ready'), ask('/ready'), ask('/ready')];
    // Those who came meanwhile are answered with the others, whose check has taken a minute.
    await expect.poll(() => looks.length).toBe(1);
    clock.ms = 60_000;
    setTimeout(() => looks[0]?.(), 50);
    for (const answer of asked) expect(await answer).toMatchObject({ status: 200 });
    clock.ms += 999;
    expect(await ask('/ready')).toMatchObject({ status: 200 });
    expect(looks).toHaveLength(1);
    clock.ms += 1;
    const again = ask('/ready');
    await expect.poll(() => looks.length).toBe(2);
    looks[1]?.();
    expect(await again).toMatchObject({ status: 200 });
  });

  it('that has failed is looked at again after a second', async () => {
    let looks = 0;
    const session = () => ((looks += 1) === 1 ? fails() : passes());
    const { clock, ask } = await serve({ session });
    expect((await ask('/ready')).status).toBe(503);
    expect((await ask('/ready')).status).toBe(503);
    clock.ms += 1_000;
    expect((await ask('/ready')).status).toBe(200);
    expect(looks).toBe(2);
  });

  it('is 503 once a shutdown has begun, while the process is still live', async () => {
    const { health, ask } = await serve({ record: passes });
    health.shutDown();
    expect(await ask('/ready')).toMatchObject({ status: 503, body: { status: 'shutting down' } });
    expect((await ask('/live')).status).toBe(200);
  });
});
