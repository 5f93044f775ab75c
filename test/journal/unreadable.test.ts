import { describe, expect, onTestFinished, test } from 'vitest';

import { EventFeed } from '../../src/purchases/feed.ts';
import { apiKeyAuthenticator, newApiKey } from '../../src/auth/api-key.ts';
import { UnreadableEventError, type Journal, type PageRequest } from '../../src/purchases/journal.ts';
import { ProblemError } from '../../src/purchases/problem.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { bound } from '../support/domain.ts';
import { begun, finish, later, newAttempt, newPurchase, purchaseIn, to } from './fixtures.ts';
import { command } from '../support/operator.ts';
import { opened, outsider, tempPath } from './sqlite-fixtures.ts';

const unresolved = to('UNRESOLVED', { nextCheckAt: later(2_000) });
const when = { now: later(3_000), horizon: later(60_000), limit: 10 };

async function aRecord() {
  const path = await tempPath();
  const journal = await opened(path);
  /** As a damaged disk does. */
  const spoil = (id: string) =>
    outsider(path).prepare(`update purchases set content = '1234567890 token' where id = ?`).run(id);
  return { journal, path, spoil, begun: () => begun(() => Promise.resolve(journal)) };
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
    expect(String(told.get(damaged))).toMatch(
      /^UnreadableError: the record is damaged: the row of purchases \(/,
    );
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

  test('has its place on a page taken by another, whichever way, and over many accounts', async () => {
    const { journal, spoil } = await aRecord();
    const all: string[] = [];
    for (let n = 0; n < 12; n += 1) {
      const order = { accountId: n };
      all.push((await purchaseIn(journal, 'FAILED', { createdAt: later(n), order })).id);
    }
    const unreadable = [1, 2, 3, 7, 11].map((n) => all[n] ?? '');
    for (const id of unreadable) spoil(id);
    const newest = all.filter((id) => !unreadable.includes(id)).reverse();
    const told = new Set<string>();
    const page = async (request: Partial<PageRequest>) =>
      (await journal.page({ limit: 5, inverted: false, ...request }, (id) => told.add(id))).map(
        ({ id }) => id,
      );
    expect(await page({})).toEqual(newest.slice(0, 5));
    expect(await page({ after: newest[4] })).toEqual(newest.slice(5));
    expect(await page({ inverted: true })).toEqual(newest.slice(-5).reverse());
    expect(await page({ filter: { accounts: [...all.keys()] } })).toEqual(newest.slice(0, 5));
    expect([...told].sort()).toEqual(unreadable.sort());
    await expect(journal.page({ limit: 5, inverted: false })).rejects.toThrow('damaged');
  });

  test('may have an attempt that cannot be: the others are told, and that it is so', async () => {
    const { journal, path, begun: another } = await aRecord();
    const { id, first } = await another();
    await finish(journal, first, unresolved);
    await journal.startAttempt(id, 'UNRESOLVED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
    outsider(path).exec(`update attempts set problem = 'damaged' where number = 1`);
    const told: string[] = [];
    expect(await journal.attempts([id], (purchaseId) => told.push(purchaseId))).toMatchObject([
      { number: 2 },
    ]);
    expect(told).toEqual([id]);
    await expect(journal.attempts([id])).rejects.toThrow(`the row of attempts (${id} 1)`);
  });

  test('may be a caller’s key: it lets nobody in and shuts nobody out, and can be revoked', async () => {
    const { journal, path } = await aRecord();
    const make = async (name: string) => {
      const { id, key, secretSha256 } = newApiKey();
      const none = { integration: undefined, accounts: undefined, limits: undefined };
      const times = { createdAt: later(0), expiresAt: undefined, revokedAt: undefined };
      await journal.keys.add({ id, name, secretSha256, scopes: ['purchases:read'], ...none, ...times });
      return { id, key };
    };
    const [good, bad] = [await make('good'), await make('bad')];
    outsider(path).prepare(`update api_keys set scopes = '["purchases:refund"]' where id = ?`).run(bad.id);
    const told: unknown[] = [];
    const log = { warn: (about: object) => told.push(about), info: () => undefined };
    const runtime = systemRuntime();
    const authenticator = await apiKeyAuthenticator({ store: journal.keys, runtime, log });
    onTestFinished(() => authenticator.close());
    for (let n = 0; n < 2; n += 1) {
      expect(await authenticator.admit([`Bearer ${good.key}`])).toMatchObject({ caller: { name: 'good' } });
      expect(await authenticator.admit([`Bearer ${bad.key}`])).toMatchObject({ refused: 'invalid' });
    }
    expect(told).toMatchObject([{ key: `sp_${bad.id}` }]);
    await expect(journal.keys.all()).rejects.toThrow(`the key sp_${bad.id} cannot be read`);
    const keys = (...argv: string[]) => command('keys', argv, path);
    expect(await keys('list')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/good[^]*1 key\./) as string,
      err: `sp_${bad.id} cannot be read and lets nobody in: revoke it.\n`,
    });
    expect(await keys('revoke', `sp_${bad.id}`)).toMatchObject({
      ...{ code: 0, out: `sp_${bad.id}, of which no more can be read: revoked.\n` },
    });
    expect((await keys('revoke', `sp_${bad.id}`)).err).toMatch(/revoked already/);
    expect((await keys('create', '--name', 'new', '--scopes', 'purchases:read')).code).toBe(0);
  });
});
