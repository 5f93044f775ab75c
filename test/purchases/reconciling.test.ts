import { describe, expect, it } from 'vitest';

import { problem, ProblemError } from '../../src/purchases/problem.ts';
import type { Attempt, Purchase } from '../../src/purchases/purchase.ts';
import { Reconciler, type ReconcilerOptions } from '../../src/purchases/reconciler.ts';
import { SimulatedProcess } from '../simulation/process.ts';
import { World } from '../simulation/world.ts';
import { aPurchase, someProblem, someTime } from '../support/domain.ts';

const HOUR = 3_600_000;

/** A reconciler on simulated time; what it does is told with its instant. */
function setting(change: Partial<ReconcilerOptions> = {}) {
  const world = new World(1);
  const { runtime } = new SimulatedProcess(world, 'one');
  const story: string[] = [];
  const told: string[] = [];
  const sleeps: number[] = [];
  const due = new Map<string, Purchase>();
  const inFlight = new Map<string, Purchase>();
  const active = new Map<string, Promise<Purchase>>();
  const asked: Parameters<ReconcilerOptions['journal']['due']>[0][] = [];
  const on: {
    check: (id: string) => Promise<void>;
    owners: () => Promise<readonly string[]>;
    adopt: () => Promise<number>;
    /** How far the wall clock was set since. */
    setAheadMs: number;
  } = {
    check: () => Promise.resolve(),
    owners: () => Promise.resolve([]),
    adopt: () => Promise.resolve(0),
    setAheadMs: 0,
  };
  const tell = (what: string) => void story.push(`${world.now} ${what}`);
  const now = () => new Date(someTime.getTime() + world.now + on.setAheadMs);
  const since = (at: Date) => now().getTime() - at.getTime();
  const reconciler = new Reconciler({
    journal: {
      inFlight: () =>
        Promise.resolve(
          [...inFlight.values()].map((purchase) => ({ purchase, attempt: attemptOf(purchase) })),
        ),
      due: (request) => {
        asked.push(request);
        return Promise.resolve([...due.values()].slice(0, request.limit));
      },
      owners: () => on.owners(),
      adopt: (instance) => {
        tell(`adopt ${instance}`);
        return on.adopt();
      },
      purgeQuotes: (before) => {
        tell(`purge of ${since(before)}`);
        return Promise.resolve(0);
      },
      blotAnswers: ({ settledBefore }) => {
        tell(`blot of ${since(settledBefore)}`);
        return Promise.resolve(0);
      },
    },
    upstream: { on: () => ({ isThere: () => true }) },
    service: {
      check: async ({ id }) => {
        tell(`check ${id}`);
        await on.check(id);
        due.delete(id);
      },
    },
    dispatcher: {
      active,
      pickUp: ({ id }) => {
        tell(`pick up ${id}`);
        inFlight.delete(id);
        return Promise.resolve();
      },
    },
    liveness: { seemsDead: (instance) => (instance === 'living' ? undefined : { beat: 7 }) },
    runtime: {
      ...runtime,
      now,
      sleep: (ms, signal) => {
        sleeps.push(ms);
        return runtime.sleep(ms, signal);
      },
    },
    log: {
      info: () => undefined,
      warn: (_details, message) => void told.push(message),
      error: (_details, message) => void told.push(message),
    },
    ...{ baseDelayMs: 2_000, maxDelayMs: 4_000, concurrency: 2, answerRetentionMs: 5_000 },
    ...change,
  });
  const put = (into: Map<string, Purchase>, ...ids: string[]) => {
    for (const id of ids) into.set(id, aPurchase({ id, status: 'UNRESOLVED' }));
  };
  const until = async (ms: number) => {
    await new Promise((resume) => setImmediate(resume));
    world.after(ms - world.now, () => undefined);
    await world.run(ms, () => false);
  };
  /** The checks, with or without their instants. */
  const checks = () => story.filter((what) => what.includes('check'));
  const checked = () => checks().map((what) => what.replace(/.* /, ''));
  return {
    reconciler,
    world,
    story,
    told,
    sleeps,
    due,
    inFlight,
    active,
    asked,
    on,
    put,
    until,
    checks,
    checked,
  };
}

