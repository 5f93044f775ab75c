import { describe, expect, onTestFinished, test } from 'vitest';

import { EventFeed } from '../../src/purchases/feed.ts';
import { UnreadableEventError, type Journal } from '../../src/purchases/journal.ts';
import { ProblemError } from '../../src/purchases/problem.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { bound } from '../support/domain.ts';
import { begun, finish, later, newAttempt, newPurchase, purchaseIn, to } from './fixtures.ts';
import { opened, outsider, tempPath } from './sqlite-fixtures.ts';

const unresolved = to('UNRESOLVED', { nextCheckAt: later(2_000) });
const when = { now: later(3_000), horizon: later(60_000), limit: 10 };

async function aRecord() {
  const path = await tempPath();
  const journal = await opened(path);
  /** As a damaged disk does. */
  const spoil = (id: string) =>
    outsider(path).prepare(`update purchases set content = '1234567890 token' where id = ?`).run(id);
  return { journal, spoil, begun: () => begun(() => Promise.resolve(journal)) };
}

describe('a purchase that cannot be read', () => {
  test.each(['in flight', 'due'] as const)('is left out of what is %s, and told', async (state) => {
    const { journal, spoil } = await aRecord();
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { purchase, attempt } = await journal.begin(newPurchase(), newAttempt());
      ids.push(purchase.id);
      if (state === 'due' && attempt !== null) await finish(journal, attempt, unresolved);
    }
    const [one, damaged, other] = ids as [string, string, string];
    spoil(damaged);
    const told = new Map<string, unknown>();
    const tell = (id: string, error: unknown) => told.set(id, error);
    const found =
      state === 'due'
        ? await journal.due(when, tell)
        : (await journal.inFlight(tell)).map(({ purchase }) => purchase);
    expect(found.map(({ id }) => id).sort()).toEqual([one, other].sort());
    expect([...told.keys()]).toEqual([damaged]);
    expect(String(told.get(damaged))).toMatch(/^Error: the record is damaged: the row of purchases \(/);
    expect(String(told.get(damaged))).not.toContain('1234567890');
    // Where nobody is to be told.
    await expect(state === 'due' ? journal.due(when) : journal.inFlight()).rejects.toThrow('damaged');
  });

  test('is named where its event stands, with the events before that', async () => {
    const { journal, spoil } = await aRecord();
    await purchaseIn(journal, 'SUCCEEDED');
    const before = await journal.events({ after: 0, limit: 10 });
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    await purchaseIn(journal, 'SUCCEEDED');
    spoil(purchase.id);
    const error: unknown = await journal.events({ after: 0, limit: 10 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreadableEventError);
    expect(error).toMatchObject({ position: 3, purchaseId: purchase.id, before });
    expect(await journal.events({ after: 3, limit: 10 })).toMatchObject([{ position: 4 }, { position: 5 }]);
  });

  test('ends the subscriptions that come to it, and no others', async () => {
    const { journal, spoil, begun: another } = await aRecord();
    const errors: unknown[] = [];
    const [damaged, sound] = [await another(), await another()];
    spoil(damaged.id);
    const log = { info: () => undefined, warn: () => undefined, error: (told: unknown) => errors.push(told) };
    const open = () => EventFeed.open({ journal, runtime: systemRuntime(), log });
    const feed = await open();
    onTestFinished(() => feed.close());
    const live = feed.follow({ after: feed.position });
    const watch = await feed.watch(sound.id);
    expect((await watch?.next())?.value).toMatchObject({ id: sound.id, status: 'PENDING' });

    const behind = feed.follow({ after: 0 });
    const refusal: unknown = await behind.next().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ProblemError);
    expect(refusal).toMatchObject({ problem: { code: 'event_unreadable' } });
    expect(await behind.next()).toEqual({ done: true, value: undefined });

    await finish(journal, sound.first, to('SUCCEEDED'));
    expect((await live.next()).value).toMatchObject({ position: 3, purchase: { id: sound.id } });
    expect((await watch?.next())?.value).toMatchObject({ id: sound.id, status: 'SUCCEEDED' });
    expect(errors).toEqual([]);
  });

  test('holds up none of the events after it, and is told once', async () => {
    const { journal, spoil, begun: another } = await aRecord();
    const errors: unknown[] = [];
    const log = { info: () => undefined, warn: () => undefined, error: (told: unknown) => errors.push(told) };
    // It hears of nothing that is written here: what it has it has read.
    const deaf = new Proxy(journal, {
      get: (target, name: keyof Journal) =>
        name === 'onCommit' ? () => () => undefined : bound(target, name),
    });
    const feed = await EventFeed.open({ journal: deaf, runtime: systemRuntime(), log });
    onTestFinished(() => feed.close());
    const [damaged, sound] = [await another(), await another()];
    spoil(damaged.id);
    await expect.poll(() => feed.position, { timeout: 5_000 }).toBe(2);
    expect(errors).toMatchObject([{ err: { position: 1, purchaseId: damaged.id } }]);
    expect((await feed.follow({ after: 1 }).next()).value).toMatchObject({ purchase: { id: sound.id } });
    await expect(feed.follow({ after: 0 }).next()).rejects.toThrow('cannot be read');
    const other = feed.follow({ after: 0, purchaseId: sound.id });
    expect((await other.next()).value).toMatchObject({ position: 2 });
  });
});
