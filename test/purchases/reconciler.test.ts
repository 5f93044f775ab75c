import { describe, expect, it } from 'vitest';

import type { OnUnreadable } from '../../src/purchases/journal.ts';
import type { Attempt, Purchase } from '../../src/purchases/purchase.ts';
import { Reconciler } from '../../src/purchases/reconciler.ts';
import { aPurchase, someTime } from '../support/domain.ts';

/** Runs the reconciler on a clock that only its own sleeps move, for so many ticks. */
async function run(options: {
  due?: string[];
  /** Those of CURRENT, where nobody is; all else is of V1. */
  away?: string[];
  /** What was checked is due again at once, and a check takes so long on the clock. */
  endless?: { checkMs: number };
  check?: (id: string) => Promise<void>;
  inFlight?: string[];
  /** Of those that are due or in flight: what cannot be read. */
  unreadable?: string[];
  /** Counts how often it is asked what is due. */
  looks?: { n: number };
  pickUp?: (id: string) => Promise<void>;
  /** What each other instance looks after; `living` lives. */
  owners?: Record<string, number>;
  ticks: number;
  concurrency?: number;
  blotted?: number[];
}) {
  const story: string[] = [];
  const { order } = aPurchase();
  const away = (options.away ?? []).map((id) =>
    aPurchase({ id, status: 'UNRESOLVED', order: { ...order, surface: 'CURRENT' } }),
  );
  const here = (options.due ?? []).map((id) => aPurchase({ id, status: 'UNRESOLVED' }));
  const due = new Map([...away, ...here].map((purchase) => [purchase.id, purchase]));
  const orphans = new Map((options.inFlight ?? []).map((id) => [id, aPurchase({ id })]));
  const owners = new Map(Object.entries(options.owners ?? {}));
  let ticks = 0;
  let elapsed = 0;
  const error = (_about: object, message: string) => void story.push(message);
  const log = { info: () => undefined, warn: () => undefined, error };
  const readable = (purchases: readonly Purchase[], tell: OnUnreadable | undefined) => {
    const unreadable = purchases.filter(({ id }) => options.unreadable?.includes(id));
    for (const { id } of unreadable) tell?.(id, new Error('it is damaged'));
    return purchases.filter((purchase) => !unreadable.includes(purchase));
  };
  const done = new Promise<void>((resolve) => {
    const reconciler: Reconciler = new Reconciler({
      journal: {
        inFlight: (tell) => {
          const left = readable([...orphans.values()], tell);
          return Promise.resolve(left.map((purchase) => ({ purchase, attempt: attemptOf(purchase) })));
        },
        due: ({ limit, surfaces = [] }, tell) => {
          if (options.looks !== undefined) options.looks.n += 1;
          const those = [...due.values()].filter((one) => surfaces.includes(one.order.surface));
          return Promise.resolve(readable(those.slice(0, limit), tell));
        },
        purgeQuotes: () => Promise.resolve(0),
        owners: () => Promise.resolve([...owners.keys()]),
        adopt: (instance, beat) => {
          const adopted = Math.min(owners.get(instance) ?? 0, 100);
          story.push(
            `adopted ${adopted} of ${instance}, ${beat === undefined ? 'struck off' : `after ${beat}`}`,
          );
          owners.set(instance, (owners.get(instance) ?? 0) - adopted);
          if (owners.get(instance) === 0) owners.delete(instance);
          return Promise.resolve(adopted);
        },
        blotAnswers: ({ settledBefore, limit }) => {
          story.push(`blotted out ${someTime.getTime() - settledBefore.getTime()} ${limit}`);
          return Promise.resolve(options.blotted?.shift() ?? 0);
        },
      },
      liveness: { seemsDead: (instance) => (instance === 'living' ? undefined : { beat: 7 }) },
      upstream: { on: (surface) => ({ isThere: () => surface === 'V1' }) },
      service: {
        check: async ({ id }) => {
          story.push(id);
          const { endless } = options;
          // One that is in flight is not due.
          if (endless !== undefined) due.delete(id);
          await options.check?.(id);
          if (endless === undefined) due.delete(id);
          else due.set(id, aPurchase({ id, status: 'UNRESOLVED' }));
          elapsed += endless?.checkMs ?? 0;
        },
      },
      dispatcher: {
        active: new Map(),
        pickUp: async ({ id }) => {
          story.push(`picked up ${id}`);
          await options.pickUp?.(id);
          orphans.delete(id);
        },
      },
      runtime: {
        now: () => someTime,
        monotonic: () => elapsed,
        sleep: async () => {
          await new Promise((resume) => setImmediate(resume));
          story.push('tick');
          ticks += 1;
          if (ticks === options.ticks) void reconciler.stop().then(resolve);
        },
        turn: () => new Promise((resume) => setImmediate(resume)),
        random: () => 0,
        id: () => 'an id',
      },
      log,
      ...{ baseDelayMs: 100, maxDelayMs: 1_000, concurrency: options.concurrency ?? 4 },
      answerRetentionMs: 1_000,
    });
    reconciler.start();
  });
  await done;
  return story;
}

function attemptOf({ id }: Purchase): Attempt {
  return {
    ...{ purchaseId: id, number: 1, kind: 'CONFIRM', outcome: 'IN_FLIGHT', startedAt: someTime },
    ...{ finishedAt: null, requestId: 'r', problem: null, answer: null, answerBlottedAt: null },
  };
}

