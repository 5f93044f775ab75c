import { describe, expect, it } from 'vitest';

import { SharedRead } from '../../src/purchases/shared-read.ts';

/** So many begin without waiting for more who ask. */
const AT_ONCE = 4;

/** Calls that the test answers, on a clock that it moves; `turn` and `sleep` end when it says so. */
function setting() {
  const calls: {
    requestId: string | undefined;
    answer: (value: string) => void;
    fail: (error: Error) => void;
  }[] = [];
  const clock = { ms: 1_000 };
  const idle = { times: 0 };
  let turns: (() => void)[] = [];
  let sleepers: { until: number; wake: () => void }[] = [];
  const settle = async () => {
    for (let n = 0; n < 20; n += 1) await Promise.resolve();
  };
  const shared = new SharedRead<string>({
    read: (requestId) =>
      new Promise((resolve, reject) => void calls.push({ requestId, answer: resolve, fail: reject })),
    onIdle: () => void (idle.times += 1),
    runtime: {
      monotonic: () => clock.ms,
      turn: () => new Promise((resolve) => void turns.push(resolve)),
      sleep: (ms) => new Promise((wake) => void sleepers.push({ until: clock.ms + ms, wake })),
    },
  });
  const oneTurn = async () => {
    const due = turns;
    turns = [];
    for (const resolve of due) resolve();
    await settle();
  };
  /** As many as are waited for. */
  const turn = async () => {
    while (turns.length > 0) await oneTurn();
  };
  return {
    ...{ shared, calls, settle, idle, turn, oneTurn },
    /** So many under way that the next one waits for others. */
    fill: async () => {
      for (let n = 1; n <= AT_ONCE; n += 1) {
        void shared.read(undefined, String(n));
        await turn();
      }
    },
    advance: async (ms: number) => {
      clock.ms += ms;
      const due = sleepers.filter(({ until }) => until <= clock.ms);
      sleepers = sleepers.filter(({ until }) => until > clock.ms);
      for (const { wake } of due) wake();
      await settle();
    },
  };
}

