import { describe, expect, it } from 'vitest';

import type { Journal } from '../../src/purchases/journal.ts';
import { Liveness } from '../../src/purchases/liveness.ts';
import { MemoryJournal, MemoryRecord } from '../simulation/memory-journal.ts';
import { SimulatedProcess } from '../simulation/process.ts';
import { World } from '../simulation/world.ts';
import { bound } from '../support/domain.ts';

const LEASE = 9_000;
const BEAT = LEASE / 3;

/** Instances on one record and one simulated clock. */
function setting(shared = true) {
  const world = new World(1);
  const record = new MemoryRecord();
  const told: string[] = [];
  const log = {
    info: () => undefined,
    warn: (_details: object, message: string) => void told.push(message),
    error: (_details: object, message: string) => void told.push(message),
  };
  const instance = async (name: string, change: (journal: Journal) => Partial<Journal> = () => ({})) => {
    const process = new SimulatedProcess(world, name);
    const own = new MemoryJournal(record, { instance: name, shared });
    const changed = change(own);
    const journal = new Proxy<Journal>(own, {
      get: (_target, property: keyof Journal) => changed[property] ?? bound(own, property),
    });
    const liveness = new Liveness({ journal, runtime: process.runtime, log, leaseMs: LEASE });
    await liveness.start();
    return { liveness, process, journal };
  };
  /** One that has not been started. */
  const build = (name: string, isShared: boolean) => {
    const { runtime } = new SimulatedProcess(world, name);
    const journal = new MemoryJournal(record, { instance: name, shared: isShared });
    return new Liveness({ journal, runtime, log, leaseMs: LEASE });
  };
  const until = (ms: number) => {
    world.after(ms - world.now, () => undefined);
    return world.run(ms, () => false);
  };
  return { world, record, told, instance, build, until };
}

describe('an instance', () => {
  it('that has not started lives on a record of its own, and not yet on a shared one', () => {
    const { build } = setting();
    expect([build('one', true), build('two', false)].map((one) => one.holds(one.lease))).toEqual([
      false,
      true,
    ]);
  });

  it('holds nothing once it has stopped: neither of before nor of after its start', async () => {
    const { build, until } = setting();
    const liveness = build('one', true);
    const before = liveness.lease;
    await liveness.start();
    const after = liveness.lease;
    expect([before, after].map((lease) => liveness.holds(lease))).toEqual([false, true]);
    const stopping = liveness.stop();
    await until(1);
    await stopping;
    expect([before, after].map((lease) => liveness.holds(lease))).toEqual([false, false]);
  });

  it('on a record of its own leaves nothing, for it has not joined', async () => {
    const left: string[] = [];
    const { instance } = setting(false);
    const { liveness } = await instance('one', () => ({
      leave: () => Promise.resolve(void left.push('one')),
    }));
    await liveness.stop();
    expect(left).toEqual([]);
  });
});

describe('on a record of its own', () => {
  it('an instance lives until it stops, every other is dead, and nothing is written', async () => {
    const { instance, record, until } = setting(false);
    const { liveness } = await instance('one');
    const { lease } = liveness;
    await until(10 * LEASE);
    expect(liveness.holds(lease)).toBe(true);
    expect(liveness.seemsDead('other')).toStrictEqual({ beat: undefined });
    expect(liveness.seemsDead('one')).toBeUndefined();
    expect(record.instances.size).toBe(0);
    await liveness.stop();
    expect(liveness.holds(lease)).toBe(false);
  });
});