describe('the reconciler', () => {
  it('checks each due purchase once, however many there are', async () => {
    const due = Array.from({ length: 30 }, (_, n) => `p${n}`);
    const story = await run({ due, ticks: 40 });
    expect(story.filter((what) => what !== 'tick' && !what.startsWith('blotted'))).toEqual(due);
  });

  it('looks after everything else too while purchases become due as fast as they are checked', async () => {
    const story = await run({
      ...{ due: ['a', 'b', 'c', 'd', 'e'], endless: { checkMs: 300 }, ticks: 40 },
      check: async () => {
        for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
      },
      // What fails is tried again: how often tells how often it was looked.
      ...{ inFlight: ['left'], pickUp: () => Promise.reject(new Error('not now')) },
      ...{ owners: { dead: 1_000 }, blotted: Array<number>(100).fill(500) },
    });
    const times = (what: string) => story.filter((one) => one.startsWith(what)).length;
    // Each look is a second after the one before, which is four checks at most.
    const looks = Math.floor(['a', 'b', 'c', 'd', 'e'].reduce((sum, id) => sum + times(id), 0) / 8);
    expect(looks).toBeGreaterThan(3);
    expect(times('picked up left')).toBeGreaterThanOrEqual(looks);
    expect(times('blotted out')).toBeGreaterThanOrEqual(looks);
  });

  it('asks about those of a surface that is there, however many are due of one where nobody is', async () => {
    const away = Array.from({ length: 100 }, (_, n) => `away ${n}`);
    const story = await run({ due: ['a', 'b'], away, ticks: 5 });
    expect(story.filter((what) => !/^tick|^blotted/.test(what))).toEqual(['a', 'b']);
  });

  it('looks after everybody else beside what cannot be read, which it tells once', async () => {
    const unreadable = Array.from({ length: 40 }, (_, n) => `damaged ${n}`);
    const story = await run({
      ...{ due: [...unreadable, 'a', 'b'], inFlight: ['damaged attempt', 'left'], ticks: 5 },
      unreadable: ['damaged attempt', ...unreadable],
    });
    const told = 'a purchase cannot be read: nobody looks after it';
    const done = story.filter((what) => !/^tick|^blotted/.test(what));
    expect(done.filter((what) => what !== told)).toEqual(['picked up left', 'a', 'b']);
    expect(done.filter((what) => what === told)).toHaveLength(41);
  });

  it('finds thousands that cannot be read in a few looks', async () => {
    const unreadable = Array.from({ length: 3_000 }, (_, n) => `damaged ${n}`);
    const looks = { n: 0 };
    const story = await run({ due: [...unreadable, 'a'], unreadable, looks, ticks: 2 });
    expect(story).toContain('a');
    expect(looks.n).toBeLessThan(30);
  });

  it('goes on beside what hangs while it is picked up, and stops without it', async () => {
    const hanging = ['first', 'second', 'third', 'fourth', 'fifth'];
    const never = () => new Promise<void>(() => undefined);
    const story = await run({ due: ['a', 'b'], inFlight: hanging, pickUp: never, ticks: 20 });
    const done = story.filter((what) => !/^tick|^blotted/.test(what));
    // As many at once as are asked about; the fifth has no place.
    expect(done.slice(0, 4)).toEqual(hanging.slice(0, 4).map((id) => `picked up ${id}`));
    expect(done.slice(4)).toEqual(['a', 'b']);
  });

  it('works on at most so many at once', async () => {
    let working = 0;
    let most = 0;
    const check = async () => {
      working += 1;
      most = Math.max(most, working);
      await new Promise((resolve) => setImmediate(resolve));
      working -= 1;
    };
    await run({ due: Array.from({ length: 30 }, (_, n) => `p${n}`), check, ticks: 60, concurrency: 3 });
    expect(most).toBe(3);
  });

  it('waits between two checks of one that fails, and checks the others meanwhile', async () => {
    const check = (id: string) => (id === 'bad' ? Promise.reject(new Error('disk full')) : Promise.resolve());
    const story = await run({ due: ['bad', 'good', 'fine'], check, ticks: 5, concurrency: 1 });
    expect(story).toEqual(expect.arrayContaining(['good', 'fine']));
    for (const [n, what] of story.entries()) {
      if (what !== 'bad' || n === story.lastIndexOf('bad')) continue;
      expect(story.slice(n + 1, story.indexOf('bad', n + 1))).toContain('tick');
    }
    expect(story.filter((what) => what === 'bad').length).toBeGreaterThan(1);
  });

  it('picks up what was left in flight, also when one of them cannot be', async () => {
    const pickUp = (id: string) =>
      id === 'bad' ? Promise.reject(new Error('disk full')) : Promise.resolve();
    const story = await run({ inFlight: ['bad', 'good'], pickUp, ticks: 3 });
    expect(story.filter((what) => what === 'picked up good')).toHaveLength(1);
    expect(story.filter((what) => what === 'picked up bad')).toHaveLength(3);
  });

  it('takes over all that a dead instance looked after, some at once, and nothing of one that lives', async () => {
    const story = await run({ owners: { dead: 250, living: 3 }, ticks: 3 });
    expect(story.filter((what) => what.startsWith('adopted'))).toEqual([
      'adopted 100 of dead, after 7',
      'adopted 100 of dead, struck off',
      'adopted 50 of dead, struck off',
      'adopted 0 of dead, struck off',
    ]);
  });

  it('blots out old answers in bounded batches, one a tick, and then rests for an hour', async () => {
    const story = await run({ blotted: [500, 500, 17], ticks: 8 });
    const batch = ['blotted out 1000 500', 'tick'];
    expect(story).toEqual([...batch, ...batch, ...batch, ...Array.from({ length: 5 }, () => 'tick')]);
  });
});
