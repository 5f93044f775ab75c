import { beforeAll, describe, expect, it } from 'vitest';

import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import type { Attempt, Purchase, PurchaseEvent } from '../../src/purchases/purchase.ts';
import { finish, newAttempt, newPurchase, purchaseIn, someone, to } from '../journal/fixtures.ts';
import { breachesOf } from './checker.ts';
import { readRecord, type History } from './history.ts';

const TOKEN = '12345678901234567890';
const OTHER = '09876543210987654321';

/** A history in which all is well: one bought at once, one after its answer was lost, one refused. */
async function aSoundHistory(): Promise<History> {
  const journal = await openSqliteJournal({ path: ':memory:' });
  const bought = (digits: string) => to('SUCCEEDED', { tokens: [{ kind: 'CREDIT', digits }] });
  const answer = { status: 200, body: 'a token', complete: true, retryAfterSeconds: null };
  const begin = async (key: string) => {
    const { purchase } = await journal.begin(newPurchase({ idempotencyKey: key }), newAttempt());
    return purchase;
  };
  const first = await begin('first');
  await journal.keepAnswer({ purchaseId: first.id, number: 1 }, answer);
  await finish(journal, { purchaseId: first.id, number: 1 }, bought(TOKEN));
  const second = await begin('second');
  await finish(journal, { purchaseId: second.id, number: 1 }, to('UNRESOLVED'));
  await journal.startAttempt(second.id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
  await journal.keepAnswer({ purchaseId: second.id, number: 2 }, answer);
  await finish(journal, { purchaseId: second.id, number: 2 }, bought(OTHER));
  const third = await begin('third');
  await finish(journal, { purchaseId: third.id, number: 1 }, to('FAILED'));
  const record = await readRecord(journal);
  await journal.close();
  const reader = record.events.map(({ position, purchase }) => ({
    ...{ position, purchaseId: purchase.id, status: purchase.status },
  }));
  const confirm = ({ reference }: Purchase) =>
    ({ endpoint: 'confirm', externalReference: reference, unauthorized: false }) as const;
  return {
    ...record,
    ledger: [
      { externalReference: first.reference, tokens: [TOKEN] },
      { externalReference: second.reference, tokens: [OTHER] },
    ],
    calls: [
      confirm(first),
      { ...confirm(second), unauthorized: true },
      confirm(second),
      { ...confirm(second), endpoint: 'retry' },
      confirm(third),
    ],
    acknowledged: [
      { idempotencyKey: 'first', purchaseId: first.id, status: 'SUCCEEDED', tokens: [TOKEN] },
      { idempotencyKey: 'second', purchaseId: second.id, status: 'UNRESOLVED', tokens: [] },
    ],
    readers: [reader, reader.slice(2), []],
  };
}

let sound: History;
beforeAll(async () => void (sound = await aSoundHistory()));

/** The history with one of its parts changed; index 0 is what was bought first. */
const purchase = (index: number, change: Partial<Purchase>): Partial<History> => ({
  purchases: byAge().map((one, at) => (at === index ? { ...one, ...change } : one)),
});
const attempt = (index: number, change: Partial<Attempt>): Partial<History> => ({
  attempts: sound.attempts.map((one, at) => (at === index ? { ...one, ...change } : one)),
});
const event = (index: number, status: Purchase['status']): Partial<History> => ({
  events: sound.events.map((one, at): PurchaseEvent =>
    at === index ? { ...one, purchase: { ...one.purchase, status } } : one,
  ),
});
const byAge = () => [...sound.purchases].sort((one, other) => one.lastEvent - other.lastEvent);
const reader = (change: (seen: History['readers'][number]) => History['readers'][number]) => ({
  readers: [change(sound.readers[0] ?? [])],
});

describe('the checker', () => {
  it('finds nothing where all is well', () => {
    expect(sound.events).toHaveLength(7);
    expect(breachesOf(sound)).toEqual([]);
  });

  it.each<[string, () => Partial<History>, RegExp]>([
    [
      'a debit that nobody recorded',
      () => ({ ledger: [...sound.ledger, { externalReference: 'X', tokens: [] }] }),
      /^R2: X was debited/,
    ],
    [
      'a debit without a reference',
      () => ({ ledger: [...sound.ledger, { externalReference: null, tokens: [] }] }),
      /^R2: no reference was debited/,
    ],
    [
      'two debits for one reference',
      () => ({ ledger: [...sound.ledger, ...sound.ledger] }),
      /^R1: GW-.* debited twice/,
    ],
    [
      'a SUCCEEDED without a debit',
      () => ({ ledger: sound.ledger.slice(1) }),
      /^R4: .* SUCCEEDED, and was not debited/,
    ],
    ['a SUCCEEDED without its tokens', () => purchase(0, { tokens: [] }), /^R3: .* has not the tokens/],
    [
      'a FAILED that was debited',
      () => ({ ledger: [...sound.ledger, { externalReference: byAge()[2]?.reference ?? '', tokens: [] }] }),
      /^R4: .* is FAILED, and was debited/,
    ],
    [
      'two confirms of one purchase',
      () => ({ calls: [...sound.calls, ...sound.calls.slice(0, 1)] }),
      /^R1: 2 confirms of GW-.* were sent/,
    ],
    [
      'a confirm that nobody recorded',
      () => ({ calls: [{ endpoint: 'confirm', externalReference: 'X', unauthorized: false }] }),
      /^R2: a confirm of X was sent/,
    ],
    [
      'a confirm without a reference',
      () => ({ calls: [{ endpoint: 'confirm', externalReference: null, unauthorized: false }] }),
      /^R1: a confirm was sent without/,
    ],
    [
      'a retry that nobody recorded',
      () => ({ calls: [{ endpoint: 'retry', externalReference: 'X', unauthorized: false }] }),
      /^R2: a retry of X/,
    ],
    [
      'two confirms in the record',
      () => ({ attempts: sound.attempts.map((one) => ({ ...one, kind: 'CONFIRM' })) }),
      /^R1: .* has 2 confirms that were sent/,
    ],
    ['a purchase without an attempt', () => ({ attempts: [] }), /^R2: .* has no attempt/],
    [
      'two attempts in flight',
      () => ({ attempts: sound.attempts.map((one) => ({ ...one, outcome: 'IN_FLIGHT' })) }),
      /^R1: .* 2 attempts in flight/,
    ],
    [
      'an answer that was not kept',
      () => ({ attempts: sound.attempts.map((one) => ({ ...one, answer: null })) }),
      /^R3: attempt 1 of .* its answer is not kept/,
    ],
    [
      'a success that no attempt had',
      () => ({ attempts: sound.attempts.map((one) => ({ ...one, outcome: 'UNKNOWN' })) }),
      /^R6: .* with 0 attempts that succeeded/,
    ],
    [
      'a success that is FAILED',
      () =>
        attempt(indexOfAttempt(2), {
          outcome: 'SUCCEEDED',
          answer: { status: 200, body: '', complete: true, retryAfterSeconds: null },
        }),
      /^R6: .* is FAILED with 1 attempts/,
    ],
    [
      'a status that moved where it may not',
      () => event(3, 'SUCCEEDED'),
      /^R6: .* moved from SUCCEEDED to SUCCEEDED/,
    ],
    ['a terminal status that changed', () => ({ ...event(5, 'FAILED') }), /^R7: .* did not begin PENDING/],
    [
      'an event that is missing',
      () => ({ events: sound.events.slice(0, -1), readers: [] }),
      /^R7: .* is FAILED, and its last event says PENDING/,
    ],
    [
      'events in no order',
      () => ({ events: [...sound.events].reverse(), readers: [] }),
      /^R7: event \d comes after event \d/,
    ],
    [
      'a purchase that does not know its last event',
      () => purchase(0, { lastEvent: 99 }),
      /^R7: .* does not know its last event/,
    ],
    [
      'a reader that missed one',
      () => reader((seen) => seen.filter((_, at) => at !== 2)),
      /^R7: reader 0 missed an event: 3/,
    ],
    [
      'a reader that saw one twice',
      () => reader((seen) => [...seen.slice(0, 3), ...seen.slice(2)]),
      /^R7: reader 0 saw an event twice/,
    ],
    [
      'a reader that saw another order',
      () => reader((seen) => [seen[0], seen[2], seen[1], ...seen.slice(3)].flatMap((one) => one ?? [])),
      /^R7: reader 0 saw the events in another order/,
    ],
    [
      'a reader that saw what never was',
      () => reader((seen) => seen.map((one) => ({ ...one, status: 'FAILED' as const }))),
      /^R7: reader 0 saw an event that is not recorded/,
    ],
    [
      'an acknowledged key that is not known',
      () => ({ purchases: byAge().slice(1) }),
      /^R8: the key first was acknowledged, and is not known/,
    ],
    [
      'a key that has another purchase now',
      () => purchase(0, { idempotencyKey: 'second' }),
      /^R8: the key second has two purchases/,
    ],
    [
      'a key that was told with another purchase',
      () => ({ acknowledged: sound.acknowledged.map((one) => ({ ...one, purchaseId: 'X' })) }),
      /^R8: the key first was acknowledged with another/,
    ],
    [
      'a success that was told and taken back',
      () => purchase(0, { status: 'UNRESOLVED' }),
      /^R6: .* told to be SUCCEEDED, and is UNRESOLVED/,
    ],
    [
      'tokens that were told and changed',
      () => ({ acknowledged: sound.acknowledged.map((one) => ({ ...one, tokens: [OTHER] })) }),
      /^R3: .* was told with other tokens/,
    ],
    [
      'one that is still in doubt',
      () => purchase(2, { status: 'UNRESOLVED' }),
      /^R4: .* is still UNRESOLVED/,
    ],
  ])('finds %s', (_what, change, breach) => {
    const breaches = breachesOf({ ...sound, ...change() });
    expect(breaches).toEqual(expect.arrayContaining([expect.stringMatching(breach)]));
  });

  it('lets a person settle what is in doubt, and nobody else settle what a person must look at', async () => {
    const journal = await openSqliteJournal({ path: ':memory:' });
    const { id, reference } = await purchaseIn(journal, 'NEEDS_ATTENTION');
    const tokens = [{ kind: 'CREDIT', digits: TOKEN }] as const;
    await journal.decide(id, someone, () => to('SUCCEEDED', { tokens }));
    const record = await readRecord(journal);
    await journal.close();
    const ledger = [{ externalReference: reference, tokens: [TOKEN] }];
    const history = { ...record, ledger, calls: [], acknowledged: [], readers: [] };
    expect(breachesOf(history)).toEqual([]);
    expect(breachesOf({ ...history, ledger: [] })).toEqual([
      `R4: ${reference} is SUCCEEDED, and was not debited`,
    ]);
    const byNobody = record.events.map((one) => ({ ...one, byHand: null }));
    expect(breachesOf({ ...history, events: byNobody })).toEqual([
      `R6: ${reference} is SUCCEEDED with 0 attempts that succeeded`,
      `R4: ${reference} was settled from NEEDS_ATTENTION, and by no person`,
    ]);
    const early = record.events.map((one, at) => (at === 1 ? { ...one, byHand: someone } : one));
    expect(breachesOf({ ...history, events: early })).toEqual([
      `R6: ${reference} was decided by hand while it was PENDING`,
    ]);
  });

  it('leaves what is under way alone when it is told that not all is settled', () => {
    const underWay = { ...sound, ...purchase(2, { status: 'UNRESOLVED' }) };
    expect(breachesOf(underWay, { settled: false }).filter((one) => one.includes('still'))).toEqual([]);
  });
});

function indexOfAttempt(purchaseIndex: number): number {
  const id = byAge()[purchaseIndex]?.id;
  return sound.attempts.findIndex(({ purchaseId }) => purchaseId === id);
}
