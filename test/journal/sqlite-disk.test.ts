import { describe, expect, test } from 'vitest';

import { Disk, FlushError } from '../../src/journal/sqlite/disk.ts';

/** A disk whose flushes end when the test says so. */
function slow() {
  const flushes: { done: () => void; fail: (error: Error) => void }[] = [];
  const disk = new Disk(() => new Promise((done, fail) => flushes.push({ done, fail })));
  return { disk, flushes };
}

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
