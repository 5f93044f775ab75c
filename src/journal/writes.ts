import type { Selectable } from 'kysely';

import {
  DayLimitError,
  IllegalMoveError,
  type AttemptId,
  type AttemptResult,
  type AuditEntry,
  type Decided,
  type Ended,
  type Mandate,
  type NewAttempt,
  type NewPurchase,
  type PurchaseChange,
  type Reveal,
} from '../purchases/journal.ts';
import { Decimal, type Money } from '../purchases/money.ts';
import {
  canRetry,
  isInDoubt,
  isSettled,
  mayMove,
  type ByHand,
  type Purchase,
  type PurchaseEvent,
  type PurchaseStatus,
  type RawAnswer,
} from '../purchases/purchase.ts';
import { idTime } from './ids.ts';
import {
  attemptInFlightQuery,
  blottableQuery,
  openQuery,
  sentQuery,
  spentQuery,
  type View,
} from './queries.ts';
import { storedText } from './models.ts';
import {
  answerToRow,
  attemptFromRow,
  attemptToRow,
  auditToRow,
  byHandToRow,
  changesToRow,
  endedFromRow,
  purchaseFromRow,
  purchaseToRow,
  spendingToRow,
  problemToRow,
} from './rows.ts';
import {
  answerAttempt,
  changePurchase,
  currentOwner,
  currentPurchase,
  endAttempt,
  insertAttempt,
  insertAudit,
  insertPurchase,
  purchaseWith,
} from './statements.ts';
import type { Statement } from './statement.ts';
import type { Transaction } from './store.ts';
import type { PurchaseTable } from './tables.ts';

/** How many purchases of a dead instance are taken at once, so that the living share them. */
const ADOPTED_AT_ONCE = 100;

export async function begin(
  transaction: Transaction,
  view: View,
  purchase: NewPurchase,
  attempt: NewAttempt,
  mandate: Mandate | undefined,
) {
  requireNew(purchase);
  await alone(transaction, view, mandate);
  const { row: known } = await transaction.run(purchaseWith.idempotencyKey, {
    value: storedText(purchase.idempotencyKey),
    integration: view.integration,
  });
  if (known !== undefined) return { purchase: purchaseFromRow(view.seal, known), attempt: null };

  await requireWithin(transaction, view, purchase.order.amount, mandate);
  const begun = { ...purchase, lastEvent: 0, owner: view.instance };
  const row = { ...purchaseToRow(view, begun), ...(mandate && spendingToRow(mandate)) };
  await transaction.run(insertPurchase, row);
  const first = attemptToRow(row.id, 1, attempt);
  await transaction.run(insertAttempt, first);
  if (mandate !== undefined) {
    await audit(transaction, view, byCaller('CONFIRMED', mandate, purchase.id, attempt.startedAt));
  }
  const lastEvent = await transaction.appendEvent({
    row: eventRow(view, row, purchase.createdAt, null),
    change: null,
    told: (position) => eventOf({ ...begun, lastEvent: position }, purchase.createdAt, null),
  });
  return { purchase: { ...begun, lastEvent }, attempt: attemptFromRow(view.seal, first) };
}

