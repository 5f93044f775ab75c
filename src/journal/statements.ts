import type { Selectable } from 'kysely';

import type { PurchaseKey } from '../purchases/journal.ts';
import { row, statement } from './statement.ts';
import type { AttemptTable, AuditTable, EventTable, PurchaseTable } from './tables.ts';

const purchaseColumns = [
  ...(['id', 'integration', 'idempotency_key', 'reference', 'quote_id', 'content', 'surface'] as const),
  ...(['product_type', 'account_id', 'subscriber_identifier', 'amount', 'currency', 'created_at'] as const),
  ...(['status', 'state', 'checks', 'next_check_at', 'denied_in_a_row', 'unresolved_since'] as const),
  ...(['last_event', 'owner', 'is_open', 'spender', 'spent_on'] as const),
] satisfies (keyof PurchaseTable)[];

const changingColumns = [
  ...(['status', 'is_open', 'state', 'checks', 'next_check_at', 'denied_in_a_row'] as const),
  ...(['unresolved_since', 'owner', 'spender', 'spent_on'] as const),
] satisfies (keyof PurchaseTable)[];

const attemptColumns = [
  ...(['purchase_id', 'number', 'kind', 'outcome', 'started_at', 'finished_at', 'request_id'] as const),
  ...(['problem', 'answer_status', 'answer_body', 'answer_complete', 'answer_retry_after'] as const),
  ...(['answer_blotted_at'] as const),
] satisfies (keyof AttemptTable)[];

const eventColumns = [
  ...(['integration', 'position', 'purchase_id', 'at', 'status', 'state', 'author', 'reason'] as const),
] satisfies (keyof EventTable)[];

const auditColumns = [
  ...(['integration', 'at', 'action', 'actor', 'name', 'purchase_id', 'reason'] as const),
] satisfies (keyof AuditTable)[];

/** What may change of a purchase. */
export type PurchaseChanges = Pick<Selectable<PurchaseTable>, (typeof changingColumns)[number]>;

type AttemptKey = Pick<Selectable<AttemptTable>, 'purchase_id' | 'number'>;
type Answer = Pick<
  Selectable<AttemptTable>,
  'answer_status' | 'answer_body' | 'answer_complete' | 'answer_retry_after'
>;
type Outcome = Pick<Selectable<AttemptTable>, 'outcome' | 'problem' | 'finished_at'>;

const purchaseBy = (column: 'id' | 'reference' | 'idempotency_key') =>
  statement<{ value: string; integration: string }>()((value, { db }) =>
    db
      .selectFrom('purchases')
      .selectAll()
      .where(column, '=', value('value'))
      .where('integration', '=', value('integration')),
  );

/** One of its integration's; what belongs to another is not there. */
export const purchaseWith = {
  id: purchaseBy('id'),
  reference: purchaseBy('reference'),
  idempotencyKey: purchaseBy('idempotency_key'),
} as const satisfies Record<PurchaseKey, unknown>;

/** Locked until the commit: what is decided by it still holds when it is written. */
const current = <Column extends keyof PurchaseTable>(columns: readonly Column[]) =>
  statement<{ id: string; integration: string }>()((value, { db, locksRows }) =>
    db
      .selectFrom('purchases')
      .select(columns)
      .where('id', '=', value('id'))
      .where('integration', '=', value('integration'))
      .$if(locksRows, (query) => query.forUpdate()),
  );

export const currentPurchase = current(purchaseColumns);

export const currentOwner = current(['id', 'owner']);

export const insertPurchase = statement<Selectable<PurchaseTable>>()((value, { db }) =>
  db.insertInto('purchases').values(row(value, purchaseColumns)),
);

export const changePurchase = statement<PurchaseChanges & { id: string }>()((value, { db }) =>
  db.updateTable('purchases').set(row(value, changingColumns)).where('id', '=', value('id')),
);

/** With the event of the change. */
export const movePurchase = statement<PurchaseChanges & { id: string; last_event: number }>()(
  (value, { db }) =>
    db
      .updateTable('purchases')
      .set({ ...row(value, changingColumns), last_event: value('last_event') })
      .where('id', '=', value('id')),
);

export const markPurchase = statement<{ id: string; last_event: number }>()((value, { db }) =>
  db
    .updateTable('purchases')
    .set({ last_event: value('last_event') })
    .where('id', '=', value('id')),
);

export const insertAttempt = statement<Selectable<AttemptTable>>()((value, { db }) =>
  db.insertInto('attempts').values(row(value, attemptColumns)),
);

/** The first answer stays. */
export const answerAttempt = statement<AttemptKey & Answer>()((value, { db }) =>
  db
    .updateTable('attempts')
    .set(row(value, ['answer_status', 'answer_body', 'answer_complete', 'answer_retry_after']))
    .where('purchase_id', '=', value('purchase_id'))
    .where('number', '=', value('number'))
    .where('outcome', '=', 'IN_FLIGHT')
    .where('answer_status', 'is', null),
);

export const endAttempt = statement<AttemptKey & Outcome>()((value, { db }) =>
  db
    .updateTable('attempts')
    .set(row(value, ['outcome', 'problem', 'finished_at']))
    .where('purchase_id', '=', value('purchase_id'))
    .where('number', '=', value('number'))
    .where('outcome', '=', 'IN_FLIGHT'),
);

export const insertAudit = statement<Omit<Selectable<AuditTable>, 'id'>>()((value, { db }) =>
  db.insertInto('audit').values(row(value, auditColumns)),
);

/** The position of the integration's next event. */
export const countEvent = statement<{ integration: string }>()((value, { db }) =>
  db
    .insertInto('event_counters')
    .values({ integration: value('integration'), position: 1 })
    .onConflict((conflict) =>
      conflict
        .column('integration')
        .doUpdateSet(({ eb }) => ({ position: eb('event_counters.position', '+', 1) })),
    )
    .returning('position'),
);

export const insertEvent = statement<Selectable<EventTable>>()((value, { db }) =>
  db.insertInto('events').values(row(value, eventColumns)),
);
