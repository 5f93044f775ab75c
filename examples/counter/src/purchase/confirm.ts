import { client } from '../gateway/client.ts';
import { Confirm } from '../gateway/operations.ts';
import { note, type Intent } from './intents.ts';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;

const underWay = new Map<string, Promise<void>>();

/**
 * Sends the intent until the gateway has answered it, and notes the answer. An answer that is lost says nothing of the
 * purchase, so the very same is sent again: its key lets it be bought once. Rejects with what the gateway threw.
 */
export function confirm(intent: Intent): Promise<void> {
  const sending = underWay.get(intent.key) ?? send(intent).finally(() => underWay.delete(intent.key));
  underWay.set(intent.key, sending);
  return sending;
}

async function send({ key, quoteId }: Intent): Promise<void> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    // It is watched from then on: nothing is won by waiting here.
    const input = { idempotencyKey: key, from: { quoteId }, waitMs: 0 };
    const { data, error } = await client.mutation(Confirm, { input }).toPromise();
    const answer = data?.confirmPurchase;
    if (answer?.__typename === 'Purchase') {
      note(key, { purchaseId: answer.id, refusal: null });
      return;
    }
    if (answer?.__typename === 'Problem') {
      note(key, { refusal: answer });
      return;
    }
    if (error !== undefined && error.graphQLErrors.length > 0) throw error;
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
  }
}
