import type { Journal } from '../purchases/journal.ts';
import type { Purchase } from '../purchases/purchase.ts';
import { Refusal } from './run.ts';

/** By its id, its opaque GraphQL id, its reference or its idempotency key, in this order. */
export async function findPurchase(journal: Journal, name: string): Promise<Purchase> {
  const inner = /^Purchase:(.+)$/.exec(Buffer.from(name, 'base64').toString())?.[1];
  const found =
    (await journal.purchase('id', name)) ??
    (inner === undefined ? undefined : await journal.purchase('id', inner)) ??
    (await journal.purchase('reference', name)) ??
    (await journal.purchase('idempotencyKey', name));
  if (found !== undefined) return found;
  throw new Refusal(
    `There is no purchase ${JSON.stringify(name)}. Give its id, its reference (GW-…) or its idempotency key; is DATABASE_URL the right record?`,
  );
}
