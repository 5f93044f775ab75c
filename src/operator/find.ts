import type { Journal } from '../purchases/journal.ts';
import type { Purchase } from '../purchases/purchase.ts';
import { Refusal } from './run.ts';

/** A purchase, and the part of the record that it is in. */
export interface Found {
  readonly journal: Journal;
  readonly purchase: Purchase;
}

/** By its id, its opaque GraphQL id, its reference or its idempotency key, in this order. */
export async function findPurchase(journals: readonly Journal[], name: string): Promise<Found> {
  const inner = /^Purchase:(.+)$/.exec(Buffer.from(name, 'base64').toString())?.[1];
  const found: Found[] = [];
  for (const journal of journals) {
    const purchase =
      (await journal.purchase('id', name)) ??
      (inner === undefined ? undefined : await journal.purchase('id', inner)) ??
      (await journal.purchase('reference', name)) ??
      (await journal.purchase('idempotencyKey', name));
    if (purchase !== undefined) found.push({ journal, purchase });
  }
  const [one, ...others] = found;
  if (one !== undefined && others.length === 0) return one;
  if (one !== undefined) {
    const where = found.map(({ journal }) => journal.integration).join(', ');
    throw new Refusal(
      `Several integrations have a purchase of that key: ${where}. Say which with --integration.`,
    );
  }
  throw new Refusal(
    `There is no purchase ${JSON.stringify(name)}. Give its id, its reference (GW-…) or its idempotency key; is DATABASE_URL the right record?`,
  );
}
