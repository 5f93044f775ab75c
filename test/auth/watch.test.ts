import { describe, expect, it } from 'vitest';

import type { Admission } from '../../src/auth/authenticator.ts';
import { localCaller } from '../../src/auth/caller.ts';
import { watch } from '../../src/auth/watch.ts';

const DAY_MS = 86_400_000;

/** A clock that jumps to the end of each wait, one at a time. */
function clock() {
  const state = { time: 0, waits: [] as number[], wake: () => undefined as unknown, aborted: false };
  const runtime = {
    now: () => new Date(state.time),
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        state.waits.push(ms);
        signal?.addEventListener('abort', () => {
          state.aborted = true;
          resolve();
        });
        state.wake = () => {
          state.time += ms;
          resolve();
        };
      }),
  };
  const next = async () => {
    state.wake();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { state, runtime, next };
}

const until = (ms: number, revoked?: AbortSignal): Admission => ({
  caller: { ...localCaller, expiresAt: new Date(ms) },
  ...(revoked && { revoked }),
});

describe('watching a caller', () => {
  it('waits for longer than a timer can, and then ends it once', async () => {
    const { state, runtime, next } = clock();
    let ended = 0;
    watch(until(60 * DAY_MS), runtime, () => (ended += 1));
    for (let n = 0; n < 2; n += 1) {
      expect(ended).toBe(0);
      await next();
    }
    await next();
    expect(ended).toBe(1);
    expect(state.time).toBe(60 * DAY_MS);
    expect(Math.max(...state.waits)).toBeLessThan(2 ** 31);
  });

  it('ends whom time has run out for while the clock was set, and whom somebody revoked', async () => {
    const { runtime } = clock();
    let ended = 0;
    watch(until(-1), runtime, () => (ended += 1));
    watch({ caller: localCaller, revoked: AbortSignal.abort() }, runtime, () => (ended += 1));
    const revoking = new AbortController();
    watch(until(DAY_MS, revoking.signal), runtime, () => (ended += 1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(2);
    revoking.abort();
    revoking.abort();
    expect(ended).toBe(3);
  });

  it('that is stopped ends nobody and leaves no timer', async () => {
    const { state, runtime } = clock();
    const revoking = new AbortController();
    const stop = watch(until(DAY_MS, revoking.signal), runtime, () => {
      throw new Error('ended');
    });
    stop();
    revoking.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(state.aborted).toBe(true);
  });

  it('who neither expires nor can be revoked goes on', () => {
    const { state, runtime } = clock();
    watch({ caller: localCaller }, runtime, () => undefined);
    expect(state.waits).toEqual([]);
  });
});
