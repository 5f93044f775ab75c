import { getEventListeners } from 'node:events';

import { describe, expect, it, onTestFinished } from 'vitest';

import { EventFeed } from '../../src/purchases/feed.ts';
import type { EventRequest, Journal } from '../../src/purchases/journal.ts';
import type { Purchase } from '../../src/purchases/purchase.ts';
import { finish, newAttempt, newPurchase, purchaseIn, to } from '../journal/fixtures.ts';
import { MemoryJournal, MemoryRecord } from '../simulation/memory-journal.ts';
import { SimulatedProcess } from '../simulation/process.ts';
import { World } from '../simulation/world.ts';
import { bound } from '../support/domain.ts';

/** A feed on simulated time, whose journal takes its time, fails, or wakes nobody. */
async function setting(before = 0) {
  const world = new World(1);
  const { runtime } = new SimulatedProcess(world, 'one');
  const own = new MemoryJournal(new MemoryRecord(), { instance: 'one', shared: false });
  for (let n = 0; n < before; n += 1) await purchaseIn(own, 'SUCCEEDED');
  const is = { takesMs: 0, failing: 0, waking: true, telling: false };
  const reads: EventRequest[] = [];
  const told: string[] = [];
  const changed: Partial<Journal> = {
    events: async (request) => {
      reads.push(request);
      const events = await own.events(request);
      if (is.takesMs > 0) await world.sleep(is.takesMs);
      if (is.failing === 0) return events;
      is.failing -= 1;
      throw new Error('the disk failed');
    },
    onCommit: (wake) =>
      own.onCommit((events) => {
        if (is.waking) wake(is.telling ? events : undefined);
      }),
  };
  const journal = new Proxy<Journal>(own, {
    get: (_target, name: keyof Journal) => changed[name] ?? bound(own, name),
  });
  const error = (_details: object, message: string) => void told.push(message);
  const log = { info: () => undefined, warn: () => undefined, error };
  const feed = await EventFeed.open({ journal, runtime, log });
  onTestFinished(() => feed.close());
  const until = async (ms: number) => {
    await new Promise((resume) => setImmediate(resume));
    world.after(ms - world.now, () => undefined);
    await world.run(ms, () => false);
  };
  /** All that it gets, as it comes. */
  const follow = (request: Parameters<EventFeed['follow']>[0]) => {
    const seen: number[] = [];
    const iterator = feed.follow(request);
    const done = (async () => {
      for await (const { position } of iterator) seen.push(position);
    })();
    return { seen, iterator, done };
  };
  const statuses = (watched: AsyncIterableIterator<Purchase> | undefined) => {
    const seen: string[] = [];
    const done = (async () => {
      for await (const { status } of watched ?? []) seen.push(status);
    })();
    return { seen, done };
  };
  const begin = async () => (await own.begin(newPurchase(), newAttempt())).purchase;
  return { world, feed, journal: own, is, reads, told, until, follow, statuses, begin };
}

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => from + n);