describe('a shared read', () => {
  it('begins after one turn of the event loop for one who asks alone', async () => {
    const { shared, calls, oneTurn } = setting();
    void shared.read(undefined, 'a');
    expect(calls).toHaveLength(0);
    await oneTurn();
    expect(calls).toHaveLength(1);
    void shared.read(undefined, 'b');
    await oneTurn();
    expect(calls).toHaveLength(2);
  });

  it('takes in who comes with the next turns, as long as each brings somebody, four at most', async () => {
    const { shared, calls, oneTurn } = setting();
    const asked: Promise<string>[] = [];
    const ask = () => void asked.push(shared.read(undefined, String(asked.length + 1)));
    ask();
    ask();
    await oneTurn();
    expect(calls).toHaveLength(0);
    await oneTurn();
    expect(calls.map(({ requestId }) => requestId)).toEqual(['1']);
    ask();
    for (let turns = 1; turns <= 4; turns += 1) {
      expect(calls).toHaveLength(1);
      ask();
      await oneTurn();
    }
    expect(calls.map(({ requestId }) => requestId)).toEqual(['1', '3']);
    ask();
    await oneTurn();
    for (const [n, { answer }] of calls.entries()) answer(`call ${n + 1}`);
    expect(await Promise.all(asked)).toEqual([
      ...['call 1', 'call 1'],
      ...['call 2', 'call 2', 'call 2', 'call 2', 'call 2'],
      'call 3',
    ]);
  });

  it('is one call for all who ask in one turn of the event loop', async () => {
    const { shared, calls, turn } = setting();
    const answers = ['a', 'b', 'c'].map((id) => shared.read(undefined, id));
    await turn();
    expect(calls.map(({ requestId }) => requestId)).toEqual(['a']);
    calls[0]?.answer('balance');
    expect(await Promise.all(answers)).toEqual(['balance', 'balance', 'balance']);
  });

  it('never gives anybody the answer to a call that had begun before he asked', async () => {
    const { shared, calls, turn } = setting();
    const before = shared.read(undefined, 'before');
    await turn();
    const after = shared.read(undefined, 'after a purchase');
    const too = shared.read(undefined, 'too');
    await turn();
    expect(calls).toHaveLength(2);
    calls[0]?.answer('old');
    calls[1]?.answer('new');
    expect(await Promise.all([before, after, too])).toEqual(['old', 'new', 'new']);
  });

  it('waits for nobody while few calls are under way', async () => {
    const { calls, fill } = setting();
    await fill();
    expect(calls.map(({ requestId }) => requestId)).toEqual(['1', '2', '3', '4']);
  });

  it('gathers for a millisecond while several calls are under way, or until one is answered', async () => {
    const { shared, calls, fill, turn, advance, settle } = setting();
    await fill();
    void shared.read(undefined, '5');
    await turn();
    await advance(0.5);
    void shared.read(undefined, '6');
    await turn();
    expect(calls).toHaveLength(4);
    await advance(0.5);
    expect(calls.map(({ requestId }) => requestId)).toEqual(['1', '2', '3', '4', '5']);
    void shared.read(undefined, '7');
    await turn();
    expect(calls).toHaveLength(5);
    calls[1]?.answer('done');
    await settle();
    expect(calls.map(({ requestId }) => requestId)).toEqual(['1', '2', '3', '4', '5', '7']);
  });

  it('never gives who gathered the answer to a call that had begun before', async () => {
    const { shared, calls, fill, turn, settle } = setting();
    await fill();
    const answer = shared.read(undefined, '5');
    await turn();
    calls[0]?.answer('old');
    await settle();
    calls[4]?.answer('new');
    expect(await answer).toBe('new');
  });

  it('does not gather for so short a time that no timer is as short', async () => {
    const { shared, calls, fill, turn, advance } = setting();
    await fill();
    await advance(0.6);
    void shared.read(undefined, '5');
    await turn();
    expect(calls).toHaveLength(5);
  });

  it('tells when all its calls are answered and nobody waits for another', async () => {
    const { shared, calls, fill, turn, settle, idle } = setting();
    await fill();
    const fails = shared.read(undefined, '5');
    await turn();
    for (const { answer } of calls) answer('x');
    await settle();
    expect(calls).toHaveLength(5);
    expect(idle.times).toBe(0);
    const waits = shared.read(undefined, '6');
    calls[4]?.fail(new Error('away'));
    await expect(fails).rejects.toThrow('away');
    await settle();
    expect(idle.times).toBe(0);
    await turn();
    calls[5]?.answer('x');
    expect(await waits).toBe('x');
    await settle();
    expect(idle.times).toBe(1);
  });

  it('tells so too when who asks has left before', async () => {
    const { shared, calls, turn, settle, idle } = setting();
    const gone = AbortSignal.abort();
    await expect(shared.read(gone, '1')).rejects.toThrow('aborted');
    expect(idle.times).toBe(1);
    const stays = shared.read(undefined, '2');
    await expect(shared.read(gone, '3')).rejects.toThrow('aborted');
    expect(idle.times).toBe(1);
    await turn();
    await expect(shared.read(gone, '4')).rejects.toThrow('aborted');
    expect(idle.times).toBe(1);
    calls[0]?.answer('x');
    expect(await stays).toBe('x');
    await settle();
    expect(idle.times).toBe(2);
    expect(calls).toHaveLength(1);
  });

  it('waits for nobody where no call is under way', async () => {
    const { shared, calls, fill, turn, settle } = setting();
    await fill();
    for (const { answer } of calls) answer('x');
    await settle();
    void shared.read(undefined, '5');
    await turn();
    expect(calls).toHaveLength(5);
  });

  it('fails for all who wait for it, and for nobody after them', async () => {
    const { shared, calls, turn, settle } = setting();
    const answers = [shared.read(undefined, '1'), shared.read(undefined, '2')];
    const failed = Promise.allSettled(answers);
    await turn();
    calls[0]?.fail(new Error('away'));
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await settle();
    const next = shared.read(undefined, '3');
    await turn();
    calls[1]?.answer('back');
    expect(await next).toBe('back');
  });

  it('goes on for the others when one leaves', async () => {
    const { shared, calls, turn } = setting();
    const leaving = new AbortController();
    const [gone, stays] = [shared.read(leaving.signal, '1'), shared.read(undefined, '2')];
    await turn();
    leaving.abort();
    await expect(gone).rejects.toThrow('aborted');
    await expect(shared.read(leaving.signal, '3')).rejects.toThrow('aborted');
    calls[0]?.answer('x');
    expect(await stays).toBe('x');
    expect(calls).toHaveLength(1);
  });
});
