import { sql, type Kysely, type SelectQueryBuilder } from 'kysely';

import { productTypes, surfaces } from '../purchases/catalogue.ts';
import type {
  DueRequest,
  AuditRequest,
  EventRequest,
  PageRequest,
  PurchaseFilter,
  Reveal,
  SuccessRequest,
} from '../purchases/journal.ts';
import { utcDay } from '../purchases/day.ts';
import { purchaseStatuses } from '../purchases/purchase.ts';
import { idFloor } from './ids.ts';
import { storedText } from './models.ts';
import type { Sealed } from './rows.ts';
import type { Tables } from './tables.ts';

/** Whose part of the record is meant, which instance works on it, and how it is sealed. */
export interface View extends Sealed {
  readonly instance: string;
}

type Purchases<O> = SelectQueryBuilder<Tables, 'purchases', O>;

/**
 * A page in the order of ids, which is the order of creation. Each query walks an index in that order and stops at the
 * limit, however many purchases there are: a filter on status, product or account becomes one such walk per
 * combination of status and product. SQLite merges them as they are (`merges`); PostgreSQL must be told that each is in
 * order and as long as the page at most, or it reads and sorts all that match. Undefined when nothing can match.
 */
export function pageQuery(
  db: Kysely<Tables>,
  view: Sealed,
  { filter = {}, limit, inverted, ...bounds }: PageRequest,
  merges: boolean,
) {
  const direction = inverted ? 'asc' : 'desc';
  const inOrder = <O>(walk: Purchases<O>) => walk.orderBy('id', direction).limit(limit);
  const [first, ...others] = walks(db, view, filter).map((walk) => withinBounds(walk, filter, bounds));
  if (first === undefined) return undefined;
  if (others.length === 0) return inOrder(first);
  const part = (walk: typeof first) => db.selectFrom((merges ? walk : inOrder(walk)).as('walk')).selectAll();
  return others
    .map(part)
    .reduce((merged, other) => merged.unionAll(other), part(first))
    .orderBy('id', direction)
    .limit(limit);
}

function walks(db: Kysely<Tables>, { integration, seal }: Sealed, filter: PurchaseFilter) {
  const all = db.selectFrom('purchases').selectAll().where('integration', '=', integration);
  const { subscriberIdentifier } = filter;
  const accounts = accountsOf(filter);
  const statuses = new Set(filter.status ?? purchaseStatuses);
  const products = new Set(filter.productType ?? productTypes);
  if (subscriberIdentifier != null) {
    if (statuses.size === 0 || products.size === 0) return [];
    if (accounts?.length === 0) return [];
    // One meter has few purchases. The rest is written as expressions, so that no planner is led to another index.
    const restricted = (meter: typeof all) => {
      let walk = meter;
      if (accounts !== undefined) walk = walk.where(sql`account_id + 0`, 'in', accounts);
      if (filter.status != null) walk = walk.where(sql`status || ''`, 'in', [...statuses]);
      if (filter.productType != null) walk = walk.where(sql`product_type || ''`, 'in', [...products]);
      return walk;
    };
    return seal
      .marks(integration, storedText(subscriberIdentifier))
      .map((mark) => restricted(all.where('subscriber_identifier', '=', mark)));
  }
  if (accounts === undefined && filter.status == null && filter.productType == null) return [all];
  const bases = accounts?.map((accountId) => all.where('account_id', '=', accountId)) ?? [all];
  return bases.flatMap((base) =>
    [...statuses].flatMap((status) =>
      [...products].map((product) => base.where('status', '=', status).where('product_type', '=', product)),
    ),
  );
}

/** The accounts that a filter leaves; undefined: any. */
export function accountsOf({ accountId, accounts }: PurchaseFilter): readonly number[] | undefined {
  if (accountId == null) return accounts == null ? undefined : [...new Set(accounts)];
  return accounts == null || accounts.includes(accountId) ? [accountId] : [];
}