describe('a feed', () => {
  it('reads nothing that it is told, unless something is missing before it', async () => {
    const { follow, is, until, begin, reads } = await setting();
    const { seen } = follow({ after: 0 });
    await until(1);
    const before = reads.length;
    is.telling = true;
    await begin();
    await begin();
    await until(2);
    expect(seen).toEqual([1, 2]);
    expect(reads.length).toBe(before);
    is.waking = false;
    await begin();
    is.waking = true;
    await begin();
    await until(3);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(reads.slice(before)).toEqual([{ after: 2, limit: 256 }]);
  });

  it('finds within a second what it was not woken for', async () => {
    const { follow, is, until, begin } = await setting();
    const { seen } = follow({ after: 0 });
    is.waking = false;
    await until(300);
    await begin();
    await until(900);
    expect(seen).toEqual([]);
    await until(1_000);
    expect(seen).toEqual([1]);
  });

  it('reads each event once for all that keep up', async () => {
    const { follow, reads, until, begin } = await setting();
    await until(1);
    const before = reads.length;
    const followers = Array.from({ length: 20 }, () => follow({ after: 0 }));
    await until(2);
    expect(reads.length).toBe(before);
    for (let n = 0; n < 3; n += 1) {
      await begin();
      await until(3 + n);
    }
    for (const { seen } of followers) expect(seen).toEqual([1, 2, 3]);
    expect(reads.slice(before)).toEqual([0, 1, 2].map((after) => ({ after, limit: 256 })));
  });

  it('that is woken while it reads reads once more, and tells nothing twice', async () => {
    const { follow, is, until, begin, reads } = await setting();
    const { seen } = follow({ after: 0 });
    await until(1);
    is.takesMs = 10;
    await begin();
    await begin();
    await until(5);
    await begin();
    await until(100);
    expect(seen).toEqual([1, 2, 3]);
    expect(reads.slice(1).map(({ after }) => after)).toEqual([0, 1]);
  });

  it('reads on at once when there is more than one read brings', async () => {
    const { follow, is, until, journal, begin } = await setting();
    const { seen } = follow({ after: 0 });
    await until(1);
    is.waking = false;
    for (let n = 0; n < 150; n += 1) await purchaseIn(journal, 'SUCCEEDED');
    is.waking = true;
    await begin();
    await until(500);
    expect(seen).toEqual(upTo(301));
  });

  it('tries again half a second after the record could not be read', async () => {
    const { follow, is, told, until, begin } = await setting();
    const { seen } = follow({ after: 0 });
    await until(1);
    is.failing = 1;
    await begin();
    await until(500);
    expect(seen).toEqual([]);
    expect(told).toEqual(['the journal could not be read for live events; trying again']);
    await until(501);
    expect(seen).toEqual([1]);
    await begin();
    await until(510);
    expect(seen).toEqual([1, 2]);
  });

  it('reads no more once it is closed, and says nothing of what fails then', async () => {
    const { feed, is, reads, told, until, begin } = await setting();
    await until(10);
    Object.assign(is, { takesMs: 100, failing: 1 });
    await begin();
    await until(20);
    feed.close();
    const before = reads.length;
    await until(5_000);
    await begin();
    await until(10_000);
    expect(reads.length).toBe(before);
    expect(told).toEqual([]);
  });

  it('keeps the latest thousand in mind, and reads what is older for whoever needs it', async () => {
    const { follow, is, until, journal, reads, begin } = await setting();
    await until(1);
    is.waking = false;
    for (let n = 0; n < 600; n += 1) await purchaseIn(journal, 'SUCCEEDED');
    is.waking = true;
    await begin();
    await until(10);
    const before = reads.length;
    const [inMind, older] = [1_201 - 1_024, 1_201 - 1_024 - 1];
    const near = follow({ after: inMind });
    await until(11);
    expect(near.seen).toEqual(upTo(1_201, inMind + 1));
    expect(reads.length).toBe(before);
    const far = follow({ after: older });
    await until(12);
    expect(far.seen).toEqual(upTo(1_201, older + 1));
    expect(reads.slice(before)[0]).toMatchObject({ after: older, limit: 256 });
  });

  it('reads the record no oftener than it must for one that is behind', async () => {
    const { follow, until, reads } = await setting(300);
    await until(1);
    const before = reads.length;
    const behind = follow({ after: 0 });
    await until(2);
    expect(behind.seen).toEqual(upTo(600));
    expect(reads.slice(before)).toEqual(
      [0, 256, 512].map((after) => ({ after, limit: 256, purchaseId: undefined })),
    );
  });
});

describe('followers', () => {
  it('that are behind at the same place are read for once, and each gets all', async () => {
    const { follow, until, reads, is, begin } = await setting(300);
    await until(1);
    const before = reads.length;
    is.takesMs = 10;
    const behind = Array.from({ length: 20 }, () => follow({ after: 0 }));
    await until(2);
    // While it is being read for them.
    await begin();
    await until(1_500);
    for (const { seen } of behind) expect(seen).toEqual(upTo(601));
    expect(reads.slice(before).filter(({ after }) => after === 0)).toHaveLength(1);
  });
});

