import { describe, expect, test } from 'vitest';

import type { Journal } from '../../src/purchases/journal.ts';
import { purchaseStatuses, type PurchaseStatus } from '../../src/purchases/purchase.ts';
import { answer, finish, later, newAttempt, newPurchase, NOON, someone, to, trace } from './fixtures.ts';

export function retentionSuite(name: string, fresh: () => Promise<Journal>): void {
  /** A purchase in the status since NOON, with one answer that was kept before. */
  async function answered(journal: Journal, status: PurchaseStatus): Promise<string> {
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    const first = { purchaseId: purchase.id, number: 1 };
    await journal.keepAnswer(first, answer({ status: 202, body: 'token 12345678901234567890' }));
    if (status === 'PENDING') return purchase.id;
    const between = status === 'NEEDS_ATTENTION' ? 'UNRESOLVED' : status;
    const result = { outcome: 'UNKNOWN', problem: null, finishedAt: NOON } as const;
    await journal.finishAttempt(first, result, to(between, { updatedAt: NOON }));
    if (status === between) return purchase.id;
    await journal.startAttempt(purchase.id, between, newAttempt({ kind: 'RETRY' }), to(between));
    await journal.finishAttempt({ ...first, number: 2 }, result, to(status, { updatedAt: NOON }));
    return purchase.id;
  }

  describe(`${name}: old answers`, () => {
    test.each(purchaseStatuses)('of one that is %s', async (status) => {
      const journal = await fresh();
      const id = await answered(journal, status);
      const before = await trace(journal, id);
      const blot = (ms: number) =>
        journal.blotAnswers({ settledBefore: later(ms), now: later(9_000), limit: 10 });
      expect(await blot(0)).toBe(0);
      expect(await trace(journal, id)).toEqual(before);
      if (status !== 'SUCCEEDED' && status !== 'FAILED') {
        expect(await blot(1_000_000)).toBe(0);
        expect(await trace(journal, id)).toEqual(before);
        return;
      }
      expect(await blot(1)).toBe(1);
      const [attempt] = before.attempts;
      const blotted = {
        ...attempt,
        answer: answer({ status: 202, body: '' }),
        answerBlottedAt: later(9_000),
      };
      expect(await trace(journal, id)).toEqual({ ...before, attempts: [blotted] });
      expect(await blot(1_000_000)).toBe(0);
    });

    test('are counted from when their purchase was settled, not from when they came', async () => {
      const journal = await fresh();
      const id = await answered(journal, 'NEEDS_ATTENTION');
      await journal.decide(id, someone, () => to('FAILED', { updatedAt: later(500) }));
      const blot = (ms: number) => journal.blotAnswers({ settledBefore: later(ms), now: NOON, limit: 10 });
      expect(await blot(500)).toBe(0);
      expect(await blot(501)).toBe(1);
    });

    test('of one that is asked about again stay', async () => {
      const journal = await fresh();
      const id = await answered(journal, 'FAILED');
      await journal.startAttempt(id, 'FAILED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
      await finish(journal, { purchaseId: id, number: 2 }, to('UNRESOLVED'));
      expect(await journal.blotAnswers({ settledBefore: later(1e9), now: NOON, limit: 10 })).toBe(0);
      expect((await journal.attempts([id]))[0]?.answer?.body).toContain('token');
    });

    test('go at most so many at once, the oldest first', async () => {
      const journal = await fresh();
      const ids: string[] = [];
      for (let n = 0; n < 5; n += 1) ids.push(await answered(journal, 'SUCCEEDED'));
      const blot = () => journal.blotAnswers({ settledBefore: later(1), now: NOON, limit: 2 });
      expect([await blot(), await blot(), await blot(), await blot()]).toEqual([2, 2, 1, 0]);
      for (const { answer: kept } of await journal.attempts(ids)) expect(kept?.body).toBe('');
    });
  });
}
