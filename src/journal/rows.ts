import type { Insertable, Selectable } from 'kysely';
import { z } from 'zod';

import {
  auditActions,
  UnreadableError,
  type AuditEntry,
  type Ended,
  type Mandate,
  type NewAttempt,
  type NewPurchase,
} from '../purchases/journal.ts';
import {
  attemptKinds,
  attemptOutcomes,
  purchaseStatuses,
  type Attempt,
  type ByHand,
  type Purchase,
  type PurchaseEvent,
  type Quote,
  type RawAnswer,
} from '../purchases/purchase.ts';
import type { Problem } from '../purchases/problem.ts';
import {
  decimal,
  instant,
  orderModel,
  problemModel,
  quoteModel,
  stateModel,
  storedText,
  text,
} from './models.ts';
import type { Seal } from './seal.ts';
import type { PurchaseChanges } from './statements.ts';
import type { AttemptTable, AuditTable, EventTable, PurchaseTable, QuoteTable } from './tables.ts';

/** An event beside its purchase, as `queries.ts` names its columns. */
type EventRow = Selectable<PurchaseTable> & {
  [
    Column in 'position' | 'at' | 'status' | 'state' | 'author' | 'reason' as `event_${Column}`
  ]: Selectable<EventTable>[Column];
};

const quoteRow = z.object({ id: text, content: z.string(), created_at: instant, expires_at: instant });

const lastingRow = z.object({
  id: z.string(),
  idempotency_key: text,
  reference: text,
  quote_id: text.nullable(),
  content: z.string(),
  created_at: instant,
  last_event: z.int(),
});
const changesRow = z.object({
  status: z.enum(purchaseStatuses),
  state: z.string(),
  checks: z.int(),
  next_check_at: instant.nullable(),
  denied_in_a_row: z.int(),
  unresolved_since: instant.nullable(),
  owner: z.string(),
});
const purchaseRow = lastingRow.extend(changesRow.shape);

const attemptRow = z.object({
  purchase_id: z.string(),
  number: z.int(),
  kind: z.enum(attemptKinds),
  outcome: z.enum(attemptOutcomes),
  started_at: instant,
  finished_at: instant.nullable(),
  request_id: text,
  problem: z.string().nullable(),
  answer_blotted_at: instant.nullable(),
});

const answerRow = z.object({
  answer_status: z.int(),
  answer_body: text,
  answer_complete: z.int().min(0).max(1),
  answer_retry_after: z.number().nullable(),
});

/** Whose part of the record is written, and how it is sealed. */
export interface Sealed {
  readonly integration: string;
  readonly seal: Seal;
}

/** What is sealed belongs to its place. A purchase's events have its state as it was. */
export const contentOf = (id: string) => `order ${id}`;
export const stateOf = (id: string) => `state ${id}`;
export const reasonOf = (purchaseId: string) => `reason ${purchaseId}`;
export const quoteOf = (id: string) => `quote ${id}`;
export const answerOf = (attempt: Pick<Selectable<AttemptTable>, 'purchase_id' | 'number'>) =>
  `answer ${attempt.purchase_id} ${attempt.number}`;
export const problemOf = (attempt: Pick<Selectable<AttemptTable>, 'purchase_id' | 'number'>) =>
  `problem ${attempt.purchase_id} ${attempt.number}`;

export function quoteToRow({ integration, seal }: Sealed, quote: Quote): Insertable<QuoteTable> {
  return {
    integration,
    ...z.encode(quoteRow.pick({ id: true, created_at: true, expires_at: true }), {
      id: quote.id,
      created_at: quote.createdAt,
      expires_at: quote.expiresAt,
    }),
    content: seal.close(quoteOf(quote.id), toJson(quoteModel, quote)),
  };
}

export function quoteFromRow(seal: Seal, row: Selectable<QuoteTable>): Quote {
  const place = `quotes (${row.id})`;
  const { id, content, created_at, expires_at } = parse(place, quoteRow, row);
  const opened = seal.open(quoteOf(id), content);
  return { id, ...fromJson(place, quoteModel, opened), createdAt: created_at, expiresAt: expires_at };
}

