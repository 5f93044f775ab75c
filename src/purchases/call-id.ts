import type { Runtime } from './runtime.ts';

/** An X-Request-Id has at most 128 characters: a dot and 36 are ours. */
const LONGEST_ASKER = 91;

/** A new X-Request-Id of a call upstream, which begins with the id of the request that it is made for, where there is one. */
export function callId(runtime: Pick<Runtime, 'id' | 'now'>, askedBy?: string): string {
  const own = runtime.id(runtime.now());
  return askedBy === undefined ? own : `${askedBy.slice(0, LONGEST_ASKER)}.${own}`;
}
