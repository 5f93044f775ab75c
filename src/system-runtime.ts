import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { setImmediate } from 'node:timers/promises';

import { v7 } from 'uuid';

import type { Runtime } from './purchases/runtime.ts';

/** Chance that is drawn at once for some hundred ids. */
const DRAWN_BYTES = 4_096;
const ID_BYTES = 16;

/** Unlike that of node:timers/promises it makes no error for a signal, which is how most of them end. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms).unref();
    signal?.addEventListener('abort', end);
  });
}

/** The real clock, chance and timers. */
export function systemRuntime(): Runtime {
  let lastMs = 0;
  let seq = 0;
  const drawn = Buffer.alloc(DRAWN_BYTES);
  let used = DRAWN_BYTES;
  const draw = (bytes: number): Buffer => {
    if (used + bytes > DRAWN_BYTES) {
      randomFillSync(drawn);
      used = 0;
    }
    used += bytes;
    return drawn.subarray(used - bytes, used);
  };
  return {
    now: () => new Date(),
    monotonic: () => performance.now(),
    sleep,
    turn: () => setImmediate(),
    random: () => Math.random(),
    id: (at) => {
      // Within a millisecond the counter keeps the order.
      const msecs = at.getTime();
      seq = msecs === lastMs ? seq + 1 : draw(4).readUInt32BE() >>> 2;
      lastMs = msecs;
      return v7({ msecs, seq, random: draw(ID_BYTES) });
    },
  };
}