/** One bound a side, for an index is entered at one only: with the other it would walk all that lies between the two. */
function withinBounds<O>(
  walk: Purchases<O>,
  { createdAfter, createdBefore }: PurchaseFilter,
  { after, before }: Pick<PageRequest, 'after' | 'before'>,
): Purchases<O> {
  const below: string[] = [];
  const above: string[] = [];
  if (after !== undefined) below.push(storedText(after));
  if (before !== undefined) above.push(storedText(before));
  if (createdBefore != null) below.push(idFloor(createdBefore));
  if (createdAfter != null) above.push(idFloor(createdAfter));
  const [lowest] = below.sort();
  const highest = above.sort().at(-1);
  let bounded = walk;
  if (lowest !== undefined) bounded = bounded.where('id', '<', lowest);
  if (highest !== undefined) bounded = bounded.where('id', '>', highest);
  return bounded;
}

/** A literal, not a parameter: SQLite uses a partial index only when it can see that its condition is met. */
const inFlight = sql.lit('IN_FLIGHT');

/** Purchases that are PENDING or UNRESOLVED. A literal, as above. */
export function openQuery(db: Kysely<Tables>, integration: string) {
  return db.selectFrom('purchases').where('integration', '=', integration).where('is_open', '=', sql.lit(1));
}

/** What counts against the limits of a day, by amount. */
export function spentQuery(
  db: Kysely<Tables>,
  integration: string,
  { day, currency, spender }: { day: string; currency: string; spender: string | undefined },
) {
  const spent = db
    .selectFrom('purchases')
    .select(({ fn }) => ['spender', 'amount', fn.countAll<number>().as('purchases')])
    .where('integration', '=', integration)
    .where('spent_on', '=', day)
    .where('currency', '=', currency)
    .where('status', '<>', sql.lit('FAILED'))
    .groupBy(['spender', 'amount']);
  return spender === undefined ? spent : spent.where('spender', '=', spender);
}

export function dueQuery(
  db: Kysely<Tables>,
  { integration, instance: owner }: View,
  { now, horizon, limit, surfaces: wanted = surfaces }: DueRequest,
  merges: boolean,
) {
  const waiting = db
    .selectFrom('purchases')
    .selectAll()
    .where('integration', '=', integration)
    .where('owner', '=', owner)
    // An expression, so that no planner reads all that is unresolved from the index of statuses.
    .where(sql`status || ''`, '=', 'UNRESOLVED')
    .where('surface', 'in', wanted)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('attempts')
            .select('number')
            .whereRef('purchase_id', '=', 'purchases.id')
            .where('outcome', '=', inFlight),
        ),
      ),
    );
  const walk = (from: typeof waiting) => {
    const inOrder = from.orderBy('next_check_at').orderBy('id').limit(limit);
    return db.selectFrom((merges ? from : inOrder).as('walk')).selectAll();
  };
  return walk(waiting.where('next_check_at', '<=', now.getTime()))
    .unionAll(walk(waiting.where('next_check_at', '>', Math.max(now.getTime(), horizon.getTime()))))
    .orderBy('next_check_at')
    .orderBy('id')
    .limit(limit);
}

/** The two tables have no column name in common. */
export function inFlightQuery(db: Kysely<Tables>, { integration, instance }: View) {
  return db
    .selectFrom('attempts')
    .innerJoin('purchases', 'purchases.id', 'attempts.purchase_id')
    .selectAll()
    .where('outcome', '=', inFlight)
    .where(sql`integration || ''`, '=', integration)
    .where('owner', '=', instance);
}

export function attemptInFlightQuery(db: Kysely<Tables>, purchaseId: string) {
  return db
    .selectFrom('attempts')
    .select('number')
    .where('purchase_id', '=', purchaseId)
    .where('outcome', '=', inFlight);
}

/** Of attempts by which something was sent, or may have been: the counterpart of `wasNeverSent`. */
export function sentQuery(db: Kysely<Tables>, purchaseId: string) {
  return db
    .selectFrom('attempts')
    .select('number')
    .where('purchase_id', '=', purchaseId)
    .where((has) => has.or([has('kind', '<>', 'CONFIRM'), has('outcome', '<>', 'NOT_SENT')]))
    .limit(1);
}

