import { describe, expect, it } from 'vitest';

import type { Reveal } from '../../src/purchases/journal.ts';
import { ProblemError } from '../../src/purchases/problem.ts';
import { Reveals } from '../../src/purchases/reveals.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

function setting() {
  const written: Reveal[] = [];
  const clock = { now: new Date('2026-03-01T23:59:59.000Z') };
  const disk = { work: Promise.resolve() };
  const journal = {
    reveal: async (reveal: Reveal) => {
      written.push(reveal);
      await disk.work;
    },
  };
  const reveals = new Reveals({ journal, runtime: { now: () => clock.now }, log });
  /** Whose and of which purchases it was written since it was last asked. */
  const lately = () => written.splice(0).map(({ caller, purchaseIds }) => [caller, ...purchaseIds]);
  return { reveals, clock, disk, lately };
}

describe('what is known of who was shown tokens', () => {
  it('is written once of each caller and purchase, and again on the next day', async () => {
    const { reveals, clock, lately } = setting();
    await reveals.write('app', ['one', 'two']);
    await reveals.write('app', ['two', 'three']);
    await reveals.write('app', ['one']);
    await reveals.write('till', ['one']);
    expect(lately()).toEqual([
      ['app', 'one', 'two'],
      ['app', 'three'],
      ['till', 'one'],
    ]);
    expect([reveals.stands('app', 'three'), reveals.stands('till', 'three')]).toEqual([true, false]);
    clock.now = new Date('2026-03-02T00:00:00.000Z');
    expect(reveals.stands('app', 'one')).toBe(false);
    await reveals.write('app', ['one']);
    expect(lately()).toEqual([['app', 'one']]);
  });

  it('is never written of a buyer, on whatever day, nor of that name in the middle of another', async () => {
    const { reveals, clock, lately } = setting();
    reveals.standsAsBuyer('till', 'one');
    clock.now = new Date('2027-01-01T00:00:00.000Z');
    await reveals.write('till', ['one', 'two']);
    await reveals.write('one till', ['one']);
    expect(lately()).toEqual([
      ['till', 'two'],
      ['one till', 'one'],
    ]);
  });

  it('is written once for all who ask meanwhile, who wait for it', async () => {
    const { reveals, disk, lately } = setting();
    let write: () => void = () => undefined;
    disk.work = new Promise((resolve) => (write = resolve));
    const done: string[] = [];
    const asked = [['one'], ['one', 'two'], ['two', 'one']].map((ids) =>
      reveals.write('app', ids).then(() => done.push(...ids)),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(lately()).toEqual([
      ['app', 'one'],
      ['app', 'two'],
    ]);
    expect([done, reveals.stands('app', 'one')]).toEqual([[], false]);
    write();
    await Promise.all(asked);
    expect(done).toHaveLength(5);
  });

  it('is not known when it could not be written: who waited for it is told so, and the next one writes', async () => {
    const { reveals, disk, lately } = setting();
    disk.work = Promise.reject(new Error('the disk is full'));
    const asked = await Promise.allSettled([
      reveals.write('app', ['one']),
      reveals.write('app', ['one', 'two']),
    ]);
    for (const one of asked) {
      expect(one.status === 'rejected' && one.reason).toBeInstanceOf(ProblemError);
      expect(one).toMatchObject({ reason: { problem: { code: 'record_unavailable', retryable: true } } });
    }
    lately();
    disk.work = Promise.resolve();
    await reveals.write('app', ['one', 'two']);
    expect(lately()).toEqual([['app', 'one', 'two']]);
  });

  it('is forgotten of the oldest, however many there are', async () => {
    const { reveals, lately } = setting();
    await reveals.write(
      'app',
      Array.from({ length: 20_001 }, (_, n) => `purchase-${n}`),
    );
    lately();
    await reveals.write('app', ['purchase-1', 'purchase-0']);
    expect(lately()).toEqual([['app', 'purchase-0']]);
  });
});
