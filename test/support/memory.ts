import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of the heap that are in use after the work and were not before it, without what is garbage. */
export async function keptOf(work: () => unknown): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  await work();
  return used() - before;
}

/** A name of 90 kB, another for each number. */
export function longName(n: number): string {
  // As a string of its own, and not as pieces that all of them share.
  return Buffer.from(`n${n}_`.padEnd(90_000, 'x')).toString('latin1');
}
