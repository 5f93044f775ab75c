import type { Kysely } from 'kysely';

import { productTypes, type ProductType } from '../purchases/catalogue.ts';
import { unsettledStatuses, type Unsettled, type UnsettledStatus } from '../purchases/journal.ts';
import type { Tables } from './tables.ts';

/** Of so many that were created first the one is looked for that has waited longest: one that FAILED long ago and is retried has not. */
const LOOKED_AT = 100;

/** Counts on the index of statuses, which nothing that is settled is read for. */
export async function unsettled(db: Kysely<Tables>, integration: string): Promise<readonly Unsettled[]> {
  const found: Unsettled[] = [];
  for (const status of unsettledStatuses) {
    let count = 0;
    let oldest = Infinity;
    // One after another: it does not take all connections.
    for (const productType of productTypes) {
      const row = await unsettledQuery(db, integration, status, productType).executeTakeFirst();
      count += row?.count ?? 0;
      oldest = Math.min(oldest, row?.since ?? Infinity);
    }
    found.push({ status, count, since: oldest === Infinity ? null : new Date(oldest) });
  }
  return found;
}

function unsettledQuery(
  db: Kysely<Tables>,
  integration: string,
  status: UnsettledStatus,
  productType: ProductType,
) {
  const those = db
    .selectFrom('purchases')
    .where('integration', '=', integration)
    .where('status', '=', status)
    .where('product_type', '=', productType);
  const first = those.select(['unresolved_since', 'created_at']).orderBy('id').limit(LOOKED_AT);
  return db.selectNoFrom((eb) => [
    eb
      .selectFrom(first.as('first'))
      .select(({ fn }) => fn.min(fn.coalesce('first.unresolved_since', 'first.created_at')).as('since'))
      .as('since'),
    eb
      .selectFrom(those.select('id').as('all_of_them'))
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .as('count'),
  ]);
}
