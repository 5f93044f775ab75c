import { describe, expect, it } from 'vitest';

import { problem } from '../../src/purchases/problem.ts';
import type { Purchase } from '../../src/purchases/purchase.ts';
import type { Reading } from '../../src/purchases/vending.ts';
import { newAttempt, newPurchase } from '../journal/fixtures.ts';
import { someProblem } from '../support/domain.ts';
import { answered, aShop, bought, got, lost, MAY_LAND_MS, refused, token } from './shop.ts';

const denied: Reading = { outcome: 'DENIED', problem: { ...someProblem, type: 'NOT_FOUND' }, isKnown: false };
const unknown: Reading = { outcome: 'UNKNOWN', problem: someProblem };

type Shop = Awaited<ReturnType<typeof aShop>>;
/** Waits for what is under way. */
const concluded = (shop: Shop, id: string): Promise<Purchase | undefined> =>
  shop.play(Promise.resolve(shop.dispatcher.active.get(id)));
/** The waits between two tries to write. */
const waits = ({ sleeps }: Shop) =>
  sleeps.map(({ ms }) => ms).filter((ms) => ms >= 50 && ms <= 5_000 && ms !== 1_000);
const aSlot = () => {
  const slot = { released: 0, release: () => void (slot.released += 1) };
  return slot;
};
const answerFailed = 'an answer could not be written; trying again';
const outcomeFailed = 'an outcome could not be written; trying again';
const notConcluded = 'an attempt could not be concluded; it will be picked up';

describe('what is sent', () => {
  it('may leave while the lease that it was recorded under holds', async () => {
    const shop = await aShop();
    shop.says.takesMs = 1_000;
    await shop.confirm();
    await shop.wait(10);
    const { mayLeave } = shop.calls.find(({ what }) => what === 'confirm')?.call ?? {};
    expect(mayLeave?.()).toBe(true);
    await shop.play(shop.liveness.stop());
    expect(mayLeave?.()).toBe(false);
  });

  it('may not leave when the lease was lost while it was being recorded', async () => {
    let lose = () => Promise.resolve();
    const shop = await aShop({
      journal: (journal) => ({ begin: (...args) => lose().then(() => journal.begin(...args)) }),
    });
    lose = () => shop.liveness.stop();
    await shop.confirm();
    await shop.wait(10);
    expect(shop.calls.find(({ what }) => what === 'confirm')?.call?.mayLeave?.()).toBe(false);
  });

  it('is read against what was asked', async () => {
    const shop = await aShop();
    const { id, reference } = await shop.buy();
    const [attempt] = await shop.journal.attempts([id]);
    expect(shop.calls.filter(({ what }) => what === 'read')).toEqual([
      {
        what: 'read',
        expected: {
          ...{ kind: 'CONFIRM', reference, productType: 'ELECTRICITY', subscriberIdentifier: '04040404040' },
          requestId: attempt?.requestId,
        },
      },
    ]);
  });

  it('is asked about no sooner than the upstream wishes', async () => {
    const shop = await aShop();
    const answer = { status: 429, body: '', complete: true, retryAfterSeconds: 3 };
    const purchase = await shop.buy({ confirm: { kind: 'ANSWERED', answer }, reading: unknown });
    expect(purchase.nextCheckAt).toEqual(new Date(purchase.updatedAt.getTime() + 3_000));
  });
});

describe('a launch', () => {
  it('of a purchase that is being worked on does nothing, and gives the place back', async () => {
    const shop = await aShop();
    const { id } = got(await shop.confirm());
    const slot = aSlot();
    const never = () => Promise.reject(new Error('it must not be started'));
    expect(await shop.dispatcher.launch(id, slot, never)).toBeNull();
    expect(slot.released).toBe(1);
    expect(await concluded(shop, id)).toMatchObject({ status: 'SUCCEEDED', tokens: [token] });
    expect(shop.dispatcher.active.size).toBe(0);
  });

  it('that finds nothing to do leaves nothing behind', async () => {
    const { dispatcher } = await aShop();
    for (const nothing of [null, { purchase: newPurchase() as Purchase, attempt: null }]) {
      const slot = aSlot();
      let work: Promise<unknown> | undefined;
      const start = () => {
        work = dispatcher.active.get('p1');
        return Promise.resolve(nothing);
      };
      expect(await dispatcher.launch('p1', slot, start)).toBe(nothing);
      await expect(work).rejects.toThrow('nothing was started for purchase p1');
      expect([slot.released, dispatcher.active.size]).toEqual([1, 0]);
    }
  });

  it('that cannot be recorded leaves nothing behind', async () => {
    const { dispatcher } = await aShop();
    const slot = aSlot();
    let work: Promise<unknown> | undefined;
    const start = () => {
      work = dispatcher.active.get('p1');
      return Promise.reject(new Error('the disk is full'));
    };
    await expect(dispatcher.launch('p1', slot, start)).rejects.toThrow('the disk is full');
    await expect(work).rejects.toThrow('the disk is full');
    expect([slot.released, dispatcher.active.size]).toEqual([1, 0]);
  });
});

