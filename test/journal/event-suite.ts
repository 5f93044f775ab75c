import { describe, expect, onTestFinished, test } from 'vitest';

import type { Journal } from '../../src/purchases/journal.ts';
import {
  begun,
  finish,
  later,
  newAttempt,
  newId,
  newPurchase,
  NOON,
  purchaseIn,
  refusal,
  to,
} from './fixtures.ts';

export function eventSuite(name: string, fresh: () => Promise<Journal>): void {
  describe(`${name}: events`, () => {
    test('an event shows the purchase as it was right after the change', async () => {
      const { journal, id, first, purchase } = await begun(fresh);
      const unresolved = await finish(journal, first, to('UNRESOLVED', { problem: refusal }));
      await journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
      const tokens = [{ kind: 'CREDIT', digits: '12345678901234567890' }] as const;
      const succeeded = await finish(
        journal,
        { purchaseId: id, number: 2 },
        to('SUCCEEDED', { tokens, problem: null, updatedAt: later(9_000) }),
      );
      expect(await journal.events({ after: 0, limit: 10, purchaseId: id })).toEqual([
        { position: 1, at: NOON, purchase, byHand: null },
        { position: 2, at: later(1_000), purchase: unresolved, byHand: null },
        { position: 3, at: later(9_000), purchase: succeeded, byHand: null },
      ]);
    });

    test('they are read after a position, at most so many, of one purchase or of all', async () => {
      const journal = await fresh();
      const [one, two] = [await purchaseIn(journal, 'SUCCEEDED'), await purchaseIn(journal, 'FAILED')];
      const positions = async (request: Parameters<Journal['events']>[0]) =>
        (await journal.events(request)).map(({ position }) => position);
      expect(await positions({ after: 0, limit: 10 })).toEqual([1, 2, 3, 4]);
      expect(await positions({ after: 1, limit: 2 })).toEqual([2, 3]);
      expect(await positions({ after: 4, limit: 2 })).toEqual([]);
      expect(await positions({ after: 0, limit: 10, purchaseId: two.id })).toEqual([3, 4]);
      expect(await positions({ after: 1, limit: 10, purchaseId: one.id })).toEqual([2]);
      expect(await positions({ after: 0, limit: 10, purchaseId: newId() })).toEqual([]);
    });

    test('there is no last position before the first event', async () => {
      expect(await (await fresh()).lastPosition()).toBe(0);
    });

    test('listeners are woken after the commit that wrote an event, until they stop', async () => {
      const journal = await fresh();
      const seen: Promise<number>[] = [];
      const stop = journal.onCommit(() => seen.push(journal.lastPosition()));
      const { id } = await purchaseIn(journal, 'UNRESOLVED');
      await expect.poll(async () => Promise.all(seen)).toEqual([expect.any(Number), 2]);
      await journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
      await expect(
        journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('PENDING')),
      ).resolves.toBeNull();
      await journal.ping();
      stop();
      await purchaseIn(journal, 'FAILED');
      expect(seen).toHaveLength(2);
    });

    test('their order is total and complete while fifty write', async () => {
      const journal = await fresh();
      const followed: number[] = [];
      let reading = Promise.resolve();
      const read = async () => {
        const events = await journal.events({ after: followed.at(-1) ?? 0, limit: 7 });
        followed.push(...events.map(({ position }) => position));
        if (events.length === 7) await read();
      };
      onTestFinished(journal.onCommit(() => void (reading = reading.then(read))));
      const ids = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION', { createdAt: later(index % 3) });
          await journal.startAttempt(id, 'NEEDS_ATTENTION', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
          await finish(journal, { purchaseId: id, number: 3 }, to('SUCCEEDED'));
          return id;
        }),
      );
      const events = await journal.events({ after: 0, limit: 1_000 });
      await expect.poll(() => followed.length).toBe(events.length);
      await reading;
      expect(followed).toEqual(events.map(({ position }) => position));
      expect(followed).toEqual([...new Set(followed)].sort((a, b) => a - b));
      for (const id of ids) {
        const own = events.filter(({ purchase }) => purchase.id === id);
        expect(own.map(({ purchase }) => purchase.status)).toEqual([
          'PENDING',
          'UNRESOLVED',
          'NEEDS_ATTENTION',
          'UNRESOLVED',
          'SUCCEEDED',
        ]);
        expect((await journal.purchase('id', id))?.lastEvent).toBe(own.at(-1)?.position);
      }
    });
  });

  describe(`${name}: due`, () => {
    test('unresolved purchases whose time has come, the longest waiting first', async () => {
      const journal = await fresh();
      const unresolved = async (nextCheckAt: Date | null) => {
        const { purchase } = await journal.begin(newPurchase(), newAttempt());
        await finish(journal, { purchaseId: purchase.id, number: 1 }, to('UNRESOLVED', { nextCheckAt }));
        return purchase.id;
      };
      const ids = async (limit: number) =>
        (await journal.due({ now: NOON, horizon: later(60_000), limit })).map(({ id }) => id);
      const now = await unresolved(NOON);
      await unresolved(later(1));
      const early = await unresolved(later(-5_000));
      await unresolved(null);
      await unresolved(later(60_000));
      const clockWasSetBack = await unresolved(later(60_001));
      const busy = await unresolved(later(-9_000));
      await journal.startAttempt(busy, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
      const settled = await unresolved(later(-9_000));
      await journal.startAttempt(settled, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
      await finish(journal, { purchaseId: settled, number: 2 }, to('FAILED'));
      expect(await ids(10)).toEqual([early, now, clockWasSetBack]);
      expect(await ids(2)).toEqual([early, now]);
    });
  });

  describe(`${name}: health`, () => {
    test('ping resolves while the record can be written, and throws when it is closed', async () => {
      const journal = await fresh();
      await journal.ping();
      await journal.close();
      await journal.close();
      await expect(journal.ping()).rejects.toThrow();
    });
  });
}
