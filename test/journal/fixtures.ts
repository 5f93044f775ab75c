import { v7 } from 'uuid';

import type {
  Journal,
  Mandate,
  NewAttempt,
  NewPurchase,
  PurchaseChange,
} from '../../src/purchases/journal.ts';
import { Decimal, type Money } from '../../src/purchases/money.ts';
import { problem } from '../../src/purchases/problem.ts';
import type {
  Attempt,
  Order,
  Purchase,
  PurchaseStatus,
  Quote,
  RawAnswer,
} from '../../src/purchases/purchase.ts';

/** Opens a journal of its own, empty; `as` opens the same record as another instance, or for another integration. */
export type OpenJournal = () => Promise<{
  journal: Journal;
  as: (instance: string, integration?: string) => Promise<Journal>;
  dispose: () => Promise<void>;
}>;

export const NOON = new Date('2026-03-01T12:00:00.000Z');

export function later(ms: number, than: Date = NOON): Date {
  return new Date(than.getTime() + ms);
}

export function newId(at: Date = NOON): string {
  return v7({ msecs: at.getTime() });
}

export function bwp(amount: string): Money {
  return { amount: new Decimal(amount), currency: 'BWP' };
}

export const order: Order = {
  surface: 'V1',
  productType: 'ELECTRICITY',
  provider: { code: 'BPC', name: 'Botswana Power Corporation' },
  accountId: 7,
  subscriberIdentifier: '04040404040',
  beneficiaryPhoneNumber: '+26771000000',
  amount: bwp('100.00'),
  chargesOnTop: false,
  comment: null,
  language: 'en-BW',
  sourceChannel: 'WEB',
};

export function newPurchase(
  overrides: Partial<Omit<NewPurchase, 'order'>> & { order?: Partial<Order> } = {},
): NewPurchase {
  const createdAt = overrides.createdAt ?? NOON;
  const id = overrides.id ?? newId(createdAt);
  return {
    id,
    idempotencyKey: `key-${id}`,
    reference: `GW-${id}`,
    quoteId: null,
    createdAt,
    status: 'PENDING',
    upstreamReference: null,
    subscriber: { identifier: '04040404040', name: null, address: null },
    charges: null,
    tokens: [],
    units: null,
    receiptNumber: null,
    problem: null,
    updatedAt: createdAt,
    settledAt: null,
    checks: 0,
    nextCheckAt: null,
    deniedInARow: 0,
    unresolvedSince: null,
    ...overrides,
    order: { ...order, ...overrides.order },
  };
}

export function newQuote(overrides: Partial<Quote> = {}): Quote {
  return {
    id: newId(),
    order,
    subscriber: { identifier: '04040404040', name: 'Mpho', address: null },
    charges: {
      entry: bwp('100.00'),
      net: bwp('98.123456789012'),
      total: null,
      charge: bwp('0'),
      commission: bwp('-1.5'),
    },
    createdAt: NOON,
    expiresAt: later(600_000),
    ...overrides,
  };
}

export function newAttempt(overrides: Partial<NewAttempt> = {}): NewAttempt {
  return { kind: 'CONFIRM', requestId: newId(), startedAt: NOON, ...overrides };
}

export function mandate(change: Partial<Mandate> = {}): Mandate {
  const [mostByCaller, mostByAll] = [new Decimal('100000'), new Decimal('1000000')];
  return { caller: 'shop', day: '2026-03-01', mostByCaller, mostByAll, ...change };
}

export const someone = { author: 'kagiso', reason: 'Seen in ScratchPower’s ledger:\n"paid" \u0000' };

export const refusal = problem({
  type: 'PROVIDER',
  code: 'meter_blocked',
  message: 'Sefofane se thibetswe – “blocked” ⚡',
  retryable: true,
  docUrl: 'https://example.test/meter_blocked',
  requestId: 'request-1',
  fields: [{ field: 'order.amount', message: 'too\u0000much' }],
});

export function answer(overrides: Partial<RawAnswer> = {}): RawAnswer {
  return { status: 200, body: '{"status":"SUCCESS"}', complete: true, retryAfterSeconds: null, ...overrides };
}

/** What FAILED may be tried again, where no other problem is given. */
export function to(status: PurchaseStatus, more: Partial<PurchaseChange> = {}): PurchaseChange {
  return { updatedAt: later(1_000), ...(status === 'FAILED' && { problem: refusal }), ...more, status };
}

/** Ends the purchase's attempt in flight, bringing it into the status. */
export function finish(
  journal: Journal,
  attempt: Pick<Attempt, 'purchaseId' | 'number'>,
  change: PurchaseChange,
): Promise<Purchase> {
  const outcome = change.status === 'SUCCEEDED' ? 'SUCCEEDED' : 'UNKNOWN';
  return journal.finishAttempt(attempt, { outcome, problem: null, finishedAt: later(1_000) }, change);
}

/** A journal with one purchase, whose first attempt is in flight. */
export async function begun(
  fresh: () => Promise<Journal>,
  overrides: Parameters<typeof newPurchase>[0] = {},
) {
  const journal = await fresh();
  const { purchase } = await journal.begin(newPurchase(overrides), newAttempt());
  return { journal, purchase, id: purchase.id, first: { purchaseId: purchase.id, number: 1 } };
}

/** A purchase that came into the status on a legal way, with no attempt in flight. */
export async function purchaseIn(
  journal: Journal,
  status: PurchaseStatus,
  overrides: Parameters<typeof newPurchase>[0] = {},
): Promise<Purchase> {
  const { purchase } = await journal.begin(newPurchase(overrides), newAttempt());
  const first = { purchaseId: purchase.id, number: 1 };
  if (status !== 'NEEDS_ATTENTION') return finish(journal, first, to(status));
  await finish(journal, first, to('UNRESOLVED'));
  const started = await journal.startAttempt(
    purchase.id,
    'UNRESOLVED',
    newAttempt({ kind: 'RETRY' }),
    to('UNRESOLVED'),
  );
  if (started === null) throw new Error('no retry was started');
  return finish(journal, started.attempt, to(status));
}

/** All that the record holds of a purchase, to see that nothing was written. */
export async function trace(journal: Journal, id: string) {
  return {
    purchase: await journal.purchase('id', id),
    attempts: await journal.attempts([id]),
    events: await journal.events({ after: 0, limit: 1_000, purchaseId: id }),
    lastPosition: await journal.lastPosition(),
  };
}
