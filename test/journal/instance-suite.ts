import { describe, expect, onTestFinished, test } from 'vitest';

import type { Journal } from '../../src/purchases/journal.ts';
import {
  answer,
  finish,
  later,
  newAttempt,
  newPurchase,
  NOON,
  purchaseIn,
  to,
  trace,
  type OpenJournal,
} from './fixtures.ts';

/** Several instances of the gateway on one record. */
export function instanceSuite(name: string, open: OpenJournal): void {
  const two = async (): Promise<{ one: Journal; other: Journal }> => {
    const { journal, as, dispose } = await open();
    onTestFinished(dispose);
    return { one: journal, other: await as('other') };
  };
  const begin = async (journal: Journal) => {
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    return { id: purchase.id, first: { purchaseId: purchase.id, number: 1 } };
  };
  const retry = newAttempt({ kind: 'RETRY' });

  describe(`${name}: instances`, () => {
    test('what one has in flight, another can neither answer nor finish, nor does it see it as its own', async () => {
      const { one, other } = await two();
      const { id, first } = await begin(one);
      const before = await trace(one, id);
      await expect(other.keepAnswer(first, answer())).rejects.toThrow(/another instance/);
      await expect(finish(other, first, to('SUCCEEDED'))).rejects.toThrow(/another instance/);
      expect(await other.startAttempt(id, 'PENDING', retry, to('PENDING'))).toBeNull();
      expect(await trace(other, id)).toEqual(before);
      expect(await other.inFlight()).toEqual([]);
      expect(await one.inFlight()).toHaveLength(1);
      expect(before.purchase?.owner).toBe(one.instance);
    });

    test('whoever starts an attempt looks after the purchase from then on', async () => {
      const { one, other } = await two();
      const { id } = await purchaseIn(one, 'UNRESOLVED');
      const when = { now: later(10), horizon: later(20), limit: 10 };
      const started = await one.startAttempt(id, 'UNRESOLVED', retry, to('UNRESOLVED'));
      if (started === null) throw new Error('it was not started');
      await finish(one, started.attempt, to('UNRESOLVED', { nextCheckAt: NOON }));
      expect(await one.due(when)).toHaveLength(1);
      expect(await other.due(when)).toEqual([]);
      const taken = await other.startAttempt(id, 'UNRESOLVED', retry, to('UNRESOLVED'));
      expect(taken?.purchase.owner).toBe('other');
      await finish(other, { purchaseId: id, number: 3 }, to('UNRESOLVED', { nextCheckAt: NOON }));
      expect(await one.due(when)).toEqual([]);
      expect(await other.due(when)).toHaveLength(1);
    });

    test('one that joins anew shows a count that nobody has seen: by one of before it is not struck off', async () => {
      const { one, other } = await two();
      await one.join();
      await one.beat();
      const seen = (await other.beats()).get(one.instance);
      await other.adopt(one.instance, seen);
      expect(await one.beat()).toBe(false);
      await one.join();
      const { id } = await begin(one);
      expect(await other.adopt(one.instance, seen)).toBe(0);
      expect((await other.purchase('id', id))?.owner).toBe(one.instance);
      expect((await other.beats()).get(one.instance)).toBeGreaterThan(seen ?? Infinity);
    });

    test('of two that start one at the same moment, one does', async () => {
      const { one, other } = await two();
      const { id } = await purchaseIn(one, 'UNRESOLVED');
      const both = [one, other].map((journal) =>
        journal.startAttempt(id, 'UNRESOLVED', retry, to('UNRESOLVED')),
      );
      const started = (await Promise.all(both)).filter((attempt) => attempt !== null);
      expect(started).toHaveLength(1);
      expect(await one.attempts([id])).toHaveLength(2);
    });

    test('of two that begin with one key at the same moment, one does', async () => {
      const { one, other } = await two();
      const both = [one, other].map((journal) =>
        journal.begin(newPurchase({ idempotencyKey: 'key' }), newAttempt()),
      );
      const [first, second] = await Promise.all(both);
      expect(first?.purchase).toEqual(second?.purchase);
      expect([first, second].filter((begun) => begun?.attempt !== null)).toHaveLength(1);
    });

    test('the others that look after what is open are told, each once', async () => {
      const { one, other } = await two();
      expect(await one.owners()).toEqual([]);
      for (const status of ['UNRESOLVED', 'UNRESOLVED', 'SUCCEEDED'] as const)
        await purchaseIn(other, status);
      await begin(one);
      expect(await one.owners()).toEqual(['other']);
      expect(await other.owners()).toEqual([one.instance]);
      for (const status of ['FAILED', 'NEEDS_ATTENTION'] as const) await purchaseIn(one, status);
      expect(await other.owners()).toEqual([one.instance]);
    });

    test('a dead one is struck off and its open purchases are taken, some at once; its late writes are refused', async () => {
      const { one, other } = await two();
      await other.join();
      const { id, first } = await begin(other);
      const settled = await purchaseIn(other, 'FAILED');
      for (let more = 0; more < 120; more += 1) await begin(other);
      const beat = (await one.beats()).get('other');
      const taken = [await one.adopt('other', beat)];
      expect((await one.beats()).has('other')).toBe(false);
      while ((taken.at(-1) ?? 0) > 0) taken.push(await one.adopt('other', undefined));
      expect(taken.reduce((sum, some) => sum + some, 0)).toBe(121);
      expect(Math.max(...taken)).toBeLessThan(121);
      expect(await one.owners()).toEqual([]);
      expect(await one.inFlight()).toHaveLength(121);
      expect((await one.purchase('id', settled.id))?.owner).toBe('other');
      await expect(finish(other, first, to('SUCCEEDED'))).rejects.toThrow(/another instance/);
      expect(await finish(one, first, to('UNRESOLVED'))).toMatchObject({ id, owner: one.instance });
    });

    test('one that gave a sign of life since is left alone', async () => {
      const { one, other } = await two();
      await other.join();
      const { id } = await begin(other);
      const beat = (await one.beats()).get('other');
      expect(await other.beat()).toBe(true);
      expect(await one.adopt('other', beat)).toBe(0);
      expect(await one.adopt('other', undefined)).toBe(0);
      expect(await other.beat()).toBe(true);
      expect((await one.purchase('id', id))?.owner).toBe('other');
    });

    test('one that was struck off is told by its next sign of life, and joins again', async () => {
      const { one, other } = await two();
      expect(await other.beat()).toBe(false);
      await other.join();
      expect(await one.adopt('other', (await one.beats()).get('other'))).toBe(0);
      expect(await other.beat()).toBe(false);
      await other.join();
      expect(await other.beat()).toBe(true);
      await other.leave();
      expect(await one.beats()).toEqual(new Map());
      expect(await one.adopt('nobody', undefined)).toBe(0);
    });
  });
}