describe('what must not be lost', () => {
  it('is written again and again, ever more seldom, for as long as the record cannot be written', async () => {
    const shop = await aShop();
    const { id } = await shop.buy({ failing: { keepAnswer: 9, finishAttempt: 1 } });
    const purchase = await concluded(shop, id);
    expect(purchase).toMatchObject({ status: 'SUCCEEDED', tokens: [token] });
    expect(waits(shop)).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 50]);
    expect(shop.told).toEqual([...Array.from({ length: 9 }, () => answerFailed), outcomeFailed]);
  });

  it('is not written twice when the write that failed was done', async () => {
    const shop = await aShop();
    const { id } = got(await shop.confirm());
    Object.assign(shop.says, { failing: { keepAnswer: 1, finishAttempt: 1 }, done: true });
    expect(await concluded(shop, id)).toMatchObject({ id, status: 'SUCCEEDED', tokens: [token] });
    expect(shop.told).toEqual([]);
    expect(waits(shop)).toEqual([]);
    expect(await shop.journal.lastPosition()).toBe(2);
  });

  it('is looked for again when it cannot be told whether it was written', async () => {
    const shop = await aShop();
    const { id } = got(await shop.confirm());
    Object.assign(shop.says, { failing: { keepAnswer: 1, attempts: 1 }, done: true });
    expect(await concluded(shop, id)).toMatchObject({ status: 'SUCCEEDED' });
    expect(shop.told).toEqual([answerFailed]);
  });

  it.each(['keepAnswer', 'finishAttempt'] as const)(
    'is another instance’s once that has taken the purchase over (%s)',
    async (method) => {
      const shop = await aShop();
      const other = await aShop({ beside: shop, instance: 'two' });
      const { id } = got(await shop.confirm());
      shop.says.failing = { [method]: 2 };
      await shop.wait(20);
      await other.journal.adopt('one', (await other.journal.beats()).get('one'));
      expect(await concluded(shop, id)).toMatchObject({ id, status: 'PENDING', owner: 'two' });
      expect(await shop.journal.attempts([id])).toMatchObject([{ outcome: 'IN_FLIGHT' }]);
      const what = method === 'keepAnswer' ? 'an answer' : 'an outcome';
      expect(shop.told).toEqual([
        `${what} could not be written; trying again`,
        `${what} came too late: another instance has taken the purchase over`,
      ]);
    },
  );

  it('is not read once another instance has had the purchase, which came back meanwhile (R3)', async () => {
    const shop = await aShop({
      journal: (journal) => ({
        purchase: async (key, value) => {
          const purchase = await journal.purchase(key, value);
          if (purchase?.owner === 'two') await journal.adopt('two', (await journal.beats()).get('two'));
          return purchase;
        },
      }),
    });
    const other = await aShop({ beside: shop, instance: 'two' });
    const { id } = got(await shop.confirm());
    await other.journal.adopt('one', (await other.journal.beats()).get('one'));
    expect(await concluded(shop, id)).toMatchObject({ status: 'PENDING', owner: 'one' });
    expect(shop.told).toEqual(['an answer came too late: another instance has taken the purchase over']);
    expect(shop.count('read')).toBe(0);
    const [left] = await shop.journal.inFlight();
    if (left === undefined) throw new Error('nothing is in flight');
    expect(left.attempt.answer).toBeNull();
    await shop.play(shop.dispatcher.pickUp(left.purchase, left.attempt));
    expect(await shop.journal.purchase('id', id)).toMatchObject({ status: 'UNRESOLVED' });
  });

  it('is picked up later when the purchase cannot be read in the end', async () => {
    let gone = false;
    const shop = await aShop({
      journal: (journal) => ({
        purchase: (key, value) => (gone ? Promise.resolve(undefined) : journal.purchase(key, value)),
        attempts: async (ids) => {
          const attempts = await journal.attempts(ids);
          gone = attempts.some(({ outcome }) => outcome !== 'IN_FLIGHT');
          return attempts;
        },
      }),
    });
    const { id } = got(await shop.confirm());
    Object.assign(shop.says, { failing: { finishAttempt: 1 }, done: true });
    const work = shop.dispatcher.active.get(id);
    gone = false;
    // It is read, with its attempts, to see whether it was written; and then once more.
    await expect(shop.play(Promise.resolve(work))).rejects.toThrow(`purchase ${id} is not in the journal`);
    expect(shop.told.at(-1)).toBe(notConcluded);
    expect([shop.dispatcher.active.size, shop.slots()]).toEqual([0, 0]);
  });

  it('is given up at the end of the process: the next one picks it up', async () => {
    const shop = await aShop();
    const { id } = got(await shop.confirm());
    shop.says.failing = { keepAnswer: 1_000 };
    const work = shop.dispatcher.active.get(id);
    work?.catch(() => undefined);
    expect(await shop.play(shop.dispatcher.drain(1_000))).toBe(1);
    expect(shop.world.now).toBe(1_000);
    await expect(shop.play(Promise.resolve(work))).rejects.toThrow('the disk is full');
    expect(shop.told.at(-1)).toBe(notConcluded);
    expect([shop.dispatcher.active.size, shop.slots()]).toEqual([0, 0]);
    expect(shop.world.now).toBe(1_000);
  });
});

