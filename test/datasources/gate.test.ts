import { describe, expect, it } from 'vitest';

import { Gate, type GateOptions } from '../../src/datasources/gate.ts';
import { isProblem, type Problem } from '../../src/purchases/problem.ts';
import type { Slot } from '../../src/purchases/vending.ts';

/** A gate on a clock that the test moves; its sleepers wake when their time has come. */
function aGate(options: Omit<GateOptions, 'runtime'> & { timersEarlyByMs?: number } = {}) {
  const { timersEarlyByMs = 0, ...rest } = options;
  let now = 0;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const runtime: GateOptions['runtime'] = {
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = { at: now + Math.max(0.1, ms - timersEarlyByMs), wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          resolve();
        });
      }),
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const advance = async (ms: number) => {
    now += ms;
    for (const sleeper of sleepers) {
      if (sleeper.at > now) continue;
      sleepers.delete(sleeper);
      sleeper.wake();
    }
    await turn();
  };
  const gate = new Gate({ runtime, concurrency: 2, queue: 3, maxWaitMs: 1_000, ...rest });
  return { gate, advance, turn, sleeping: () => sleepers.size };
}

/** What came of entering, once it is known. */
function entering(gate: Gate, signal?: AbortSignal) {
  const entry: { slot?: Slot; problem?: Problem; error?: unknown } = {};
  gate.enter(signal).then(
    (came) => {
      if (isProblem(came)) entry.problem = came;
      else entry.slot = came;
    },
    (error: unknown) => void (entry.error = error),
  );
  return entry;
}

describe('a gate', () => {
  it('lets so many in at once, and the next when one leaves, in their order', async () => {
    const { gate, turn } = aGate();
    const all = Array.from({ length: 5 }, () => entering(gate));
    await turn();
    expect(all.map(({ slot }) => slot !== undefined)).toEqual([true, true, false, false, false]);
    all[0]?.slot?.release();
    await turn();
    expect(all.map(({ slot }) => slot !== undefined)).toEqual([true, true, true, false, false]);
    all[1]?.slot?.release();
    all[2]?.slot?.release();
    await turn();
    expect(all.every(({ slot }) => slot !== undefined)).toBe(true);
  });

  it('gives a place back once, however often it is told to', async () => {
    const { gate, turn } = aGate({ concurrency: 1 });
    const [first, second, third] = [entering(gate), entering(gate), entering(gate)];
    await turn();
    first.slot?.release();
    first.slot?.release();
    await turn();
    expect(second.slot).toBeDefined();
    expect(third.slot).toBeUndefined();
  });

  it('turns away at once who would wait behind too many', async () => {
    const { gate, turn } = aGate();
    const all = Array.from({ length: 6 }, () => entering(gate));
    await turn();
    expect(all[5]?.problem).toMatchObject({ type: 'UNAVAILABLE', code: 'gateway_busy', retryable: true });
    expect(all[4]?.problem).toBeUndefined();
  });

  it('turns away who has waited too long, and whose place goes to another', async () => {
    const { gate, advance, turn, sleeping } = aGate({ concurrency: 1 });
    const [inside, waiting] = [entering(gate), entering(gate)];
    await advance(999);
    expect(waiting.problem).toBeUndefined();
    const late = entering(gate);
    await advance(1);
    expect(waiting.problem).toMatchObject({ code: 'gateway_busy' });
    inside.slot?.release();
    await turn();
    expect(late.slot).toBeDefined();
    await advance(1_000);
    expect(sleeping()).toBe(0);
  });

  it('needs one timer, however many wait, and turns each away in its own time', async () => {
    const { gate, advance, sleeping } = aGate({ concurrency: 1 });
    entering(gate);
    const waiting = [entering(gate)];
    await advance(400);
    waiting.push(entering(gate), entering(gate));
    expect(sleeping()).toBe(1);
    await advance(600);
    expect(waiting.map(({ problem }) => problem?.code)).toEqual(['gateway_busy', undefined, undefined]);
    await advance(400);
    expect(waiting.map(({ problem }) => problem?.code)).toEqual(Array(3).fill('gateway_busy'));
    expect(gate.state).toEqual({ inUse: 1, waiting: 0 });
  });

  it('lets in whose time is over in the very moment in which a place is free', async () => {
    const { gate, advance, turn } = aGate({ concurrency: 1 });
    const [inside, waiting] = [entering(gate), entering(gate)];
    await advance(500);
    gate.hold(500);
    inside.slot?.release();
    await turn();
    expect(waiting).toEqual({});
    await advance(500);
    expect(waiting.slot).toBeDefined();
  });

  it('turns nobody away before the time, though a timer fires early', async () => {
    const { gate, advance } = aGate({ concurrency: 1, timersEarlyByMs: 400 });
    const [inside, waiting] = [entering(gate), entering(gate)];
    await advance(700);
    expect(waiting).toEqual({});
    await advance(299);
    inside.slot?.release();
    await advance(0);
    expect(waiting.slot).toBeDefined();
  });

  it('forgets who has left', async () => {
    const { gate, turn } = aGate({ concurrency: 1 });
    const leaving = new AbortController();
    const inside = entering(gate);
    const gone = entering(gate, leaving.signal);
    const next = entering(gate);
    await turn();
    leaving.abort(new Error('the client has gone'));
    await turn();
    expect(gone.error).toEqual(new Error('the client has gone'));
    inside.slot?.release();
    await turn();
    expect(next.slot).toBeDefined();
    expect(entering(gate, leaving.signal)).toEqual({});
  });

  it('lets nobody in while the upstream asks us to wait, then all in order', async () => {
    const { gate, advance } = aGate();
    gate.hold(500);
    const [first, second] = [entering(gate), entering(gate)];
    await advance(499);
    expect(first.slot).toBeUndefined();
    await advance(1);
    expect([first.slot, second.slot]).not.toContain(undefined);
  });

  it('is not left shut by a timer that fires a little early', async () => {
    const { gate, advance } = aGate({ timersEarlyByMs: 0.5 });
    gate.hold(500);
    const waiting = entering(gate);
    await advance(499.6);
    expect(waiting.slot).toBeUndefined();
    await advance(0.4);
    expect(waiting.slot).toBeDefined();
  });

  it('is not left shut for who comes after such a timer', async () => {
    const { gate, advance } = aGate({ timersEarlyByMs: 0.5 });
    gate.hold(500);
    await advance(499.6);
    const waiting = entering(gate);
    await advance(0);
    expect(waiting).toEqual({});
    await advance(0.4);
    expect(waiting.slot).toBeDefined();
  });

  it('turns away at once when that is longer than anybody may wait', async () => {
    const { gate, advance, turn } = aGate();
    gate.hold(3_000);
    const early = entering(gate);
    await turn();
    expect(early.problem).toMatchObject({ type: 'RATE_LIMITED', code: 'upstream_rate_limited' });
    expect(early.problem?.message).toContain('3 s');
    await advance(2_500);
    const later = entering(gate);
    await advance(500);
    expect(later.slot).toBeDefined();
  });

  it('is held for a minute at most, and by the longest of several', async () => {
    const { gate, advance, turn } = aGate();
    gate.hold(3_600_000);
    gate.hold(10);
    await advance(59_999);
    const early = entering(gate);
    await advance(1);
    expect(early.slot).toBeDefined();
    const next = entering(gate);
    await turn();
    expect(next.slot).toBeDefined();
  });
});
