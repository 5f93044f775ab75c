import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { EventFeed } from '../../src/purchases/feed.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import type { PurchaseEvent } from '../../src/purchases/purchase.ts';
import { finish, newAttempt, newPurchase, purchaseIn, to } from '../journal/fixtures.ts';
import { MemoryJournal, MemoryRecord } from '../simulation/memory-journal.ts';
import { bound } from '../support/domain.ts';
import { systemRuntime } from '../../src/system-runtime.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** More than the feed keeps in memory. */
const MANY = 1_500;

let journal: Journal;
let feed: EventFeed;
let readsThatFail: number;

beforeEach(async () => {
  readsThatFail = 0;
  const record = new MemoryJournal(new MemoryRecord(), { instance: 'one', shared: false });
  journal = new Proxy(record, {
    get: (target, name: keyof Journal) => {
      if (name !== 'events') return bound(target, name);
      return (request: Parameters<Journal['events']>[0]) => {
        if (readsThatFail > 0) {
          readsThatFail -= 1;
          return Promise.reject(new Error('the disk failed'));
        }
        return target.events(request);
      };
    },
  });
  feed = await EventFeed.open({ journal, runtime: systemRuntime(), log });
  onTestFinished(async () => {
    feed.close();
    await record.close();
  });
});

/** Follows from the position; `positions` grows as events come. */
function follower(after: number, purchaseId?: string) {
  const positions: number[] = [];
  const iterator = feed.follow({ after, ...(purchaseId === undefined ? {} : { purchaseId }) });
  const done = (async () => {
    for await (const { position } of iterator) positions.push(position);
  })();
  return { positions, iterator, done };
}

async function write(purchases: number): Promise<void> {
  for (let n = 0; n < purchases; n += 1) await purchaseIn(journal, 'SUCCEEDED');
}

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => from + n);

describe('R7: a follower', () => {
  it('gets every event once, in order, wherever it begins and however far behind it is', async () => {
    await write(20);
    const fromTheStart = follower(0);
    const fromTheMiddle = follower(17);
    await write(MANY / 2);
    const afterTheRing = follower(3);
    const fromTheEnd = follower(40 + MANY);
    await write(5);
    const last = 50 + MANY;
    await expect.poll(() => fromTheEnd.positions.at(-1)).toBe(last);
    await expect.poll(() => fromTheStart.positions.at(-1)).toBe(last);
    await expect.poll(() => afterTheRing.positions.at(-1)).toBe(last);
    expect(fromTheStart.positions).toEqual(upTo(last));
    expect(fromTheMiddle.positions).toEqual(upTo(last, 18));
    expect(afterTheRing.positions).toEqual(upTo(last, 4));
    expect(fromTheEnd.positions).toEqual(upTo(last, 41 + MANY));
  });

  it('misses nothing that has just left the memory', async () => {
    await write(MANY / 2);
    const edge = MANY - 1_024;
    await expect.poll(async () => (await feed.follow({ after: MANY - 1 }).next()).value?.position).toBe(MANY);
    for (let after = edge - 5; after <= edge + 5; after += 1) {
      const { value } = await feed.follow({ after }).next();
      expect(value?.position).toBe(after + 1);
    }
  });

  it('that reads slowly falls behind the memory and still misses nothing', async () => {
    const slow = feed.follow({ after: 0 });
    const seen: PurchaseEvent[] = [];
    const take = async () => {
      const { value } = await slow.next();
      if (value !== undefined) seen.push(value);
    };
    await write(1);
    await take();
    await write(MANY / 2);
    for (let n = 1; n < 2 + MANY; n += 1) await take();
    expect(seen.map(({ position }) => position)).toEqual(upTo(2 + MANY));
  });

  it('of one purchase gets that one’s events only', async () => {
    await write(3);
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    const own = follower(0, purchase.id);
    await write(3);
    await finish(journal, { purchaseId: purchase.id, number: 1 }, to('SUCCEEDED'));
    await expect.poll(() => own.positions).toEqual([7, 14]);
  });

  it('misses nothing while the record cannot be read for a while', async () => {
    const live = follower(0);
    await write(1);
    await expect.poll(() => live.positions).toEqual([1, 2]);
    readsThatFail = 2;
    await write(2);
    await expect.poll(() => live.positions, { timeout: 5_000 }).toEqual(upTo(6));
  });

  it('that has left is forgotten at once, also while nothing happens', async () => {
    const idle = Array.from({ length: 50 }, () => follower(0));
    await expect.poll(() => feed.waiting).toBe(50);
    for (const { iterator } of idle) await iterator.return?.();
    await Promise.all(idle.map(({ done }) => done));
    expect(feed.waiting).toBe(0);
  });

  it('ends when the feed closes', async () => {
    const idle = follower(0);
    await expect.poll(() => feed.waiting).toBe(1);
    feed.close();
    await idle.done;
  });
});

describe('watching a purchase', () => {
  it('gives it as it is, then each change, and ends when it is settled', async () => {
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    const watch = await feed.watch(purchase.id);
    const first = await watch?.next();
    expect(first?.value).toMatchObject({ status: 'PENDING' });
    const next = watch?.next();
    await finish(journal, { purchaseId: purchase.id, number: 1 }, to('SUCCEEDED'));
    expect((await next)?.value).toMatchObject({ status: 'SUCCEEDED' });
    expect((await watch?.next())?.done).toBe(true);
  });

  it('of one that there is not gives nothing', async () => {
    await expect(feed.watch('nobody')).resolves.toBeUndefined();
  });
});
