import { socketClient } from '../support/stack.ts';
import { inner } from './harness.ts';
import type { SeenEvent } from './history.ts';

const query =
  'subscription ($after: String) { purchaseEvents(after: $after) { cursor status purchase { id } } }';

/** Follows the events over WebSocket from the very first, and after each lost connection goes on by its cursor. */
export async function reader(url: string, seen: SeenEvent[], stopped: AbortSignal): Promise<void> {
  let after = Buffer.from('event:0').toString('base64url');
  while (!stopped.aborted) {
    const client = socketClient(url);
    const leave = () => void client.dispose();
    stopped.addEventListener('abort', leave);
    try {
      for await (const { data } of client.iterate<Record<string, any>>({ query, variables: { after } })) {
        const { cursor, status, purchase } = data?.['purchaseEvents'];
        after = cursor;
        const position = Number(Buffer.from(cursor, 'base64url').toString().replace('event:', ''));
        seen.push({ position, purchaseId: inner(purchase.id), status });
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    stopped.removeEventListener('abort', leave);
    await client.dispose();
  }
}