function attemptOf({ id }: Purchase): Attempt {
  return {
    ...{ purchaseId: id, number: 1, kind: 'CONFIRM', outcome: 'IN_FLIGHT', startedAt: someTime },
    ...{ finishedAt: null, requestId: 'r', problem: null, answer: null, answerBlottedAt: null },
  };
}

describe('the reconciler’s tick', () => {
  it.each([
    [100, 50],
    [101, 50],
    [1, 10],
    [2_000, 1_000],
    [60_000, 1_000],
  ])('for a first wait of %d ms is %d ms', async (baseDelayMs, tick) => {
    const { reconciler, sleeps, until } = setting({ baseDelayMs });
    reconciler.start();
    await until(0);
    expect(sleeps).toEqual([tick]);
  });

  it('is one, however often it is started, and the last once it is stopped', async () => {
    const { reconciler, sleeps, asked, until } = setting();
    reconciler.start();
    reconciler.start();
    await until(1_500);
    expect(sleeps).toEqual([1_000, 1_000]);
    const stopping = reconciler.stop();
    await until(1_501);
    await stopping;
    await until(10_000);
    expect(sleeps).toHaveLength(2);
    expect(asked).toHaveLength(2);
  });

  it('comes again when the record could not be read', async () => {
    const { reconciler, told, on, put, due, checks, until } = setting();
    put(due, 'p1');
    on.owners = () => Promise.reject(new Error('the disk failed'));
    reconciler.start();
    await until(500);
    expect(told).toEqual(['the record could not be read or written; trying again']);
    on.owners = () => Promise.resolve([]);
    await until(1_500);
    expect(checks()).toEqual(['1000 check p1']);
  });
});

describe('what an instance left behind', () => {
  it('stays with one that lives, and all goes on', async () => {
    const { reconciler, told, story, on, put, due, until } = setting();
    put(due, 'p1');
    on.owners = () => Promise.resolve(['living']);
    reconciler.start();
    await until(500);
    expect(story.slice(0, 1)).toEqual(['0 check p1']);
    expect(told).toEqual([]);
  });

  it('is not taken by one that stops', async () => {
    const { reconciler, story, on, until } = setting();
    on.owners = () => Promise.resolve(['dead']);
    on.adopt = () => {
      void reconciler.stop();
      return Promise.resolve(100);
    };
    reconciler.start();
    await until(5_000);
    expect(story.filter((what) => what.includes('adopt'))).toEqual(['0 adopt dead']);
  });

  it('is picked up, but not while it is being worked on', async () => {
    const { reconciler, story, told, active, inFlight, put, until } = setting();
    put(inFlight, 'mine', 'orphan');
    active.set('mine', new Promise(() => undefined));
    reconciler.start();
    await until(500);
    expect(story.filter((what) => what.includes('pick up'))).toEqual(['0 pick up orphan']);
    expect(told).toEqual(['an attempt was left in flight; finding out']);
    active.delete('mine');
    await until(1_500);
    expect(story.at(-1)).toBe('1000 pick up mine');
  });

  it('is left to the next start by one that stops', async () => {
    const { reconciler, story, inFlight, put, until } = setting();
    put(inFlight, 'a', 'b');
    reconciler.start();
    const stopping = reconciler.stop();
    await until(500);
    await stopping;
    expect(story.filter((what) => what.includes('pick up'))).toEqual([]);
  });
});

