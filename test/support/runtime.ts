import { setImmediate, setTimeout } from 'node:timers/promises';

import { v7 } from 'uuid';

import type { Runtime } from '../../src/purchases/runtime.ts';

/** The real clock, for tests of the domain alone: the gateway's own brings the whole gateway with it. */
export function realRuntime(): Runtime {
  return {
    now: () => new Date(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) =>
      setTimeout(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined),
    turn: () => setImmediate(),
    random: () => Math.random(),
    id: (at) => v7({ msecs: at.getTime() }),
  };
}
