import { setMaxListeners } from 'node:events';

import type { Runtime } from '../purchases/runtime.ts';
import type { Admission } from './authenticator.ts';

/** A timer's longest wait, which Node keeps in 32 bits. */
const LONGEST_WAIT_MS = 2_147_483_647;

/**
 * Calls `end` once, when the caller expires or is revoked: whatever lasts longer than a request, a socket or a stream,
 * would otherwise outlive its token. Returns how to stop watching.
 */
export function watch(
  { caller, revoked }: Admission,
  { now, sleep }: Pick<Runtime, 'now' | 'sleep'>,
  end: () => void,
): () => void {
  const over = new AbortController();
  const stop = () => over.abort();
  const finish = () => {
    if (over.signal.aborted) return;
    stop();
    end();
  };
  if (revoked !== undefined) {
    // As many as one key has sockets.
    setMaxListeners(0, revoked);
    if (revoked.aborted) queueMicrotask(finish);
    else revoked.addEventListener('abort', finish, { signal: over.signal });
  }
  const { expiresAt } = caller;
  if (expiresAt !== undefined) {
    void (async () => {
      for (;;) {
        const left = expiresAt.getTime() - now().getTime();
        if (left <= 0 || over.signal.aborted) return;
        await sleep(Math.min(left, LONGEST_WAIT_MS), over.signal);
      }
    })().then(finish);
  }
  return stop;
}