export function purchaseToRow(
  sealed: Sealed,
  purchase: NewPurchase & Pick<Purchase, 'lastEvent' | 'owner'>,
): Selectable<PurchaseTable> {
  const { integration, seal } = sealed;
  const { order } = purchase;
  return {
    ...changesToRow(sealed, purchase),
    ...z.encode(lastingRow, {
      id: purchase.id,
      idempotency_key: purchase.idempotencyKey,
      reference: purchase.reference,
      quote_id: purchase.quoteId,
      content: seal.close(contentOf(purchase.id), toJson(orderModel, order)),
      created_at: purchase.createdAt,
      last_event: purchase.lastEvent,
    }),
    integration,
    spender: null,
    spent_on: null,
    surface: order.surface,
    product_type: order.productType,
    account_id: order.accountId,
    subscriber_identifier: seal.mark(integration, storedText(order.subscriberIdentifier)),
    amount: z.encode(decimal, order.amount.amount),
    currency: storedText(order.amount.currency),
  };
}

/** Whose limits it counts against, in the columns of a purchase. */
export function spendingToRow({
  caller,
  day,
}: Mandate): Pick<Selectable<PurchaseTable>, 'spender' | 'spent_on'> {
  return { spender: storedText(caller), spent_on: day };
}

/** What may change of it. */
export function changesToRow(
  { seal }: Sealed,
  purchase: NewPurchase & Pick<Purchase, 'owner'>,
): Omit<PurchaseChanges, 'spender' | 'spent_on'> {
  return {
    ...z.encode(changesRow, {
      status: purchase.status,
      state: seal.close(stateOf(purchase.id), toJson(stateModel, purchase)),
      checks: purchase.checks,
      next_check_at: purchase.nextCheckAt,
      denied_in_a_row: purchase.deniedInARow,
      unresolved_since: purchase.unresolvedSince,
      owner: purchase.owner,
    }),
    is_open: isOpen(purchase),
  };
}

/** For the index of what somebody has to look after. */
function isOpen({ status }: Pick<Purchase, 'status'>): 0 | 1 {
  return status === 'PENDING' || status === 'UNRESOLVED' ? 1 : 0;
}

export function purchaseFromRow(seal: Seal, row: Selectable<PurchaseTable>): Purchase {
  const place = `purchases (${row.id})`;
  const parsed = parse(place, purchaseRow, row);
  return {
    id: parsed.id,
    idempotencyKey: parsed.idempotency_key,
    reference: parsed.reference,
    quoteId: parsed.quote_id,
    order: fromJson(place, orderModel, seal.open(contentOf(parsed.id), parsed.content)),
    createdAt: parsed.created_at,
    status: parsed.status,
    ...fromJson(place, stateModel, seal.open(stateOf(parsed.id), parsed.state)),
    checks: parsed.checks,
    nextCheckAt: parsed.next_check_at,
    deniedInARow: parsed.denied_in_a_row,
    unresolvedSince: parsed.unresolved_since,
    lastEvent: parsed.last_event,
    owner: parsed.owner,
  };
}

export function attemptToRow(
  purchaseId: string,
  number: number,
  attempt: NewAttempt,
): Selectable<AttemptTable> {
  return {
    ...z.encode(attemptRow, {
      purchase_id: purchaseId,
      number,
      kind: attempt.kind,
      outcome: 'IN_FLIGHT',
      started_at: attempt.startedAt,
      finished_at: null,
      request_id: attempt.requestId,
      problem: null,
      answer_blotted_at: null,
    }),
    answer_status: null,
    answer_body: null,
    answer_complete: null,
    answer_retry_after: null,
  };
}

export function attemptFromRow(seal: Seal, row: Selectable<AttemptTable>): Attempt {
  const place = attemptPlace(row);
  const parsed = parse(place, attemptRow, row);
  return {
    purchaseId: parsed.purchase_id,
    number: parsed.number,
    kind: parsed.kind,
    outcome: parsed.outcome,
    startedAt: parsed.started_at,
    finishedAt: parsed.finished_at,
    requestId: parsed.request_id,
    problem:
      parsed.problem === null
        ? null
        : fromJson(place, problemModel, seal.open(problemOf(row), parsed.problem)),
    answer: row.answer_status === null ? null : answerFromRow(seal, row),
    answerBlottedAt: parsed.answer_blotted_at,
  };
}

const endedRow = attemptRow.pick({ outcome: true, finished_at: true });

export function endedFromRow(row: Pick<Selectable<AttemptTable>, 'outcome' | 'finished_at'>): Ended {
  const { outcome, finished_at: finishedAt } = parse('attempts', endedRow, row);
  return { outcome, finishedAt };
}