describe('a follower', () => {
  it('of one purchase that is behind reads that once, and then waits', async () => {
    const { follow, until, feed, journal, reads } = await setting(5);
    const [oldest] = await journal.page({ limit: 1, inverted: true });
    await until(1);
    const before = reads.length;
    const { seen } = follow({ after: 0, purchaseId: oldest?.id ?? '' });
    await until(2);
    expect(seen).toHaveLength(2);
    expect([feed.waiting, reads.length - before]).toEqual([1, 1]);
  });

  it('gets only what it may see', async () => {
    const { follow, until, begin, journal } = await setting();
    const [first, second] = [await begin(), await begin()];
    const { seen } = follow({ after: 0, sees: ({ id }) => id === second.id });
    const { seen: both } = follow({ after: 0, purchaseId: first.id, sees: ({ id }) => id === second.id });
    await until(1);
    await finish(journal, { purchaseId: first.id, number: 1 }, to('SUCCEEDED'));
    await finish(journal, { purchaseId: second.id, number: 1 }, to('FAILED'));
    await until(2);
    expect(seen).toEqual([2, 4]);
    expect(both).toEqual([]);
  });

  it('whose signal aborts ends, and nothing listens to it any more', async () => {
    const { follow, until, begin, feed } = await setting();
    const leaving = new AbortController();
    const { seen, done } = follow({ after: 0, signal: leaving.signal });
    await begin();
    await until(1);
    expect(feed.waiting).toBe(1);
    leaving.abort();
    await done;
    expect(seen).toEqual([1]);
    expect(feed.waiting).toBe(0);
    expect(getEventListeners(leaving.signal, 'abort')).toEqual([]);
  });

  it('whose signal has aborted gets nothing', async () => {
    const { follow, begin, until, feed } = await setting();
    await begin();
    await until(1);
    const { seen, done } = follow({ after: 0, signal: AbortSignal.abort() });
    await done;
    expect(seen).toEqual([]);
    feed.close();
    const late = follow({ after: 0 });
    await late.done;
    expect(late.seen).toEqual([]);
  });

  it('that leaves in the midst of a batch gets nothing more', async () => {
    const { feed, begin, until } = await setting();
    const leaving = new AbortController();
    await begin();
    await begin();
    await until(1);
    const iterator = feed.follow({ after: 0, signal: leaving.signal });
    expect((await iterator.next()).value).toMatchObject({ position: 1 });
    leaving.abort();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('that returns or throws is over, and forgotten', async () => {
    const { feed, begin, until } = await setting();
    const { signal } = new AbortController();
    await begin();
    await until(1);
    const [returns, throws] = [feed.follow({ after: 0, signal }), feed.follow({ after: 0, signal })];
    for (const one of [returns, throws]) expect((await one.next()).done).toBe(false);
    expect(await returns.return?.()).toStrictEqual({ done: true, value: undefined });
    await expect(throws.throw?.(new Error('no more'))).rejects.toThrow('no more');
    for (const one of [returns, throws]) expect((await one.next()).done).toBe(true);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(feed.waiting).toBe(0);
  });

  it('that waits and throws is over at once', async () => {
    const { feed, until } = await setting();
    const waiting = feed.follow({ after: 0 });
    const next = waiting.next();
    await until(1);
    expect(feed.waiting).toBe(1);
    await expect(waiting.throw?.(new Error('no more'))).rejects.toThrow('no more');
    expect((await next).done).toBe(true);
    expect(feed.waiting).toBe(0);
  });

  it('waits once however often it is woken, and leaves no listener behind', async () => {
    const { follow, until, begin, feed } = await setting();
    const { signal } = new AbortController();
    const { seen } = follow({ after: 0, signal });
    for (let n = 1; n <= 5; n += 1) {
      await begin();
      await until(n);
    }
    expect(seen).toEqual(upTo(5));
    expect(feed.waiting).toBe(1);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });
});

describe('watching', () => {
  it('one that is settled gives it, and ends', async () => {
    const { feed, journal, statuses } = await setting();
    const { id } = await purchaseIn(journal, 'SUCCEEDED');
    const { seen, done } = statuses(await feed.watch(id));
    await done;
    expect(seen).toEqual(['SUCCEEDED']);
  });

  it('goes on until it is settled, and tells nothing of others', async () => {
    const { feed, journal, statuses, begin, until } = await setting();
    const { id } = await begin();
    const { signal } = new AbortController();
    const { seen, done } = statuses(await feed.watch(id, signal));
    await until(1);
    await begin();
    await finish(journal, { purchaseId: id, number: 1 }, to('UNRESOLVED'));
    await until(2);
    expect(seen).toEqual(['PENDING', 'UNRESOLVED']);
    await journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
    await finish(journal, { purchaseId: id, number: 2 }, to('SUCCEEDED'));
    await until(3);
    await done;
    expect(seen).toEqual(['PENDING', 'UNRESOLVED', 'SUCCEEDED']);
    expect(feed.waiting).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends when the client leaves', async () => {
    const { feed, statuses, begin, until } = await setting();
    const { id } = await begin();
    const leaving = new AbortController();
    const { seen, done } = statuses(await feed.watch(id, leaving.signal));
    await until(1);
    leaving.abort();
    await done;
    expect(seen).toEqual(['PENDING']);
  });
});
