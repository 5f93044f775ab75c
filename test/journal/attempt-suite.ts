import { describe, expect, onTestFinished, test } from 'vitest';

import { IllegalMoveError, type Journal } from '../../src/purchases/journal.ts';
import { mayMove, purchaseStatuses } from '../../src/purchases/purchase.ts';
import {
  answer,
  begun,
  finish,
  later,
  newAttempt,
  newId,
  NOON,
  purchaseIn,
  refusal,
  to,
  trace,
} from './fixtures.ts';

export function attemptSuite(name: string, fresh: () => Promise<Journal>): void {
  describe(`${name}: attempts`, () => {
    test('an answer is kept once, and only while the attempt is in flight', async () => {
      const { journal, id, first } = await begun(fresh);
      await expect(journal.keepAnswer({ purchaseId: id, number: 2 }, answer())).rejects.toThrow();
      await journal.keepAnswer(first, answer({ body: 'first' }));
      await expect(journal.keepAnswer(first, answer({ body: 'second' }))).rejects.toThrow();
      await finish(journal, first, to('UNRESOLVED'));
      await expect(journal.keepAnswer(first, answer({ body: 'third' }))).rejects.toThrow();
      expect((await journal.attempts([id]))[0]?.answer?.body).toBe('first');
    });

    test('keeping an answer writes no event and wakes nobody', async () => {
      const { journal, first } = await begun(fresh);
      let wakes = 0;
      onTestFinished(journal.onCommit(() => wakes++));
      await journal.keepAnswer(first, answer());
      expect(await journal.lastPosition()).toBe(1);
      expect(wakes).toBe(0);
    });

    test('finishing ends the attempt and applies what came of it; what is left out stays', async () => {
      const { journal, id, first, purchase } = await begun(fresh);
      const change = to('UNRESOLVED', { checks: 1, nextCheckAt: later(2_000), unresolvedSince: NOON });
      const finished = await journal.finishAttempt(
        first,
        { outcome: 'UNKNOWN', problem: refusal, finishedAt: later(7) },
        change,
      );
      expect(finished).toEqual({ ...purchase, ...change, lastEvent: 2 });
      expect(await journal.purchase('id', id)).toEqual(finished);
      expect(await journal.attempts([id])).toMatchObject([
        { outcome: 'UNKNOWN', problem: refusal, finishedAt: later(7), answer: null },
      ]);
      expect(await journal.inFlight()).toEqual([]);
    });

    test('an attempt that is not in flight cannot be finished', async () => {
      const { journal, id, first } = await begun(fresh);
      await finish(journal, first, to('UNRESOLVED'));
      const before = await trace(journal, id);
      await expect(finish(journal, first, to('SUCCEEDED'))).rejects.toThrow(/not in flight/);
      await expect(finish(journal, { purchaseId: id, number: 2 }, to('SUCCEEDED'))).rejects.toThrow(
        /not in flight/,
      );
      await expect(finish(journal, { purchaseId: newId(), number: 1 }, to('SUCCEEDED'))).rejects.toThrow(
        /not in flight|no purchase/,
      );
      expect(await trace(journal, id)).toEqual(before);
    });

    test('a further attempt takes the next number and applies its change', async () => {
      const { journal, id, first } = await begun(fresh);
      await finish(journal, first, to('FAILED', { problem: refusal, settledAt: later(1) }));
      const attempt = newAttempt({ kind: 'RETRY', startedAt: later(10) });
      const change = to('PENDING', { updatedAt: later(10), problem: null, settledAt: null });
      const started = await journal.startAttempt(id, 'FAILED', attempt, change);
      expect(started?.attempt).toMatchObject({ ...attempt, number: 2, outcome: 'IN_FLIGHT', purchaseId: id });
      expect(started?.purchase).toMatchObject({ ...change, lastEvent: 3 });
      expect(await trace(journal, id)).toMatchObject({
        purchase: started?.purchase,
        attempts: [{ number: 1, outcome: 'UNKNOWN' }, started?.attempt],
        lastPosition: 3,
      });
    });

    test('none is started, and nothing written, while another is in flight or in another status', async () => {
      const { journal, id, first } = await begun(fresh);
      const pending = await trace(journal, id);
      expect(
        await journal.startAttempt(id, 'PENDING', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED')),
      ).toBeNull();
      expect(await trace(journal, id)).toEqual(pending);
      await finish(journal, first, to('UNRESOLVED'));
      const unresolved = await trace(journal, id);
      for (const from of ['PENDING', 'FAILED', 'SUCCEEDED', 'NEEDS_ATTENTION'] as const) {
        expect(
          await journal.startAttempt(id, from, newAttempt({ kind: 'RETRY' }), to('SUCCEEDED')),
        ).toBeNull();
      }
      expect(await trace(journal, id)).toEqual(unresolved);
      await expect(
        journal.startAttempt(newId(), 'FAILED', newAttempt({ kind: 'RETRY' }), to('PENDING')),
      ).rejects.toThrow(/no purchase/);
    });

    test('a confirm is started again only when none was ever sent, whatever its caller has read (R1)', async () => {
      const { journal, id, first } = await begun(fresh);
      const again = (kind: 'CONFIRM' | 'RETRY') =>
        journal.startAttempt(id, 'FAILED', newAttempt({ kind }), to('PENDING'));
      const notSent = { outcome: 'NOT_SENT', problem: refusal, finishedAt: later(1_000) } as const;
      await journal.finishAttempt(first, notSent, to('FAILED'));
      expect((await again('CONFIRM'))?.attempt).toMatchObject({ number: 2, kind: 'CONFIRM' });
      // Failed again, but this one was sent: who read the record before that has missed it.
      await finish(journal, { purchaseId: id, number: 2 }, to('FAILED'));
      const before = await trace(journal, id);
      expect(await again('CONFIRM')).toBeNull();
      expect(await trace(journal, id)).toEqual(before);
      expect((await again('RETRY'))?.attempt).toMatchObject({ number: 3, kind: 'RETRY' });
    });

    test('none is started of what has FAILED for good meanwhile', async () => {
      const { journal, id, first } = await begun(fresh);
      await finish(journal, first, to('FAILED', { problem: { ...refusal, retryable: false } }));
      const before = await trace(journal, id);
      const retry = newAttempt({ kind: 'RETRY' });
      expect(await journal.startAttempt(id, 'FAILED', retry, to('UNRESOLVED'))).toBeNull();
      expect(await trace(journal, id)).toEqual(before);
    });

    test('of many that start an attempt at once, one does', async () => {
      const journal = await fresh();
      const { id } = await purchaseIn(journal, 'UNRESOLVED');
      const results = await Promise.all(
        Array.from({ length: 20 }, () =>
          journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED')),
        ),
      );
      expect(results.filter((result) => result !== null)).toHaveLength(1);
      expect(await journal.attempts([id])).toHaveLength(2);
    });

    test('attempts come by purchase and number', async () => {
      const journal = await fresh();
      const [one, two] = [
        await purchaseIn(journal, 'NEEDS_ATTENTION'),
        await purchaseIn(journal, 'NEEDS_ATTENTION'),
      ];
      const attempts = await journal.attempts([two.id, one.id, newId()]);
      const [low, high] = [one.id, two.id].sort();
      expect(attempts.map(({ purchaseId, number }) => [purchaseId, number])).toEqual([
        [low, 1],
        [low, 2],
        [high, 1],
        [high, 2],
      ]);
      expect(await journal.attempts([])).toEqual([]);
    });

    test('thousands of ids are no hindrance', async () => {
      const { journal, purchase } = await begun(fresh);
      const ids = [...Array.from({ length: 2_500 }, () => newId()), purchase.id, purchase.id];
      expect(await journal.purchases(ids)).toEqual([purchase]);
      expect(await journal.attempts(ids)).toHaveLength(1);
      expect(await journal.quotes(ids)).toEqual([]);
    });
  });

  describe(`${name}: moves`, () => {
    const pairs = purchaseStatuses.flatMap((from) =>
      purchaseStatuses.map((status) => [from, status] as const),
    );

    test.each(pairs)('starting an attempt: %s to %s', async (from, status) => {
      const journal = await fresh();
      const { id } = await purchaseIn(journal, from);
      const before = await trace(journal, id);
      const started = journal.startAttempt(
        id,
        from,
        newAttempt({ kind: 'RETRY' }),
        to(status, { checks: 9 }),
      );
      if (from === 'SUCCEEDED' || (from !== status && !mayMove(from, status))) {
        await expect(started).rejects.toThrow(new IllegalMoveError(id, from, status));
        await expect(started).rejects.toBeInstanceOf(IllegalMoveError);
        expect(await trace(journal, id)).toEqual(before);
      } else {
        expect((await started)?.purchase).toMatchObject({ status, checks: 9 });
        expect(await journal.lastPosition()).toBe(before.lastPosition + (from === status ? 0 : 1));
      }
    });

    test.each(pairs.filter(([from]) => from !== 'SUCCEEDED'))(
      'finishing one: %s to %s',
      async (from, status) => {
        const journal = await fresh();
        const { id } = await purchaseIn(journal, from);
        const started = await journal.startAttempt(id, from, newAttempt({ kind: 'RETRY' }), to(from));
        if (started === null) throw new Error('not started');
        const before = await trace(journal, id);
        const finished = finish(journal, started.attempt, to(status, { receiptNumber: 'new' }));
        if (from !== status && !mayMove(from, status)) {
          await expect(finished).rejects.toBeInstanceOf(IllegalMoveError);
          expect(await trace(journal, id)).toEqual(before);
        } else {
          expect(await finished).toMatchObject({ status, receiptNumber: 'new' });
          expect(await journal.lastPosition()).toBe(before.lastPosition + (from === status ? 0 : 1));
          expect(await journal.inFlight()).toEqual([]);
        }
      },
    );
  });
}