describe('what is due', () => {
  it('is asked for up to now, or so far ahead that the clock must have been set back', async () => {
    const { reconciler, asked, until } = setting();
    reconciler.start();
    await until(1_000);
    const at = (ms: number) => new Date(someTime.getTime() + ms);
    expect(asked).toEqual([
      { now: at(0), horizon: at(8_000), limit: 2, surfaces: ['V1', 'CURRENT'] },
      { now: at(1_000), horizon: at(9_000), limit: 2, surfaces: ['V1', 'CURRENT'] },
    ]);
  });

  it('is checked one after the other, without a wait between', async () => {
    const { reconciler, on, put, due, checks, world, until } = setting({ concurrency: 1 });
    put(due, 'a', 'b', 'c');
    on.check = () => world.sleep(100);
    reconciler.start();
    await until(900);
    expect(checks()).toEqual(['0 check a', '100 check b', '200 check c']);
  });

  it('is not held up by a check that hangs, nor is all else', async () => {
    const { reconciler, on, put, due, inFlight, story, checks, world, until } = setting();
    put(due, 'hangs', 'a', 'b');
    on.check = (id) => world.sleep(id === 'hangs' ? HOUR : 100);
    reconciler.start();
    await until(150);
    put(inFlight, 'orphan');
    await until(4_000);
    expect(checks()).toEqual(['0 check hangs', '0 check a', '100 check b']);
    const pickedUp = Number(story.find((what) => what.includes('pick up'))?.split(' ')[0]);
    expect(pickedUp).toBeLessThanOrEqual(2_200);
    put(due, 'later');
    await until(7_000);
    expect(checks().at(-1)).toMatch(/check later$/);
    expect(checks()).toHaveLength(4);
  });

  it('is never checked by more than so many at once, also after failures', async () => {
    const { reconciler, on, put, due, checked, world, until } = setting();
    let [working, most] = [0, 0];
    on.check = async (id) => {
      working += 1;
      most = Math.max(most, working);
      await world.sleep(100);
      working -= 1;
      if (!id.startsWith('fails')) return;
      // It is due no more, so that the next look brings as many others.
      due.delete(id);
      throw new Error('the disk is full');
    };
    put(due, 'fails 1', 'fails 2', 'a', 'b', 'c', 'd', 'e');
    reconciler.start();
    await until(10_000);
    expect(most).toBe(2);
    expect(checked()).toEqual(['1', '2', 'a', 'b', 'c', 'd', 'e']);
  });

  it('waits for the next tick once sixteen checks have failed', async () => {
    const { reconciler, on, put, due, checks, until } = setting({ concurrency: 1 });
    put(due, ...Array.from({ length: 20 }, (_, n) => `p${n}`));
    on.check = () => Promise.reject(new Error('the disk is full'));
    reconciler.start();
    await until(500);
    expect(checks()).toHaveLength(16);
    await until(1_500);
    expect(checks()).toHaveLength(32);
  });

  it('is checked no more once it stops', async () => {
    const { reconciler, on, put, due, checked, world, until } = setting({ concurrency: 1 });
    put(due, 'a', 'b');
    on.check = () => world.sleep(100);
    reconciler.start();
    await until(50);
    const stopping = reconciler.stop();
    await until(500);
    await stopping;
    await until(5_000);
    expect(checked()).toEqual(['a']);
  });

  it('and was turned away is no fault; any other failure is told', async () => {
    const { reconciler, on, put, due, told, checks, until } = setting();
    put(due, 'a');
    on.check = () => Promise.reject(new ProblemError(problem({ ...someProblem, retryable: true })));
    reconciler.start();
    await until(500);
    expect([checks().length, told]).toEqual([1, []]);
    on.check = () => Promise.reject(new Error('the disk is full'));
    await until(1_500);
    expect([checks().length, told]).toEqual([2, ['a check failed; trying again']]);
  });
});

describe('what is kept no longer', () => {
  it('goes at the start and every hour: quotes a day after they expired, answers by their own rule', async () => {
    const { reconciler, story, until } = setting();
    reconciler.start();
    await until(2 * HOUR + 500);
    const both = (at: number) => [`${at} purge of ${24 * HOUR}`, `${at} blot of 5000`];
    expect(story).toEqual([...both(0), ...both(HOUR), ...both(2 * HOUR)]);
  });

  it.each([-1, 1])(
    'stays while the clock was set (%d year) and until it has stood for an hour',
    async (years) => {
      const { reconciler, story, told, on, until } = setting();
      reconciler.start();
      await until(500);
      story.length = 0;
      on.setAheadMs = years * 365 * 24 * HOUR;
      await until(HOUR + 500);
      // Set right again before anybody believed it.
      on.setAheadMs = 0;
      await until(2 * HOUR + 500);
      expect([story, told.length]).toEqual([[], 2]);
      await until(3 * HOUR + 500);
      expect(story).toEqual([`${3 * HOUR} purge of ${24 * HOUR}`, `${3 * HOUR} blot of 5000`]);
    },
  );
});
