import { describe, expect, onTestFinished, test } from 'vitest';

import { DayLimitError, type Journal } from '../../src/purchases/journal.ts';
import { Decimal } from '../../src/purchases/money.ts';
import type { Purchase } from '../../src/purchases/purchase.ts';
import {
  answer,
  bwp,
  finish,
  later,
  mandate,
  newAttempt,
  newPurchase,
  newQuote,
  NOON,
  purchaseIn,
  someone,
  to,
  trace,
  type OpenJournal,
} from './fixtures.ts';

/** Several integrations on one record. */
export function tenantSuite(name: string, open: OpenJournal): void {
  const two = async (): Promise<{ shop: Journal; kiosk: Journal }> => {
    const { as, dispose } = await open();
    onTestFinished(dispose);
    return { shop: await as('one', 'shop'), kiosk: await as('one', 'kiosk') };
  };
  const retry = newAttempt({ kind: 'RETRY' });

  describe(`${name}: integrations`, () => {
    test('what belongs to one is not there for the other, by whatever key it is asked for', async () => {
      const { shop, kiosk } = await two();
      const quote = newQuote();
      await shop.saveQuote(quote);
      const purchase = await purchaseIn(shop, 'UNRESOLVED', { order: { accountId: 7 } });
      const { id, reference, idempotencyKey } = purchase;
      expect(await kiosk.quotes([quote.id])).toEqual([]);
      expect(await kiosk.purchase('id', id)).toBeUndefined();
      expect(await kiosk.purchase('reference', reference)).toBeUndefined();
      expect(await kiosk.purchase('idempotencyKey', idempotencyKey)).toBeUndefined();
      expect(await kiosk.purchases([id])).toEqual([]);
      expect(await kiosk.attempts([id])).toEqual([]);
      expect(await kiosk.events({ after: 0, limit: 10 })).toEqual([]);
      expect(await kiosk.events({ after: 0, limit: 10, purchaseId: id })).toEqual([]);
      expect(await kiosk.lastPosition()).toBe(0);
      for (const filter of [
        {},
        { accountId: 7 },
        { accounts: [7] },
        { status: ['UNRESOLVED'] as const },
        { subscriberIdentifier: purchase.order.subscriberIdentifier },
      ]) {
        expect(await kiosk.page({ filter, limit: 10, inverted: false })).toEqual([]);
        expect(await shop.page({ filter, limit: 10, inverted: false })).toEqual([purchase]);
      }
      const settled = await purchaseIn(shop, 'SUCCEEDED');
      const day = { from: NOON, until: later(86_400_000), limit: 10 };
      expect(await kiosk.successes(day)).toEqual([]);
      expect((await shop.successes(day)).map((event) => event.purchase.id)).toEqual([settled.id]);
    });

    test('none writes what is another’s: it is as if there were no such purchase', async () => {
      const { shop, kiosk } = await two();
      const { purchase } = await shop.begin(newPurchase(), newAttempt());
      const first = { purchaseId: purchase.id, number: 1 };
      const before = await trace(shop, purchase.id);
      const unknown = `there is no purchase ${purchase.id}`;
      await expect(kiosk.keepAnswer(first, answer())).rejects.toThrow(unknown);
      await expect(finish(kiosk, first, to('SUCCEEDED'))).rejects.toThrow(unknown);
      await expect(kiosk.startAttempt(purchase.id, 'PENDING', retry, to('PENDING'))).rejects.toThrow(unknown);
      await expect(kiosk.decide(purchase.id, someone, () => to('FAILED'))).rejects.toThrow(unknown);
      const entry = { at: NOON, action: 'REVEALED', actor: 'OPERATOR', name: 'k', reason: null } as const;
      await expect(kiosk.audit([{ ...entry, purchaseId: purchase.id }])).rejects.toThrow();
      expect(await trace(shop, purchase.id)).toEqual(before);
      expect(await shop.auditTrail({ limit: 10 })).toEqual([]);
    });

    test('a key is one purchase in each; a reference is one purchase in all', async () => {
      const { shop, kiosk } = await two();
      const mine = await shop.begin(newPurchase({ idempotencyKey: 'key' }), newAttempt());
      const theirs = await kiosk.begin(newPurchase({ idempotencyKey: 'key' }), newAttempt());
      expect(theirs.attempt).not.toBeNull();
      expect((await shop.purchase('idempotencyKey', 'key'))?.id).toBe(mine.purchase.id);
      expect((await kiosk.purchase('idempotencyKey', 'key'))?.id).toBe(theirs.purchase.id);
      const again = await kiosk.begin(newPurchase({ idempotencyKey: 'key' }), newAttempt());
      expect(again).toEqual({ purchase: theirs.purchase, attempt: null });
      const { reference } = mine.purchase;
      await expect(kiosk.begin(newPurchase({ reference }), newAttempt())).rejects.toThrow();
      expect(await kiosk.lastPosition()).toBe(1);
    });

    test('each counts its own events from 1, without a gap, while all write', async () => {
      const { shop, kiosk } = await two();
      const woken = { shop: 0, kiosk: 0 };
      onTestFinished(shop.onCommit((events = []) => (woken.shop += events.length)));
      onTestFinished(kiosk.onCommit((events = []) => (woken.kiosk += events.length)));
      await Promise.all(
        Array.from({ length: 15 }, (_, index) => purchaseIn(index % 3 === 0 ? kiosk : shop, 'SUCCEEDED')),
      );
      for (const [journal, count] of [
        [shop, 20],
        [kiosk, 10],
      ] as const) {
        const events = await journal.events({ after: 0, limit: 100 });
        expect(events.map(({ position }) => position)).toEqual(
          Array.from({ length: count }, (_, index) => index + 1),
        );
        expect(await journal.lastPosition()).toBe(count);
        for (const { purchase } of events)
          expect(await journal.purchase('id', purchase.id), purchase.id).toBeDefined();
      }
      await expect.poll(() => woken).toEqual({ shop: 20, kiosk: 10 });
    });

    test('what one has in flight, due or open, the other neither picks up nor adopts', async () => {
      const { as, dispose } = await open();
      onTestFinished(dispose);
      const [shop, kiosk] = [await as('living', 'shop'), await as('living', 'kiosk')];
      const dead = await as('dead', 'shop');
      await dead.begin(newPurchase(), newAttempt());
      const { id } = await purchaseIn(dead, 'UNRESOLVED');
      await dead.startAttempt(id, 'UNRESOLVED', retry, to('UNRESOLVED'));
      await finish(dead, { purchaseId: id, number: 2 }, to('UNRESOLVED', { nextCheckAt: NOON }));
      expect(await kiosk.owners()).toEqual([]);
      expect(await kiosk.adopt('dead', undefined)).toBe(0);
      expect(await shop.owners()).toEqual(['dead']);
      expect(await shop.adopt('dead', undefined)).toBe(2);
      const due = { now: NOON, horizon: later(1), limit: 10 };
      expect([await kiosk.inFlight(), await kiosk.due(due)]).toEqual([[], []]);
      expect([await shop.inFlight(), await shop.due(due)]).toMatchObject([[{}], [{}]]);
    });
  });

  describe(`${name}: limits of a day`, () => {
    const begin = (journal: Journal, amount: string, change: Parameters<typeof mandate>[0] = {}) =>
      journal.begin(newPurchase({ order: { amount: bwp(amount) } }), newAttempt(), mandate(change));
    const tight = { mostByCaller: new Decimal('250.00'), mostByAll: null };

    test('a caller spends up to its limit, to the thebe, and is told what is left', async () => {
      const { shop } = await two();
      await begin(shop, '100.10', tight);
      await begin(shop, '149.90', { ...tight, mostByCaller: new Decimal('250') });
      const last = await shop.lastPosition();
      const refused: unknown = await begin(shop, '0.01', tight).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(DayLimitError);
      expect(refused).toMatchObject({ whose: 'CALLER' });
      expect(String(refused instanceof DayLimitError && refused.left)).toBe('0');
      expect(await shop.lastPosition()).toBe(last);
      // Another caller, another day, another currency, another integration have limits of their own.
      expect((await begin(shop, '250', { ...tight, caller: 'other' })).attempt).not.toBeNull();
      expect((await begin(shop, '250', { ...tight, day: '2026-03-02' })).attempt).not.toBeNull();
      const zar = newPurchase({ order: { amount: { amount: new Decimal('250'), currency: 'ZAR' } } });
      expect((await shop.begin(zar, newAttempt(), mandate(tight))).attempt).not.toBeNull();
    });

    test('the integration’s limit is one for all its callers, and none of another’s', async () => {
      const { shop, kiosk } = await two();
      const all = { mostByCaller: null, mostByAll: new Decimal('100') };
      await begin(shop, '60', { ...all, caller: 'one' });
      await begin(kiosk, '60', { ...all, caller: 'one' });
      await expect(begin(shop, '40.01', { ...all, caller: 'two' })).rejects.toMatchObject({
        whose: 'INTEGRATION',
      });
      expect((await begin(shop, '40', { ...all, caller: 'two' })).attempt).not.toBeNull();
    });

    test('what FAILED does not count, until it is tried again; then for who tries it, on that day', async () => {
      const { shop } = await two();
      const failed = async (): Promise<Purchase> => {
        const { purchase } = await begin(shop, '200', tight);
        return finish(shop, { purchaseId: purchase.id, number: 1 }, to('FAILED'));
      };
      const [one, two_] = [await failed(), await failed()];
      const again = (id: string, change: Parameters<typeof mandate>[0] = tight) =>
        shop.startAttempt(id, 'FAILED', retry, to('UNRESOLVED'), mandate(change));
      expect(await again(one.id)).not.toBeNull();
      await expect(again(two_.id)).rejects.toThrow(DayLimitError);
      expect((await shop.purchase('id', two_.id))?.status).toBe('FAILED');
      expect(await shop.attempts([two_.id])).toHaveLength(1);
      expect(await again(two_.id, { ...tight, day: '2026-03-02' })).not.toBeNull();
      await expect(begin(shop, '51', { ...tight, day: '2026-03-02' })).rejects.toThrow(DayLimitError);
      // Asking again about what is in doubt spends nothing more.
      await finish(shop, { purchaseId: one.id, number: 2 }, to('UNRESOLVED'));
      const asked = await shop.startAttempt(one.id, 'UNRESOLVED', retry, to('UNRESOLVED'), mandate(tight));
      expect(asked).not.toBeNull();
    });

    test('of fifty that spend at once, on several instances, no more than the limit is begun', async () => {
      const { as, dispose } = await open();
      onTestFinished(dispose);
      const journals = [await as('one', 'shop'), await as('two', 'shop'), await as('three', 'shop')];
      const limits = { mostByCaller: new Decimal('1000'), mostByAll: new Decimal('1500') };
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, index) => {
          const journal = journals[index % journals.length];
          if (journal === undefined) throw new Error('no journal');
          return begin(journal, '100', { ...limits, caller: index % 2 === 0 ? 'even' : 'odd' });
        }),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(15);
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(DayLimitError);
      expect(await journals[0]?.lastPosition()).toBe(15);
    });

    test('a key that is taken gives its purchase, also when the limit is used up', async () => {
      const { shop } = await two();
      const wanted = () => newPurchase({ idempotencyKey: 'key', order: { amount: bwp('250') } });
      const { purchase } = await shop.begin(wanted(), newAttempt(), mandate(tight));
      expect(await shop.begin(wanted(), newAttempt(), mandate(tight))).toEqual({ purchase, attempt: null });
    });
  });

  describe(`${name}: the audit trail`, () => {
    test('tells who confirmed, retried, decided and revealed, the newest first, of one integration', async () => {
      const { shop, kiosk } = await two();
      const { purchase } = await shop.begin(newPurchase(), newAttempt(), mandate());
      const { id } = purchase;
      await kiosk.begin(newPurchase(), newAttempt(), mandate({ caller: 'another' }));
      await finish(shop, { purchaseId: id, number: 1 }, to('UNRESOLVED'));
      const started = newAttempt({ kind: 'RETRY', startedAt: later(2_000) });
      await shop.startAttempt(id, 'UNRESOLVED', started, to('UNRESOLVED'), mandate({ caller: 'till 2' }));
      await finish(shop, { purchaseId: id, number: 2 }, to('UNRESOLVED'));
      // The gateway itself is nobody.
      await shop.startAttempt(id, 'UNRESOLVED', retry, to('UNRESOLVED'));
      await finish(shop, { purchaseId: id, number: 3 }, to('UNRESOLVED'));
      await shop.decide(id, someone, () => to('UNRESOLVED', { nextCheckAt: NOON }));
      await shop.decide(id, someone, () => to('FAILED'));
      const reveal = { at: later(9_000), action: 'REVEALED', actor: 'OPERATOR', name: 'naledi' } as const;
      await shop.audit([{ ...reveal, purchaseId: id, reason: null }]);
      const trail = await shop.auditTrail({ limit: 10 });
      expect(trail.map(({ id: _, ...entry }) => entry)).toEqual([
        { ...reveal, purchaseId: id, reason: null },
        ...(['SETTLED', 'ASKED_AGAIN'] as const).map((action) => ({
          ...{ at: later(1_000), action, actor: 'OPERATOR', name: someone.author },
          ...{ purchaseId: id, reason: someone.reason },
        })),
        ...(
          [
            ['RETRIED', 'till 2', later(2_000)],
            ['CONFIRMED', 'shop', NOON],
          ] as const
        ).map(([action, who, at]) => ({
          ...{ at, action, actor: 'CALLER', name: who, purchaseId: id, reason: null },
        })),
      ]);
      const [, second] = trail;
      const rest = await shop.auditTrail({ limit: 2, before: second?.id });
      expect(rest).toEqual(trail.slice(2, 4));
      expect(await shop.auditTrail({ limit: 10, purchaseId: id })).toEqual(trail);
      expect(await kiosk.auditTrail({ limit: 10 })).toMatchObject([{ name: 'another' }]);
      expect(await kiosk.auditTrail({ limit: 10, purchaseId: id })).toEqual([]);
    });

    test('tells once a day that a caller was shown a purchase’s tokens, and never of who bought it', async () => {
      const { as, dispose } = await open();
      onTestFinished(dispose);
      const [shop, kiosk] = [await as('one', 'shop'), await as('one', 'kiosk')];
      const { purchase: bought } = await shop.begin(newPurchase(), newAttempt(), mandate());
      await finish(shop, { purchaseId: bought.id, number: 1 }, to('UNRESOLVED'));
      await shop.startAttempt(
        ...([bought.id, 'UNRESOLVED', retry, to('UNRESOLVED')] as const),
        mandate({ caller: 'till 2' }),
      );
      const { id: older } = await purchaseIn(shop, 'SUCCEEDED');
      const { id: theirs } = await purchaseIn(kiosk, 'SUCCEEDED');
      const ids = [bought.id, older];
      const shown = async (caller: string, at: Date, purchaseIds: readonly string[] = ids) => {
        const before = await shop.auditTrail({ limit: 100 });
        await shop.reveal({ caller, at, purchaseIds });
        const trail = await shop.auditTrail({ limit: 100 });
        expect(trail.slice(trail.length - before.length)).toEqual(before);
        const added = trail.slice(0, trail.length - before.length).map(({ id: _, ...entry }) => entry);
        for (const { purchaseId, ...entry } of added) {
          expect(entry).toEqual({ at, action: 'REVEALED', actor: 'CALLER', name: caller, reason: null });
          expect(purchaseIds).toContain(purchaseId);
        }
        return added.map(({ purchaseId }) => purchaseId).sort();
      };
      const both = [...ids].sort();
      // What a person was shown is that person's.
      const byHand = { action: 'REVEALED', actor: 'OPERATOR', name: 'app "7"\u0000', reason: null } as const;
      await shop.audit([{ ...byHand, at: NOON, purchaseId: older }]);
      expect(await shown('app "7"\u0000', NOON, [...ids, ...ids])).toEqual(both);
      expect(await shown('app "7"\u0000', later(12 * 3_600_000 - 1))).toEqual([]);
      expect(await shown('app "7"\u0000', later(12 * 3_600_000), [older])).toEqual([older]);
      expect(await shown('app "7"\u0000', later(24 * 3_600_000))).toEqual([bought.id]);
      expect(await shown('app', NOON, [bought.id])).toEqual([bought.id]);
      expect(await shown('app', NOON)).toEqual([older]);
      expect(await shown('shop', NOON)).toEqual([older]);
      expect(await shown('till 2', later(24 * 3_600_000), [bought.id])).toEqual([]);
      expect(await shown('app', NOON, [])).toEqual([]);
      // All or nothing.
      const last = (await shop.auditTrail({ limit: 1 }))[0]?.id;
      for (const other of [theirs, newPurchase().id]) {
        const reveal = { caller: 'late', at: NOON, purchaseIds: [older, other] };
        await expect(shop.reveal(reveal)).rejects.toThrow('there is no purchase');
      }
      expect((await shop.auditTrail({ limit: 1 }))[0]?.id).toBe(last);
      expect(await kiosk.auditTrail({ limit: 10 })).toEqual([]);
      // Several may have looked before one of them writes.
      const other = await as('two', 'shop');
      const begun = await Promise.all(
        Array.from({ length: 6 }, () => shop.begin(newPurchase(), newAttempt())),
      );
      const six = begun.map(({ purchase }) => purchase.id);
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? shop : other).reveal({
            ...{ caller: 'quick', at: later(n) },
            purchaseIds: n % 4 < 2 ? six.slice(n % 3) : six.slice(n % 3).reverse(),
          }),
        ),
      );
      const trail = (await shop.auditTrail({ limit: 100 })).filter(({ name: caller }) => caller === 'quick');
      expect(trail.map(({ purchaseId }) => purchaseId).sort()).toEqual([...six].sort());
    });

    test('a decision that is refused, or an attempt that is not started, leaves no trace', async () => {
      const { shop } = await two();
      const { id } = await purchaseIn(shop, 'SUCCEEDED');
      expect((await shop.decide(id, someone, () => to('FAILED'))).refused).toBe('NOT_IN_DOUBT');
      expect(await shop.startAttempt(id, 'UNRESOLVED', retry, to('UNRESOLVED'), mandate())).toBeNull();
      expect(await shop.auditTrail({ limit: 10 })).toEqual([]);
    });
  });
}
