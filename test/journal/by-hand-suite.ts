import { describe, expect, test } from 'vitest';

import { IllegalMoveError, type Journal } from '../../src/purchases/journal.ts';
import { isInDoubt, mayMove, purchaseStatuses } from '../../src/purchases/purchase.ts';
import {
  finish,
  later,
  newAttempt,
  newId,
  newPurchase,
  purchaseIn,
  refusal,
  someone,
  to,
  trace,
} from './fixtures.ts';

export function byHandSuite(name: string, fresh: () => Promise<Journal>): void {
  const pairs = purchaseStatuses.flatMap((from) => purchaseStatuses.map((status) => [from, status] as const));

  describe(`${name}: decided by a person`, () => {
    test.each(pairs)('%s to %s', async (from, status) => {
      const journal = await fresh();
      const { id } = await purchaseIn(journal, from);
      const before = await trace(journal, id);
      const decided = journal.decide(id, someone, () => to(status, { receiptNumber: 'by hand' }));
      if (!isInDoubt(from)) {
        expect(await decided).toEqual({ refused: 'NOT_IN_DOUBT', purchase: before.purchase });
        expect(await trace(journal, id)).toEqual(before);
      } else if (from !== status && !mayMove(from, status)) {
        await expect(decided).rejects.toBeInstanceOf(IllegalMoveError);
        expect(await trace(journal, id)).toEqual(before);
      } else {
        const { refused, purchase } = await decided;
        expect(refused).toBeNull();
        expect(purchase).toMatchObject({ status, receiptNumber: 'by hand' });
        expect(await journal.purchase('id', id)).toEqual(purchase);
        expect(await journal.lastPosition()).toBe(before.lastPosition + (from === status ? 0 : 1));
        expect(await journal.attempts([id])).toEqual(before.attempts);
      }
    });

    test('the event keeps the author and the reason, as they were written, and wakes the listeners', async () => {
      const journal = await fresh();
      const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION');
      let wakes = 0;
      const stop = journal.onCommit(() => wakes++);
      const { purchase } = await journal.decide(id, someone, () => to('SUCCEEDED'));
      await expect.poll(() => wakes).toBe(1);
      stop();
      const events = await journal.events({ after: 0, limit: 10, purchaseId: id });
      expect(events.map(({ byHand }) => byHand)).toEqual([null, null, null, someone]);
      expect(events.at(-1)).toEqual({ position: 4, at: later(1_000), purchase, byHand: someone });
    });

    test('the decision sees the purchase, and how its attempts ended, as they are', async () => {
      const journal = await fresh();
      const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION', { receiptNumber: 'r' });
      const now = await journal.purchase('id', id);
      const known = (await journal.attempts([id])).map(({ outcome, finishedAt }) => ({
        outcome,
        finishedAt,
      }));
      await journal.decide(id, someone, (purchase, attempts) => {
        expect(purchase).toEqual(now);
        expect(attempts.map(({ outcome, finishedAt }) => ({ outcome, finishedAt }))).toEqual(known);
        return to('FAILED');
      });
      expect.assertions(2);
    });

    test('a decision that throws is thrown, and nothing written', async () => {
      const journal = await fresh();
      const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION');
      const before = await trace(journal, id);
      const refusal = new Error('not yet');
      const refuse = () => {
        throw refusal;
      };
      await expect(journal.decide(id, someone, refuse)).rejects.toBe(refusal);
      expect(await trace(journal, id)).toEqual(before);
      expect(await journal.decide(id, someone, () => to('FAILED'))).toMatchObject({ refused: null });
    });

    test('it is refused, and nothing written, while an attempt is in flight', async () => {
      const journal = await fresh();
      const { id } = await purchaseIn(journal, 'UNRESOLVED');
      await journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
      const before = await trace(journal, id);
      expect(await journal.decide(id, someone, () => to('FAILED'))).toEqual({
        refused: 'IN_FLIGHT',
        purchase: before.purchase,
      });
      expect(await trace(journal, id)).toEqual(before);
      await finish(journal, { purchaseId: id, number: 2 }, to('UNRESOLVED'));
      expect(await journal.decide(id, someone, () => to('FAILED'))).toMatchObject({ refused: null });
    });

    test('of many that decide and ask at once, one does', async () => {
      const journal = await fresh();
      const { id } = await purchaseIn(journal, 'UNRESOLVED');
      const results = await Promise.all(
        Array.from({ length: 20 }, async (_, n) =>
          n % 2 === 0
            ? (await journal.decide(id, someone, () => to('FAILED'))).refused === null
            : (await journal.startAttempt(
                id,
                'UNRESOLVED',
                newAttempt({ kind: 'RETRY' }),
                to('UNRESOLVED'),
              )) !== null,
        ),
      );
      expect(results.filter((done) => done)).toHaveLength(1);
    });

    test('of a purchase that there is not it throws', async () => {
      const journal = await fresh();
      await expect(journal.decide(newId(), someone, () => to('FAILED'))).rejects.toThrow(/no purchase/);
    });
  });

  describe(`${name}: the successes of a day`, () => {
    test('come by instant, from the first to before the last, of one account or of all, and page by page', async () => {
      const journal = await fresh();
      const succeed = async (ms: number, accountId: number, problem = false) => {
        const { purchase } = await journal.begin(newPurchase({ order: { accountId } }), newAttempt());
        const status = problem ? 'FAILED' : 'SUCCEEDED';
        const change = to(status, { updatedAt: later(ms), problem: problem ? refusal : null });
        return (await finish(journal, { purchaseId: purchase.id, number: 1 }, change)).id;
      };
      const late = await succeed(90, 1);
      await succeed(100, 1);
      const early = await succeed(10, 2);
      await succeed(9, 1);
      await succeed(50, 1, true);
      const [same, time] = [await succeed(50, 1), await succeed(50, 2)];
      const day = { from: later(10), until: later(100), limit: 10 };
      const ids = async (more: object) =>
        (await journal.successes({ ...day, ...more })).map(({ purchase }) => purchase.id);
      expect(await ids({})).toEqual([early, same, time, late]);
      expect(await ids({ accountId: 1 })).toEqual([same, late]);
      expect(await ids({ accountId: 404 })).toEqual([]);
      for (const limit of [1, 2, 3]) {
        const seen: string[] = [];
        for (let after; ;) {
          const page = await journal.successes({ ...day, limit, after });
          seen.push(...page.map(({ purchase }) => purchase.id));
          after = page.at(-1);
          if (after === undefined) break;
        }
        expect(seen).toEqual([early, same, time, late]);
      }
      const [first] = await journal.successes(day);
      const [written] = await journal.events({ after: (first?.position ?? 0) - 1, limit: 1 });
      expect(first).toEqual(written);
    });
  });
}
