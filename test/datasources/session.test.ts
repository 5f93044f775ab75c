import { describe, expect, it, onTestFinished } from 'vitest';

import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { createUpstream } from '../../src/datasources/facade.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { isProblem, ProblemError } from '../../src/purchases/problem.ts';
import type { Runtime } from '../../src/purchases/runtime.ts';
import type { Vending } from '../../src/purchases/vending.ts';
import { surfaceNames, type SurfaceName } from './reading.ts';

const HOUR = 3_600_000;

/** A surface on a sandbox of its own, whose clocks the test moves. */
async function open(surface: SurfaceName, options: { random?: number; password?: string } = {}) {
  /** Each look at the steady clock moves it by `step`. */
  const clock = { ms: 0, step: 0 };
  const start = Date.parse('2026-11-23T10:00:00Z');
  const now = () => new Date(start + clock.ms);
  const sandbox = await startSandbox({ now });
  const random = options.random ?? 0.5;
  const monotonic = () => (clock.ms += clock.step);
  const runtime: Runtime = { ...systemRuntime(), now, monotonic, random: () => random };
  const { password, ...credentials } = sandbox.credentials;
  const upstream = createUpstream({
    ...{ baseUrl: sandbox.url, surface, runtime, confirmTimeoutMs: 2_000, readTimeoutMs: 2_000 },
    credentials: { ...credentials, password: options.password ?? password },
  });
  onTestFinished(async () => {
    await upstream.close();
    await sandbox.close();
  });
  return { sandbox, clock, vending: upstream.on(surface) };
}

const call = { requestId: 'r' };
const ask = (vending: Vending) => vending.identity(call);
const count = ({ calls }: Sandbox, endpoint: string) =>
  calls.filter((one) => one.endpoint === endpoint).length;
const problemOf = (asking: Promise<unknown>) =>
  asking.then(
    () => undefined,
    (error: unknown) => (error instanceof ProblemError ? error.problem : error),
  );
const hundred = <T>(ask: () => Promise<T>) => Promise.all(Array.from({ length: 100 }, ask));

