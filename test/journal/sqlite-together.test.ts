import { stat } from 'node:fs/promises';

import { sql } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';

import { Checkpoints } from '../../src/journal/sqlite/checkpoints.ts';
import { newAttempt, newPurchase } from './fixtures.ts';
import { opened, openInside, tempPath } from './sqlite-fixtures.ts';

const crowd = (size: number, write: (index: number) => Promise<unknown>) =>
  Promise.allSettled(Array.from({ length: size }, (_, index) => write(index)));

describe('SQLite: those who write together', () => {
  test('share a transaction, some of them at most', async () => {
    const statements: string[] = [];
    const { journal } = await openInside(await tempPath(), {
      onStatement: (statement) => statements.push(statement),
      // However slow the machine is.
      monotonic: () => 0,
    });
    statements.length = 0;
    const begun = await Promise.all(
      Array.from({ length: 40 }, () => journal.begin(newPurchase(), newAttempt())),
    );
    expect(statements.filter((statement) => statement === 'begin immediate')).toHaveLength(3);
    expect(statements.filter((statement) => statement === 'commit')).toHaveLength(3);
    // In the order in which they came.
    expect(begun.map(({ purchase }) => purchase.lastEvent)).toEqual(begun.map((_, index) => index + 1));
  });

  test('are fewer where each takes long, and the others are next, in their order', async () => {
    const statements: string[] = [];
    const onStatement = (statement: string) => void statements.push(statement);
    const clock = { ms: 0 };
    const monotonic = () => clock.ms;
    const { store, journal } = await openInside(await tempPath(), { onStatement, monotonic });
    statements.length = 0;
    const order: number[] = [];
    const slowly = (index: number) =>
      store.write(() => {
        clock.ms += 1;
        order.push(index);
        return Promise.resolve();
      });
    const written = crowd(20, slowly);
    await new Promise((resolve) => setImmediate(resolve));
    const last = journal.begin(newPurchase(), newAttempt());
    expect((await written).filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    await last;
    expect(order).toEqual(order.map((_, index) => index));
    // 8, 8, then what is left with the one that came later.
    expect(statements.filter((statement) => statement === 'begin immediate')).toHaveLength(3);
    expect(statements.filter((statement) => statement === 'commit')).toHaveLength(3);
  });

  test('see what those before them wrote: of one key there is one purchase', async () => {
    const journal = await opened(await tempPath());
    const begun = await Promise.all(
      Array.from({ length: 16 }, () => journal.begin(newPurchase({ idempotencyKey: 'one' }), newAttempt())),
    );
    expect(new Set(begun.map(({ purchase }) => purchase.id)).size).toBe(1);
    expect(begun.filter(({ attempt }) => attempt !== null)).toHaveLength(1);
  });

  test('are told of their events in one go, in order', async () => {
    const journal = await opened(await tempPath());
    const told: (readonly number[])[] = [];
    journal.onCommit((events = []) => told.push(events.map(({ position }) => position)));
    await crowd(5, () => journal.begin(newPurchase(), newAttempt()));
    expect(told).toEqual([[1, 2, 3, 4, 5]]);
  });

  test('are told what the record tells afterwards', async () => {
    const journal = await opened(await tempPath());
    const told: unknown[] = [];
    journal.onCommit((events = []) => told.push(...events));
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    const byHand = { author: 'thato', reason: 'seen at "the provider"' };
    const result = { outcome: 'UNKNOWN', problem: null, finishedAt: new Date(1_000) } as const;
    const updatedAt = new Date(2_000);
    await journal.finishAttempt({ purchaseId: purchase.id, number: 1 }, result, {
      ...{ status: 'UNRESOLVED', updatedAt },
    });
    await journal.decide(purchase.id, byHand, () => ({ status: 'FAILED', updatedAt }));
    expect(told).toHaveLength(3);
    expect(told).toEqual(await journal.events({ after: 0, limit: 10 }));
  });

  test('all fail when their commit does, and nothing of them is written', async () => {
    const { store, journal } = await openInside(await tempPath());
    const results = await crowd(8, (index) =>
      index === 5
        ? store.write(async ({ db }) => {
            await sql`pragma defer_foreign_keys = on`.execute(db);
            await sql`insert into attempts select 'nobody', 1, 'CONFIRM', 'IN_FLIGHT', 0, null, '', null, null, null, null, null, null`.execute(
              db,
            );
          })
        : journal.begin(newPurchase(), newAttempt()),
    );
    expect(results.map(({ status }) => status)).toEqual(results.map(() => 'rejected'));
    expect(await journal.lastPosition()).toBe(0);
    expect((await journal.begin(newPurchase(), newAttempt())).purchase.lastEvent).toBe(1);
  });

  test('are written before the record closes, also those who had only just asked', async () => {
    const path = await tempPath();
    const journal = await opened(path);
    const written = crowd(20, () => journal.begin(newPurchase(), newAttempt()));
    await journal.close();
    expect((await written).filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    await expect(journal.begin(newPurchase(), newAttempt())).rejects.toThrow(/destroyed/);
    expect(await (await opened(path)).lastPosition()).toBe(20);
  });

  test('are not looked at before their commit', async () => {
    const { store, journal } = await openInside(await tempPath());
    const purchase = newPurchase();
    let goOn = (): void => undefined;
    const waits = new Promise<void>((resolve) => (goOn = resolve));
    let found: unknown;
    const written = journal.begin(purchase, newAttempt());
    const failed = store.write(async () => {
      const look = journal.purchase('id', purchase.id);
      void look.then((seen) => (found = seen ?? 'nothing'));
      await waits;
      throw new Error('undone');
    });
    for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(found).toBeUndefined();
    goOn();
    await expect(failed).rejects.toThrow('undone');
    await written;
    await expect.poll(() => found).toEqual(await journal.purchase('id', purchase.id));
  });
});

describe('SQLite: checkpoints', () => {
  const sizeOf = async (path: string) => (await stat(path)).size;

  test('bring over what lies in the WAL while the record is open', async () => {
    const path = await tempPath();
    const journal = await opened(path);
    const before = await sizeOf(path);
    for (let count = 0; count < 140; count += 1) await journal.begin(newPurchase(), newAttempt());
    await expect.poll(() => sizeOf(path)).toBeGreaterThan(before);
    expect(await journal.lastPosition()).toBe(140);
  });

  test('that cannot be made fail nobody', async () => {
    const checkpoints = new Checkpoints('/nowhere/gateway.db');
    onTestFinished(() => checkpoints.close());
    for (let count = 0; count < 300; count += 1) checkpoints.committed();
    await checkpoints.close();
  });
});
