import type { SubscribePayload } from 'graphql-ws';

/**
 * A subscription that goes on from the last event it has seen. graphql-ws sends its payload again after every lost
 * connection, and JSON reads the getter then. A subscription that gives no cursor is sent as it is.
 */
export function resumable(payload: SubscribePayload): {
  payload: SubscribePayload;
  seen: (data: Readonly<Record<string, unknown>> | null) => void;
} {
  const { after, ...variables } = payload.variables ?? {};
  let cursor = after;
  const resuming = Object.defineProperty({ ...variables }, 'after', { enumerable: true, get: () => cursor });
  return {
    payload: { ...payload, variables: resuming },
    seen: (data) => {
      for (const event of Object.values(data ?? {})) cursor = cursorOf(event) ?? cursor;
    },
  };
}

function cursorOf(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null || !('cursor' in event)) return undefined;
  return typeof event.cursor === 'string' ? event.cursor : undefined;
}