describe.each(surfaceNames)('the session on %s', (surface) => {
  it('is one login, however many wait for it', async () => {
    const { sandbox, vending } = await open(surface);
    await hundred(() => ask(vending));
    expect([count(sandbox, 'login'), count(sandbox, 'refresh'), count(sandbox, 'me')]).toEqual([1, 0, 100]);
  });

  it.each([
    [0, 0.8],
    [0.5, 0.875],
    [0.999, 0.94985],
  ])(
    'is renewed in the last fifth of its life, at a moment that chance %d makes %d of it',
    async (random, part) => {
      const { sandbox, clock, vending } = await open(surface, { random });
      await ask(vending);
      clock.ms = HOUR * part - 1;
      await ask(vending);
      expect(count(sandbox, 'refresh')).toBe(0);
      clock.ms = HOUR * part + 1;
      await hundred(() => ask(vending));
      await expect.poll(() => count(sandbox, 'refresh')).toBe(1);
      expect(count(sandbox, 'login')).toBe(1);
    },
  );

  it('may come to be renewed between any two looks at the clock', async () => {
    const { sandbox, clock, vending } = await open(surface);
    await ask(vending);
    // From where no look of a call sees the moment to where the first one is past it.
    for (let before = 20; before >= 0; before -= 1) {
      sandbox.reset();
      clock.ms += 2 * HOUR;
      await ask(vending);
      clock.ms += HOUR * 0.875 - before;
      clock.step = 1;
      await expect(ask(vending)).resolves.toBeDefined();
      clock.step = 0;
    }
  });

  it('while it is renewed early, nobody waits', async () => {
    const { sandbox, clock, vending } = await open(surface);
    await ask(vending);
    sandbox.addFault({ endpoint: 'refresh', kind: 'delay_before', delayMs: 60_000 });
    clock.ms = HOUR * 0.96;
    await expect(ask(vending)).resolves.toBeDefined();
  });

  it('that is over is renewed before anything else is sent', async () => {
    const { sandbox, clock, vending } = await open(surface);
    await ask(vending);
    clock.ms = HOUR * 2;
    await hundred(() => ask(vending));
    expect([count(sandbox, 'login'), count(sandbox, 'refresh')]).toEqual([1, 1]);
    expect(sandbox.calls.every(({ status }) => status === 200)).toBe(true);
  });

  it.each(['drop_after', 'html_error', 'garbage', 'unauthorized'] as const)(
    'whose refresh fails by %s begins anew, and the refresh token is not sent twice',
    async (kind) => {
      const { sandbox, clock, vending } = await open(surface);
      await ask(vending);
      sandbox.addFault({ endpoint: 'refresh', kind });
      clock.ms = HOUR * 2;
      await hundred(() => ask(vending));
      expect([count(sandbox, 'login'), count(sandbox, 'refresh')]).toEqual([2, 1]);
      clock.ms = HOUR * 4;
      await ask(vending);
      expect([count(sandbox, 'login'), count(sandbox, 'refresh')]).toEqual([2, 2]);
    },
  );

  it('that the upstream has ended is made anew once, and every call is made again', async () => {
    const { sandbox, vending } = await open(surface);
    await ask(vending);
    sandbox.expireTokens();
    await hundred(() => ask(vending));
    expect(count(sandbox, 'login') + count(sandbox, 'refresh')).toBe(2);
    const answered = sandbox.calls.filter(({ endpoint, status }) => endpoint === 'me' && status === 200);
    expect(answered).toHaveLength(101);
  });

  it('a second 401 is the answer', async () => {
    const { sandbox, vending } = await open(surface);
    sandbox.addFault({ endpoint: 'me', kind: 'unauthorized', count: null });
    expect(await problemOf(ask(vending))).toMatchObject({ retryable: false });
    expect(count(sandbox, 'me')).toBe(2);
  });

  it('with wrong credentials is refused clearly, and the upstream is not hammered', async () => {
    const { sandbox, clock, vending } = await open(surface, { password: 'wrong' });
    const refused = { type: 'AUTHENTICATION', message: expect.stringContaining('credentials') };
    expect(await problemOf(ask(vending))).toMatchObject(refused);
    expect(await problemOf(vending.ready(call))).toMatchObject(refused);
    expect(await problemOf(ask(vending))).toMatchObject(refused);
    expect(count(sandbox, 'login')).toBe(1);
    const tries = [];
    for (let second = 0; second < 60; second += 1) {
      clock.ms += 1_000;
      await problemOf(ask(vending));
      tries.push(count(sandbox, 'login'));
    }
    expect(tries.at(-1)).toBeLessThan(10);
    expect(tries.at(-1)).toBeGreaterThan(2);
  });

  it.each(['html_error', 'garbage', 'empty', 'cut_off', 'drop_before', 'rate_limit'] as const)(
    'whose login fails by %s is a retryable problem, and the next one works',
    async (kind) => {
      const { sandbox, vending } = await open(surface);
      sandbox.addFault({ endpoint: 'login', kind, retryAfterSeconds: 0 });
      expect(await problemOf(ask(vending))).toMatchObject({ retryable: true });
      await expect(ask(vending)).resolves.toBeDefined();
    },
  );

  it('is not logged in for anew by whoever asks whether it is ready, before Retry-After is over', async () => {
    const { sandbox, clock, vending } = await open(surface);
    sandbox.addFault({ endpoint: 'login', kind: 'rate_limit', retryAfterSeconds: 6 });
    expect(await problemOf(vending.ready(call))).toMatchObject({ type: 'RATE_LIMITED', retryAfter: 6 });
    for (let n = 0; n < 5; n += 1)
      expect(await problemOf(vending.ready(call))).toMatchObject({ code: 'upstream_rate_limited' });
    expect(count(sandbox, 'login')).toBe(1);
    clock.ms += 6_000;
    await vending.ready(call);
    expect(count(sandbox, 'login')).toBe(2);
  });

  it('takes one place, however many ask whether it is ready', async () => {
    const { sandbox, vending } = await open(surface);
    sandbox.addFault({ endpoint: 'login', kind: 'delay_before', delayMs: 300 });
    const asked = Array.from({ length: 64 + 256 }, () => vending.ready(call));
    await expect.poll(() => count(sandbox, 'login')).toBe(1);
    const place = await vending.admit();
    expect(isProblem(place)).toBe(false);
    await Promise.all(asked);
    expect(count(sandbox, 'login')).toBe(1);
  });

  it('with no upstream at all is a retryable problem', async () => {
    const { sandbox, vending } = await open(surface);
    await sandbox.close();
    expect(await problemOf(vending.ready(call))).toMatchObject({
      ...{ type: 'UNAVAILABLE', code: 'upstream_unreachable', retryable: true },
    });
  });
});