describe('a drain', () => {
  it('ends at once when nothing is under way', async () => {
    const shop = await aShop();
    expect(await shop.play(shop.dispatcher.drain(1_000))).toBe(0);
    expect(shop.world.now).toBe(0);
  });

  it('ends with the last of what is under way', async () => {
    const shop = await aShop();
    shop.says.takesMs = 300;
    await shop.confirm();
    await shop.confirm({ idempotencyKey: 'other' });
    expect(await shop.play(shop.dispatcher.drain(1_000))).toBe(0);
    expect(shop.world.now).toBe(300);
  });

  it('tells how much is left when its time is over', async () => {
    const shop = await aShop();
    shop.says.takesMs = 3_000;
    await shop.confirm();
    expect(await shop.play(shop.dispatcher.drain(1_000))).toBe(1);
    expect(shop.world.now).toBe(1_000);
  });
});

describe('what an earlier process left in flight', () => {
  const left = async (shop: Shop) => {
    const begun = await shop.journal.begin(newPurchase(), newAttempt({ requestId: 'r1' }));
    if (begun.attempt === null) throw new Error('it is new');
    return { purchase: begun.purchase, attempt: begun.attempt };
  };

  it('is a lost answer when there is none', async () => {
    const shop = await aShop();
    const { purchase, attempt } = await left(shop);
    await shop.play(shop.dispatcher.pickUp(purchase, attempt));
    expect(await shop.journal.attempts([purchase.id])).toMatchObject([
      {
        outcome: 'UNKNOWN',
        problem: problem({
          ...{ type: 'UNAVAILABLE', code: 'gateway_restarted', requestId: 'r1' },
          message: 'The gateway stopped before the answer came.',
        }),
      },
    ]);
    expect(await shop.journal.purchase('id', purchase.id)).toMatchObject({ status: 'UNRESOLVED' });
    expect(shop.dispatcher.active.size).toBe(0);
  });

  it('is concluded from its answer when that was kept', async () => {
    const shop = await aShop();
    const { purchase, attempt } = await left(shop);
    const answer = { status: 200, body: 'the answer', complete: true, retryAfterSeconds: null };
    await shop.journal.keepAnswer({ purchaseId: purchase.id, number: 1 }, answer);
    await shop.play(shop.dispatcher.pickUp(purchase, { ...attempt, answer }));
    expect(await shop.journal.purchase('id', purchase.id)).toMatchObject({ status: 'SUCCEEDED' });
    expect(shop.count('read')).toBe(1);
  });

  it('is left alone while it is being worked on', async () => {
    const shop = await aShop();
    const { purchase, attempt } = await left(shop);
    shop.says.failing = { finishAttempt: 1 };
    const picking = shop.dispatcher.pickUp(purchase, attempt);
    expect(shop.dispatcher.active.has(purchase.id)).toBe(true);
    await shop.dispatcher.pickUp(purchase, attempt);
    expect(await shop.journal.attempts([purchase.id])).toMatchObject([{ outcome: 'IN_FLIGHT' }]);
    await shop.play(picking);
    expect(shop.told).toEqual([outcomeFailed]);
  });
});

describe('R5: the time in which a confirm may still land', () => {
  const deniedAfter = async (shop: Shop, ms: number) => {
    const purchase = await shop.buy();
    await shop.wait(ms - (shop.world.now - 5));
    Object.assign(shop.says, { retry: answered, reading: denied, takesMs: 0 });
    return got(await shop.retry(purchase.id)).deniedInARow;
  };

  it.each([
    [MAY_LAND_MS - 1, 0],
    [MAY_LAND_MS, 1],
  ])('begins when we leave it: a denial after %d ms counts %d', async (ms, count) => {
    const shop = await aShop();
    shop.says.confirm = lost;
    expect(await deniedAfter(shop, ms)).toBe(count);
  });

  it('begins when it was answered, not when that was written', async () => {
    const shop = await aShop();
    Object.assign(shop.says, { reading: unknown, failing: { keepAnswer: 3 } });
    expect(await deniedAfter(shop, MAY_LAND_MS)).toBe(1);
    expect(waits(shop)).toEqual([50, 100, 200]);
  });

  it('begins anew for what FAILED and is asked about again', async () => {
    const shop = await aShop();
    shop.says.reading = refused;
    expect(await deniedAfter(shop, MAY_LAND_MS + 1)).toBe(0);
    await shop.wait(MAY_LAND_MS + 1);
    const [purchase] = await shop.journal.page({ limit: 1, inverted: false });
    expect(got(await shop.retry(purchase?.id ?? '')).deniedInARow).toBe(1);
    expect(purchase?.status).toBe('UNRESOLVED');
    shop.says.reading = bought;
    expect(got(await shop.retry(purchase?.id ?? '')).status).toBe('SUCCEEDED');
  });
});