describe('on a shared record', () => {
  it('an instance that gives signs of life holds its lease, and is not taken for dead', async () => {
    const { instance, until, world } = setting();
    const [one, other] = [await instance('one'), await instance('other')];
    const { lease } = one.liveness;
    for (let at = BEAT; at < 10 * LEASE; at += 500) {
      await until(at);
      expect(one.liveness.holds(lease), String(world.now)).toBe(true);
      expect(other.liveness.seemsDead('one')).toBeUndefined();
    }
  });

  it('one that is not known is dead, but nobody is before the record has been read', async () => {
    const { instance, until } = setting();
    const { liveness } = await instance('one');
    expect(liveness.seemsDead('long gone')).toBeUndefined();
    await until(BEAT + 1);
    expect(liveness.seemsDead('long gone')).toStrictEqual({ beat: undefined });
  });

  it('one that dies is taken for dead after a lease, and soon after it', async () => {
    const { instance, until } = setting();
    const [one, other] = [await instance('one'), await instance('other')];
    await until(2 * LEASE);
    one.process.die();
    const beat = (await other.journal.beats()).get('one');
    await until(2 * LEASE + LEASE - BEAT - 1);
    expect(other.liveness.seemsDead('one')).toBeUndefined();
    await until(2 * LEASE + LEASE + BEAT + 1);
    expect(other.liveness.seemsDead('one')).toEqual({ beat });
  });

  it('one whose count stands still is taken for dead after exactly a lease', async () => {
    const { instance, until, record } = setting();
    const { liveness } = await instance('one');
    record.instances.set('still', 4);
    await until(BEAT);
    await until(BEAT + LEASE - 1);
    expect(liveness.seemsDead('still')).toBeUndefined();
    await until(BEAT + LEASE);
    expect(liveness.seemsDead('still')).toEqual({ beat: 4 });
  });

  it('one that is paused trusts in its lease no longer than others do', async () => {
    const { instance, until, world } = setting();
    const [one, other] = [await instance('one'), await instance('other')];
    const { lease } = one.liveness;
    await until(2 * LEASE);
    one.process.pause(10 * LEASE);
    while (other.liveness.seemsDead('one') === undefined) {
      await until(world.now + 10);
      if (!one.liveness.holds(lease)) continue;
      expect(other.liveness.seemsDead('one')).toBeUndefined();
    }
    expect(one.liveness.holds(lease)).toBe(false);
  });

  it('a sign of life counts from when its writing began, however long that takes', async () => {
    const { instance, until, world } = setting();
    let takesMs = 0;
    const { liveness } = await instance('one', (journal) => ({
      beat: async () => {
        const alive = await journal.beat();
        await world.sleep(takesMs);
        return alive;
      },
    }));
    const { lease } = liveness;
    await until(BEAT - 1);
    takesMs = LEASE - BEAT;
    await until(BEAT + takesMs + 1);
    expect(liveness.holds(lease)).toBe(true);
    takesMs = 10 * LEASE;
    await until(BEAT + LEASE - 1);
    expect(liveness.holds(lease)).toBe(true);
    await until(BEAT + LEASE + 1);
    expect(liveness.holds(lease)).toBe(false);
  });

  it('one that was struck off begins anew: what it had recorded before is not sent', async () => {
    const { instance, until, told } = setting();
    const [one, other] = [await instance('one'), await instance('other')];
    const before = one.liveness.lease;
    await until(BEAT + 1);
    await other.journal.adopt('one', (await other.journal.beats()).get('one'));
    await until(2 * BEAT + 1);
    expect(one.liveness.holds(before)).toBe(false);
    expect(one.liveness.holds(one.liveness.lease)).toBe(true);
    expect(told).toEqual(['this instance was taken for dead; it begins anew']);
    await until(10 * LEASE);
    expect(one.liveness.holds(before)).toBe(false);
    expect(other.liveness.seemsDead('one')).toBeUndefined();
  });

  it.each([0, 1_000, 2_000])(
    'one that has joined anew is not taken for dead by a sign of before (%d ms later than the other)',
    async (phase) => {
      const { record, instance, until } = setting();
      const other = await instance('other');
      await until(phase);
      const one = await instance('one');
      one.process.pause(LEASE * 1.5);
      const struck: boolean[] = [];
      for (let at = 1_000; at <= LEASE * 10; at += 1_000) {
        await until(at);
        const dead = other.liveness.seemsDead('one');
        if (dead === undefined || !record.instances.has('one')) continue;
        const holds = one.liveness.holds(one.liveness.lease);
        await other.journal.adopt('one', dead.beat);
        if (!record.instances.has('one')) struck.push(holds);
      }
      // Once, and rightly: it was paused.
      expect(struck).toEqual([false]);
    },
  );

  it('nobody is taken for dead because the record was away for all', async () => {
    const { instance, until, world } = setting();
    let isAway = false;
    const cut = (journal: Journal): Partial<Journal> => ({
      beat: () => (isAway ? Promise.reject(new Error('ECONNREFUSED')) : journal.beat()),
      beats: () => (isAway ? Promise.reject(new Error('ECONNREFUSED')) : journal.beats()),
    });
    const one = await instance('one', cut);
    // Half a beat later: it is the first to look when the record is back, or the last.
    await until(BEAT / 2);
    const other = await instance('other', cut);
    await until(LEASE * 2);
    isAway = true;
    await until(world.now + LEASE * 1.5);
    isAway = false;
    for (const end = world.now + LEASE * 2; world.now < end;) {
      await until(world.now + 100);
      expect([one.liveness.seemsDead('other'), other.liveness.seemsDead('one')]).toEqual([
        undefined,
        undefined,
      ]);
    }
  });

  it('while the record cannot be written, nothing is sent once the lease is over, and all goes on after it', async () => {
    const { instance, until, told } = setting();
    let broken = false;
    const { liveness } = await instance('one', (journal) => ({
      beat: () => (broken ? Promise.reject(new Error('the disk is full')) : journal.beat()),
    }));
    const { lease } = liveness;
    await until(BEAT + 1);
    broken = true;
    await until(BEAT + LEASE + 1);
    expect(liveness.holds(lease)).toBe(false);
    expect(told.length).toBeGreaterThan(1);
    broken = false;
    await until(3 * LEASE);
    expect(liveness.holds(lease)).toBe(true);
  });

  it('one that stops leaves, and what it left behind may be taken at once', async () => {
    const { instance, until, world } = setting();
    const [one, other] = [await instance('one'), await instance('other')];
    await until(BEAT + 1);
    const stopping = one.liveness.stop();
    await until(world.now + 1);
    await stopping;
    await until(2 * BEAT + 2);
    expect(other.liveness.seemsDead('one')).toEqual({ beat: undefined });
  });

  it('one whose leaving cannot be written stops all the same', async () => {
    const { instance, until, world, told } = setting();
    const { liveness } = await instance('one', () => ({
      leave: () => Promise.reject(new Error('the disk is full')),
    }));
    const stopping = liveness.stop();
    await until(world.now + 1);
    await stopping;
    expect(told).toEqual(['the others will notice the end of this instance by themselves']);
  });
});
