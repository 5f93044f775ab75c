import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

import { v7 } from 'uuid';

import type { Runtime } from './purchases/runtime.ts';

/** The real clock, chance and timers. */
export function systemRuntime(): Runtime {
  let lastMs = 0;
  let seq = 0;
  return {
    now: () => new Date(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) =>
      sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined),
    turn: () => setImmediate(),
    random: () => Math.random(),
    id: (at) => {
      // Within a millisecond the counter keeps the order.
      const msecs = at.getTime();
      seq = msecs === lastMs ? seq + 1 : randomBytes(4).readUInt32BE() >>> 2;
      lastMs = msecs;
      return v7({ msecs, seq });
    },
  };
}
