import { symlink, writeFile } from 'node:fs/promises';

import { Kysely } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';

import { SqlRecord } from '../../src/journal/record.ts';
import { migrate } from '../../src/journal/migrate.ts';
import { Database, DurableSqliteDialect } from '../../src/journal/sqlite/database.ts';
import { Disk, FlushError } from '../../src/journal/sqlite/disk.ts';
import { sqliteMigrations } from '../../src/journal/sqlite/migrations.ts';
import { SqliteStore } from '../../src/journal/sqlite/store.ts';
import type { Tables } from '../../src/journal/tables.ts';
import { DEFAULT_INTEGRATION } from '../../src/purchases/journal.ts';
import { newAttempt, newPurchase } from './fixtures.ts';
import { tempPath } from './sqlite-fixtures.ts';

/** A disk whose flushes end when the test says so. */
function slow(turn?: () => Promise<unknown>) {
  const flushes: { done: () => void; fail: (error: Error) => void }[] = [];
  const flush = () => new Promise<void>((done, fail) => flushes.push({ done, fail }));
  const disk = new Disk(flush, turn && { turn });
  return { disk, flushes };
}

/** Lets all go on that waits for nothing else. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Whether it has resolved by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(resolve, 'no'));
  return (await Promise.race([promise.then(() => 'yes'), turn])) === 'yes';
}

describe('SQLite: the disk', () => {
  test('is not waited for when nothing was written', async () => {
    const { disk, flushes } = slow();
    await disk.settled();
    expect(flushes).toHaveLength(0);
  });

  test('is waited for once by all who wrote before, and again by who wrote meanwhile', async () => {
    const { disk, flushes } = slow();
    disk.wrote();
    const first = disk.settled();
    const reader = disk.settled();
    disk.wrote();
    const later = [disk.settled(), disk.settled()];
    expect(flushes).toHaveLength(1);
    flushes[0]?.done();
    await Promise.all([first, reader]);
    expect(await isDone(Promise.race(later))).toBe(false);
    expect(flushes).toHaveLength(2);
    flushes[1]?.done();
    await Promise.all(later);
    await disk.settled();
    expect(flushes).toHaveLength(2);
  });

  test('is asked once no turn brings a further write, and after a few that do', async () => {
    const turns: (() => void)[] = [];
    const { disk, flushes } = slow(() => new Promise<void>((resolve) => turns.push(resolve)));
    const turn = async () => {
      turns.shift()?.();
      await settle();
    };
    disk.wrote();
    const first = disk.settled();
    await turn();
    disk.wrote();
    const second = disk.settled();
    await turn();
    await turn();
    expect(flushes).toHaveLength(0);
    await turn();
    expect(flushes).toHaveLength(1);
    flushes[0]?.done();
    await Promise.all([first, second]);
    disk.wrote();
    const busy = disk.settled();
    for (let count = 0; count < 4; count += 1) {
      expect(flushes).toHaveLength(1);
      disk.wrote();
      await turn();
    }
    expect(flushes).toHaveLength(2);
    flushes[1]?.done();
    await busy;
  });

  test('that failed is never believed again', async () => {
    const { disk, flushes } = slow();
    disk.wrote();
    const all = [disk.settled(), disk.settled()];
    flushes[0]?.fail(new Error('EIO'));
    for (const one of all) await expect(one).rejects.toThrow(FlushError);
    await expect(disk.settled()).rejects.toThrow(/EIO.*start the gateway again/);
    disk.wrote();
    await expect(disk.settled()).rejects.toThrow(FlushError);
    expect(flushes).toHaveLength(1);
  });
});

describe('SQLite: what is committed', () => {
  /** A record on a disk whose flushes end when the test says so. */
  async function record() {
    const { disk, flushes } = slow();
    const path = await tempPath();
    const database = new Database(path, { busyTimeoutMs: 100 });
    const db = new Kysely<Tables>({ dialect: new DurableSqliteDialect({ database, disk }) });
    await migrate(db, sqliteMigrations);
    const store = new SqliteStore({ path, database, db, disk, release: () => undefined });
    const journal = new SqlRecord(store, { instance: 'one', shared: false }).of(DEFAULT_INTEGRATION);
    onTestFinished(() => db.destroy());
    return { journal, flushes };
  }

  test('R2: is written, read and told of only once it is on disk', async () => {
    const { journal, flushes } = await record();
    let woken = false;
    journal.onCommit(() => (woken = true));
    const written = journal.begin(newPurchase(), newAttempt());
    await expect.poll(() => flushes.length).toBe(1);
    const read = journal.page({ limit: 10, inverted: false });
    expect(await isDone(written)).toBe(false);
    expect(await isDone(read)).toBe(false);
    expect(woken).toBe(false);
    flushes[0]?.done();
    const { purchase } = await written;
    expect(await read).toEqual([purchase]);
    expect(woken).toBe(true);
    expect(await journal.page({ limit: 10, inverted: false })).toEqual([purchase]);
    expect(flushes).toHaveLength(1);
  });

  test('is looked up only once it is on disk; what is not there need not wait for that', async () => {
    const { journal, flushes } = await record();
    const purchase = newPurchase({ idempotencyKey: 'one' });
    const written = journal.begin(purchase, newAttempt());
    await expect.poll(() => flushes.length).toBe(1);
    const there = journal.purchase('idempotencyKey', 'one');
    expect(await journal.purchase('idempotencyKey', 'another')).toBeUndefined();
    expect(await isDone(there)).toBe(false);
    flushes[0]?.done();
    expect(await there).toEqual((await written).purchase);
  });

  test('together waits for the disk together, and holds up nobody who wants to write', async () => {
    const { journal, flushes } = await record();
    const first = journal.begin(newPurchase(), newAttempt());
    await expect.poll(() => flushes.length).toBe(1);
    const others = Array.from({ length: 20 }, () => journal.begin(newPurchase(), newAttempt()));
    await new Promise((resolve) => setTimeout(resolve, 50));
    flushes[0]?.done();
    await first;
    await expect.poll(() => flushes.length).toBe(2);
    expect(await isDone(Promise.race(others))).toBe(false);
    // A slow machine takes some transactions more for so many, and may begin to flush between two of them.
    const written = Promise.all(others);
    for (let at = 1; !(await isDone(written)); at += 1) {
      await expect.poll(async () => flushes.length > at || (await isDone(written))).toBe(true);
      flushes[at]?.done();
    }
    expect(flushes.length).toBeLessThan(6);
  });

  test('is neither written nor read any more once the disk failed', async () => {
    const { journal, flushes } = await record();
    const written = journal.begin(newPurchase(), newAttempt());
    await expect.poll(() => flushes.length).toBe(1);
    flushes[0]?.fail(new Error('EIO'));
    await expect(written).rejects.toThrow(/EIO/);
    await expect(journal.begin(newPurchase(), newAttempt())).rejects.toThrow(FlushError);
    await expect(journal.page({ limit: 10, inverted: false })).rejects.toThrow(FlushError);
  });
});

describe('SQLite: the disk under a WAL', () => {
  test('is really asked', async () => {
    const path = await tempPath();
    // A device that has no disk refuses.
    await symlink('/dev/null', `${path}-wal`);
    const disk = Disk.underWal(path);
    onTestFinished(() => disk.close());
    disk.wrote();
    await expect(disk.settled()).rejects.toThrow(/EINVAL/);
  });

  test('takes what was written, and fails where there is no WAL', async () => {
    const path = await tempPath();
    const absent = Disk.underWal(path);
    absent.wrote();
    await expect(absent.settled()).rejects.toThrow(/ENOENT/);
    await writeFile(`${path}-wal`, 'frames');
    const disk = Disk.underWal(path);
    disk.wrote();
    await disk.settled();
    await disk.close();
    await absent.close();
  });
});
