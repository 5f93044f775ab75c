import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Preloaded into what is measured: on SIGUSR2 it collects all garbage and tells what is left, in bytes. */
process.on('SIGUSR2', async () => {
  // Finalizers of one collection free what the next one collects.
  for (let n = 0; n < 4; n += 1) {
    globalThis.gc?.();
    await sleep(100);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  process.stdout.write(`MEMORY ${heapUsed + external} ${rss}\n`);
});
