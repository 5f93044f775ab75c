import { getEventListeners } from 'node:events';
import { performance } from 'node:perf_hooks';

import { describe, expect, it } from 'vitest';

import { systemRuntime } from '../src/system-runtime.ts';

const LONG_MS = 1_000_000;

describe('the real clock', () => {
  it('sleeps for as long as it is told', async () => {
    const startedAt = performance.now();
    await systemRuntime().sleep(20);
    // Timers count in whole milliseconds of a clock that is read once a turn.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(19);
  });

  it('wakes at once when the signal aborts, whatever for, and does not sleep when it has', async () => {
    const enough = new AbortController();
    const sleeping = systemRuntime().sleep(LONG_MS, enough.signal);
    enough.abort(new Error('enough'));
    await expect(sleeping).resolves.toBeUndefined();
    await expect(systemRuntime().sleep(LONG_MS, enough.signal)).resolves.toBeUndefined();
  });

  it('leaves nothing at a signal that outlives it', async () => {
    const { signal } = new AbortController();
    await systemRuntime().sleep(1, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const enough = new AbortController();
    const sleeping = systemRuntime().sleep(LONG_MS, enough.signal);
    expect(getEventListeners(enough.signal, 'abort')).toHaveLength(1);
    enough.abort();
    await sleeping;
    expect(getEventListeners(enough.signal, 'abort')).toEqual([]);
  });
});