export function eventsQuery(
  db: Kysely<Tables>,
  integration: string,
  { after, limit, purchaseId }: EventRequest,
) {
  const query = withPurchases(db)
    .where('events.position', '>', after)
    .orderBy('events.position')
    .limit(limit);
  if (purchaseId === undefined) return query.where('events.integration', '=', integration);
  // An expression, so that no planner walks the integration's events for those of one purchase.
  return query
    .where('events.purchase_id', '=', storedText(purchaseId))
    .where(sql`events.integration || ''`, '=', integration);
}

export function successesQuery(
  db: Kysely<Tables>,
  integration: string,
  { from, until, accountId, after, limit }: SuccessRequest,
) {
  const start = Math.max(from.getTime(), after?.at.getTime() ?? -Infinity);
  let query = withPurchases(db)
    .where('events.integration', '=', integration)
    .where('events.status', '=', sql.lit('SUCCEEDED'))
    .where('events.at', '>=', start)
    .where('events.at', '<', until.getTime());
  if (after !== undefined) {
    const at = after.at.getTime();
    query = query.where((eb) =>
      eb.or([eb('events.at', '!=', at), eb('events.position', '>', after.position)]),
    );
  }
  // An expression, so that no planner reads all of the account's purchases.
  if (accountId !== undefined) query = query.where(sql`purchases.account_id + 0`, '=', accountId);
  return query.orderBy('events.at').orderBy('events.position').limit(limit);
}

function withPurchases(db: Kysely<Tables>) {
  return db
    .selectFrom('events')
    .innerJoin('purchases', 'purchases.id', 'events.purchase_id')
    .selectAll('purchases')
    .select([
      'events.position as event_position',
      'events.at as event_at',
      'events.status as event_status',
      'events.state as event_state',
      'events.author as event_author',
      'events.reason as event_reason',
    ]);
}

/** A settled purchase's last event is the one that settled it. */
export function blottableQuery(
  db: Kysely<Tables>,
  { settledBefore, limit }: { settledBefore: Date; limit: number },
) {
  return db
    .selectFrom('attempts')
    .innerJoin('purchases', 'purchases.id', 'attempts.purchase_id')
    .innerJoin('events', (join) =>
      join
        .onRef('events.integration', '=', 'purchases.integration')
        .onRef('events.position', '=', 'purchases.last_event'),
    )
    .select(['attempts.purchase_id', 'attempts.number'])
    .where('attempts.answer_status', 'is not', null)
    .where('attempts.answer_blotted_at', 'is', null)
    .where('attempts.finished_at', '<', settledBefore.getTime())
    .where(sql`purchases.status || ''`, 'in', ['SUCCEEDED', 'FAILED'])
    .where(sql`events.at + 0`, '<', settledBefore.getTime())
    .orderBy('attempts.finished_at')
    .limit(limit);
}

export function auditQuery(
  db: Kysely<Tables>,
  integration: string,
  { before, limit, purchaseId }: AuditRequest,
) {
  let query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit);
  if (before !== undefined) query = query.where('id', '<', before);
  if (purchaseId === undefined) return query.where('integration', '=', integration);
  return query
    .where('purchase_id', '=', storedText(purchaseId))
    .where(sql`integration || ''`, '=', integration);
}

/** These purchases, and whether the trail tells already that the caller bought them, or was shown their tokens on that day. */
export function revealedQuery(db: Kysely<Tables>, integration: string, { caller, at, purchaseIds }: Reveal) {
  return db
    .selectFrom('purchases')
    .select((eb) => [
      'purchases.id',
      eb
        .exists(
          eb
            .selectFrom('audit')
            .select('audit.id')
            .whereRef('audit.purchase_id', '=', 'purchases.id')
            .where('actor', '=', 'CALLER')
            .where('name', '=', storedText(caller))
            .where((audit) =>
              audit.or([
                audit('action', 'in', ['CONFIRMED', 'RETRIED']),
                audit(sql`at / 86400000`, '=', utcDay(at)),
              ]),
            ),
        )
        .as('stands'),
    ])
    .where('purchases.id', 'in', purchaseIds.map(storedText))
    .where('purchases.integration', '=', integration);
}