const byHandRow = z.object({ author: text, reason: text });

export function byHandToRow(
  seal: Seal,
  purchaseId: string,
  byHand: ByHand | null,
): Pick<Selectable<EventTable>, 'author' | 'reason'> {
  if (byHand === null) return { author: null, reason: null };
  const { author, reason } = z.encode(byHandRow, byHand);
  return { author, reason: seal.close(reasonOf(purchaseId), reason) };
}

export function eventFromRow(seal: Seal, row: EventRow): PurchaseEvent {
  const { event_position, event_at, event_status, event_state, event_author, event_reason, ...purchase } =
    row;
  return {
    position: event_position,
    at: new Date(event_at),
    purchase: purchaseFromRow(seal, {
      ...purchase,
      status: event_status,
      state: event_state,
      last_event: event_position,
    }),
    byHand:
      event_author === null || event_reason === null
        ? null
        : parse(`events (${event_position})`, byHandRow, {
            author: event_author,
            reason: seal.open(reasonOf(row.id), event_reason),
          }),
  };
}

const auditRow = z.object({
  at: instant,
  action: z.enum(auditActions),
  actor: z.enum(['CALLER', 'OPERATOR']),
  name: text,
  purchase_id: z.string(),
  reason: text.nullable(),
});

export function auditToRow(
  { integration, seal }: Sealed,
  entry: AuditEntry,
): Omit<Selectable<AuditTable>, 'id'> {
  const { purchaseId, ...rest } = entry;
  const { reason, ...row } = z.encode(auditRow, { ...rest, purchase_id: purchaseId });
  return { integration, ...row, reason: reason === null ? null : seal.close(reasonOf(purchaseId), reason) };
}

export function auditFromRow(seal: Seal, row: Selectable<AuditTable>): AuditEntry & { readonly id: number } {
  const { reason: stored } = row;
  const reason = stored === null ? null : seal.open(reasonOf(row.purchase_id), stored);
  const { purchase_id, ...rest } = parse(`audit (${row.id})`, auditRow, { ...row, reason });
  return { id: row.id, purchaseId: purchase_id, ...rest };
}

function answerFromRow(seal: Seal, row: Selectable<AttemptTable>): RawAnswer {
  const stored = row.answer_body ?? '';
  const parsed = parse(attemptPlace(row), answerRow, {
    ...row,
    answer_body: seal.open(answerOf(row), stored),
  });
  return {
    status: parsed.answer_status,
    body: parsed.answer_body,
    complete: parsed.answer_complete === 1,
    retryAfterSeconds: parsed.answer_retry_after,
  };
}

export function answerToRow(
  seal: Seal,
  attempt: { purchase_id: string; number: number },
  answer: RawAnswer,
): z.input<typeof answerRow> {
  const row = z.encode(answerRow, {
    answer_status: answer.status,
    answer_body: answer.body,
    answer_complete: answer.complete ? 1 : 0,
    answer_retry_after: answer.retryAfterSeconds,
  });
  return { ...row, answer_body: seal.close(answerOf(attempt), row.answer_body) };
}

export function problemToRow(
  seal: Seal,
  attempt: { purchase_id: string; number: number },
  problem: Problem | null,
): string | null {
  return problem && seal.close(problemOf(attempt), toJson(problemModel, problem));
}

function attemptPlace({ purchase_id, number }: Pick<Selectable<AttemptTable>, 'purchase_id' | 'number'>) {
  return `attempts (${purchase_id} ${number})`;
}

function toJson<T extends z.ZodType>(model: T, value: z.output<T>): string {
  return JSON.stringify(z.encode(model, value));
}

function fromJson<T extends z.ZodType>(place: string, model: T, json: string): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The error itself quotes the text, and the text may hold a token (R9).
    throw new UnreadableError(`the record is damaged: the row of ${place} holds no valid JSON`);
  }
  return parse(place, model, value);
}

function parse<T extends z.ZodType>(place: string, model: T, value: unknown): z.output<T> {
  const result = model.safeParse(value);
  if (result.success) return result.data;
  const where = result.error.issues.map(({ path, code }) => `${path.join('.')} (${code})`).join(', ');
  throw new UnreadableError(`the record is damaged: the row of ${place} cannot be read: ${where}`);
}
