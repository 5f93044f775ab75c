import { createClient } from 'graphql-ws';
import { useSyncExternalStore } from 'react';

const PING_MS = 10_000;
/** A server that does not answer a ping for so long is gone, whatever the operating system believes. */
const PONG_WITHIN_MS = 5_000;
const LONGEST_WAIT_MS = 8_000;

const url = `${location.origin.replace(/^http/, 'ws')}/graphql`;
let live = false;
let socket: WebSocket | undefined;
let pongTimer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

/** One WebSocket for every subscription. It comes back by itself, for ever, and each subscription with it. */
export const sockets = createClient({
  url,
  keepAlive: PING_MS,
  retryAttempts: Infinity,
  shouldRetry: () => true,
  // Half of it at random: the counters of a town do not all come back in the same moment.
  retryWait: (retries) => {
    const longest = Math.min(500 * 2 ** retries, LONGEST_WAIT_MS);
    return new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
  },
  on: {
    opened: (opened) => {
      if (opened instanceof WebSocket) socket = opened;
    },
    connected: () => tell(true),
    closed: () => {
      clearTimeout(pongTimer);
      tell(false);
    },
    ping: (received) => {
      if (received) return;
      pongTimer = setTimeout(() => socket?.close(4408, 'no pong'), PONG_WITHIN_MS);
    },
    pong: (received) => {
      if (received) clearTimeout(pongTimer);
    },
  },
});

function tell(now: boolean): void {
  live = now;
  for (const listener of listeners) listener();
}

/** Whether changes are arriving now. */
export function useLive(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => live,
  );
}