export async function startAttempt(
  transaction: Transaction,
  view: View,
  purchaseId: string,
  from: PurchaseStatus,
  attempt: NewAttempt,
  change: PurchaseChange,
  mandate: Mandate | undefined,
) {
  const { db } = transaction;
  const spends = from === 'FAILED' ? mandate : undefined;
  await alone(transaction, view, spends);
  const row = await current(transaction, view, purchaseId, currentPurchase);
  const before = purchaseFromRow(view.seal, row);
  if (before.status !== from || (from === 'FAILED' && !canRetry(before))) return null;
  if ((await attemptInFlightQuery(db, purchaseId).executeTakeFirst()) !== undefined) return null;
  // What the caller read may be out of date by now: whether it is a confirm is decided here.
  if (attempt.kind === 'CONFIRM' && (await sentQuery(db, purchaseId).executeTakeFirst()) !== undefined)
    return null;
  const last = await db
    .selectFrom('attempts')
    .select('number')
    .where('purchase_id', '=', purchaseId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  await requireWithin(transaction, view, before.order.amount, spends);
  const next = attemptToRow(purchaseId, (last?.number ?? 0) + 1, attempt);
  await transaction.run(insertAttempt, next);
  if (mandate !== undefined) {
    await audit(transaction, view, byCaller('RETRIED', mandate, purchaseId, attempt.startedAt));
  }
  const purchase = await apply(transaction, view, row, change, { owner: view.instance, spends });
  return { purchase, attempt: attemptFromRow(view.seal, next) };
}

export async function keepAnswer(
  transaction: Transaction,
  view: View,
  { purchaseId, number }: AttemptId,
  answer: RawAnswer,
): Promise<void> {
  requireOwn(await current(transaction, view, purchaseId, currentOwner), view);
  const attempt = { purchase_id: purchaseId, number };
  const { changed } = await transaction.run(answerAttempt, {
    ...attempt,
    ...answerToRow(view.seal, attempt, answer),
  });
  if (changed !== 1) {
    throw new Error(`attempt ${number} of purchase ${purchaseId} is not waiting for an answer`);
  }
}

export async function finishAttempt(
  transaction: Transaction,
  view: View,
  { purchaseId, number }: AttemptId,
  { outcome, problem, finishedAt }: AttemptResult,
  change: PurchaseChange,
): Promise<Purchase> {
  // The purchase first, as everywhere: two that lock it and its attempts in different orders wait for each other.
  const row = await current(transaction, view, purchaseId, currentPurchase);
  const attempt = { purchase_id: purchaseId, number };
  const { changed } = await transaction.run(endAttempt, {
    ...{ ...attempt, outcome, finished_at: finishedAt.getTime() },
    problem: problemToRow(view.seal, attempt, problem),
  });
  if (changed !== 1) throw new Error(`attempt ${number} of purchase ${purchaseId} is not in flight`);
  requireOwn(row, view);
  return apply(transaction, view, row, change, { owner: view.instance });
}

/**
 * Strikes off and takes over in one transaction: an instance that lives after all is told so by its next `beat`. Until
 * the commit it cannot join again, for its row is taken: so nothing that it begins once it has joined is adopted.
 */
export async function adopt(
  { db, locksRows }: Transaction,
  view: View,
  dead: string,
  beat: number | undefined,
): Promise<number> {
  if (beat !== undefined) {
    const struck = await db
      .deleteFrom('instances')
      .where('id', '=', dead)
      .where('beat', '=', beat)
      .executeTakeFirst();
    if (struck.numDeletedRows !== 1n) return 0;
  } else {
    const taken = await db
      .insertInto('instances')
      .values({ id: dead, beat: 0 })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst();
    if (taken.numInsertedOrUpdatedRows !== 1n) return 0;
    await db.deleteFrom('instances').where('id', '=', dead).execute();
  }
  const orphans = await openQuery(db, view.integration)
    .select('id')
    .where('owner', '=', dead)
    .orderBy('id')
    .limit(ADOPTED_AT_ONCE)
    .$if(locksRows, (query) => query.forUpdate().skipLocked())
    .execute();
  if (orphans.length === 0) return 0;
  const adopted = await db
    .updateTable('purchases')
    .set({ owner: view.instance })
    .where(
      'id',
      'in',
      orphans.map(({ id }) => id),
    )
    .where('owner', '=', dead)
    .executeTakeFirst();
  return Number(adopted.numUpdatedRows);
}

function requireOwn(
  { id, owner }: Pick<Selectable<PurchaseTable>, 'id' | 'owner'>,
  { instance }: View,
): void {
  if (owner !== instance) throw new Error(`purchase ${id} was taken over by another instance, ${owner}`);
}

export async function decide(
  transaction: Transaction,
  view: View,
  purchaseId: string,
  byHand: ByHand,
  decision: (purchase: Purchase, attempts: readonly Ended[]) => PurchaseChange,
): Promise<Decided> {
  const row = await current(transaction, view, purchaseId, currentPurchase);
  const purchase = purchaseFromRow(view.seal, row);
  if (!isInDoubt(purchase.status)) return { refused: 'NOT_IN_DOUBT', purchase };
  // No more than that: also where an answer cannot be read a person can decide.
  const ends = await transaction.db
    .selectFrom('attempts')
    .select(['outcome', 'finished_at'])
    .where('purchase_id', '=', row.id)
    .orderBy('number')
    .execute();
  const attempts = ends.map(endedFromRow);
  if (attempts.some(({ outcome }) => outcome === 'IN_FLIGHT')) return { refused: 'IN_FLIGHT', purchase };
  const change = decision(purchase, attempts);
  const action = isSettled(change.status) ? 'SETTLED' : 'ASKED_AGAIN';
  const { author: name, reason } = byHand;
  const entry = {
    at: change.updatedAt,
    action,
    actor: 'OPERATOR',
    name,
    purchaseId: row.id,
    reason,
  } as const;
  await audit(transaction, view, entry);
  return {
    refused: null,
    purchase: await apply(transaction, view, row, change, { owner: row.owner, byHand }),
  };
}

async function audit(transaction: Transaction, view: View, entry: AuditEntry): Promise<void> {
  await transaction.run(insertAudit, auditToRow(view, entry));
}

export async function auditAlone(
  transaction: Transaction,
  view: View,
  entries: readonly AuditEntry[],
): Promise<void> {
  for (const entry of entries) {
    await current(transaction, view, entry.purchaseId, currentPurchase);
    await audit(transaction, view, entry);
  }
}

/** What another has written meanwhile stays: the database has one of each day. */
export async function revealTo(
  { db }: Transaction,
  view: View,
  { at, purchaseIds, ...reveal }: Reveal,
): Promise<void> {
  await db
    .insertInto('audit')
    .values(purchaseIds.map((id) => auditToRow(view, byCaller('REVEALED', reveal, id, at))))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function byCaller(
  action: 'CONFIRMED' | 'RETRIED' | 'REVEALED',
  { caller: name }: Pick<Mandate, 'caller'>,
  purchaseId: string,
  at: Date,
): AuditEntry {
  return { at, action, actor: 'CALLER', name, purchaseId, reason: null };
}

/** Of those who spend from one limit, one at a time: what it has read of the others' spending holds until its commit. */
async function alone(
  transaction: Transaction,
  { integration }: View,
  mandate: Mandate | undefined,
): Promise<void> {
  // In this order, always: no two wait for each other.
  if (mandate?.mostByAll != null) await transaction.exclusively(`spending ${integration}`);
  if (mandate?.mostByCaller != null)
    await transaction.exclusively(`spending ${integration} ${storedText(mandate.caller)}`);
}

/** Throws when a limit of the day does not allow the amount. */
async function requireWithin(
  { db }: Transaction,
  { integration }: View,
  { amount, currency: named }: Money,
  mandate: Mandate | undefined,
): Promise<void> {
  if (mandate === undefined) return;
  const { day, caller, mostByAll, mostByCaller } = mandate;
  const currency = storedText(named);
  const limits = [
    { whose: 'CALLER', most: mostByCaller, spender: storedText(caller) },
    { whose: 'INTEGRATION', most: mostByAll, spender: undefined },
  ] as const;
  for (const { whose, most, spender } of limits) {
    if (most === null) continue;
    const rows = await spentQuery(db, integration, { day, currency, spender }).execute();
    const left = rows.reduce((rest, row) => rest.minus(new Decimal(row.amount).times(row.purchases)), most);
    if (amount.greaterThan(left)) throw new DayLimitError(whose, most, Decimal.max(left, 0));
  }
}

export async function blotAnswers(
  { db }: Transaction,
  { now, ...request }: { settledBefore: Date; now: Date; limit: number },
): Promise<number> {
  const attempts = await blottableQuery(db, request).execute();
  for (const { purchase_id, number } of attempts) {
    await db
      .updateTable('attempts')
      .set({ answer_body: '', answer_blotted_at: now.getTime() })
      .where('purchase_id', '=', purchase_id)
      .where('number', '=', number)
      .execute();
  }
  return attempts.length;
}

async function current<Row>(
  transaction: Transaction,
  { integration }: View,
  purchaseId: string,
  statement: Statement<{ id: string; integration: string }, Row>,
): Promise<Row> {
  const { row } = await transaction.run(statement, { id: storedText(purchaseId), integration });
  if (row === undefined) throw new Error(`there is no purchase ${purchaseId}`);
  return row;
}

/** The one way on which a recorded purchase changes (R6). */
async function apply(
  transaction: Transaction,
  view: View,
  row: Selectable<PurchaseTable>,
  change: PurchaseChange,
  { owner, byHand = null, spends }: { owner: string; byHand?: ByHand | null; spends?: Mandate | undefined },
): Promise<Purchase> {
  const before = purchaseFromRow(view.seal, row);
  const moves = change.status !== before.status;
  if (before.status === 'SUCCEEDED' || (moves && !mayMove(before.status, change.status))) {
    throw new IllegalMoveError(before.id, before.status, change.status);
  }
  const after = { ...before, ...change, owner };
  const changed = {
    ...changesToRow(view, after),
    ...(spends === undefined ? { spender: row.spender, spent_on: row.spent_on } : spendingToRow(spends)),
  };
  if (!moves) {
    await transaction.run(changePurchase, { ...changed, id: row.id });
    return after;
  }
  const at = change.updatedAt;
  const lastEvent = await transaction.appendEvent({
    row: eventRow(view, { ...row, ...changed }, at, byHand),
    change: changed,
    told: (position) => eventOf({ ...after, lastEvent: position }, at, byHand),
  });
  return { ...after, lastEvent };
}

function eventRow(
  { seal }: View,
  { integration, id, status, state }: Selectable<PurchaseTable>,
  at: Date,
  byHand: ByHand | null,
) {
  return { integration, purchase_id: id, at: at.getTime(), status, state, ...byHandToRow(seal, id, byHand) };
}

function eventOf(purchase: Purchase, at: Date, byHand: ByHand | null): PurchaseEvent {
  return { position: purchase.lastEvent, at, purchase, byHand };
}

/** Pages go by id alone, and by instants turned into ids: that is exact only while these hold. */
function requireNew({ id, createdAt, status }: NewPurchase): void {
  if (idTime(id) !== createdAt.getTime()) {
    throw new Error(`the id of a purchase must be a UUID of version 7 made at its createdAt: ${id}`);
  }
  if (status !== 'PENDING') throw new Error(`a purchase begins PENDING, not ${status}: ${id}`);
}
