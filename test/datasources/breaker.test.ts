import { beforeEach, describe, expect, it } from 'vitest';

import { Breaker, type Verdict } from '../../src/datasources/breaker.ts';

let now: number;
let told: string[];
let breaker: Breaker;

beforeEach(() => {
  now = 0;
  told = [];
  const onChange = (state: string) => void told.push(state);
  breaker = new Breaker({ runtime: { monotonic: () => now }, failures: 3, openMs: 100, onChange });
});

/** One call, or 'refused'. */
function call(verdict: Verdict, mayProbe = true): string | undefined {
  const report = breaker.admit({ mayProbe });
  if (report === null) return 'refused';
  report(verdict);
  return verdict;
}
const open = () => {
  for (let n = 0; n < 3; n += 1) call('UNAVAILABLE');
};

describe('a circuit', () => {
  it('opens after so many calls in a row that found nobody', () => {
    call('UNAVAILABLE');
    call('UNAVAILABLE');
    expect(breaker.state).toBe('CLOSED');
    call('UNAVAILABLE');
    expect(breaker.state).toBe('OPEN');
    expect(call('AVAILABLE')).toBe('refused');
    expect(told).toEqual(['OPEN']);
  });

  it('stays closed while one of them answers', () => {
    for (let n = 0; n < 20; n += 1) call(n % 3 === 2 ? 'AVAILABLE' : 'UNAVAILABLE');
    expect(breaker.state).toBe('CLOSED');
  });

  it('learns nothing from a caller that left', () => {
    for (let n = 0; n < 20; n += 1) call(undefined);
    expect(breaker.state).toBe('CLOSED');
    call('UNAVAILABLE');
    call('UNAVAILABLE');
    call(undefined);
    call('UNAVAILABLE');
    expect(breaker.state).toBe('OPEN');
  });

  it('lets one harmless call find out once its time is over, and none that may charge', () => {
    open();
    now = 99;
    expect(breaker.state).toBe('OPEN');
    now = 100;
    expect(breaker.state).toBe('PROBE_DUE');
    expect(call('AVAILABLE', false)).toBe('refused');
    const report = breaker.admit({ mayProbe: true });
    expect(breaker.state).toBe('PROBING');
    expect(call('AVAILABLE')).toBe('refused');
    report?.('AVAILABLE');
    expect(breaker.state).toBe('CLOSED');
    expect(call('AVAILABLE', false)).toBe('AVAILABLE');
    expect(told).toEqual(['OPEN', 'CLOSED']);
  });

  it('is open for twice as long after each probe that fails, to sixteen times', () => {
    open();
    const waits = [100, 200, 400, 800, 1_600, 1_600, 1_600];
    for (const wait of waits) {
      now += wait - 1;
      expect(breaker.state).toBe('OPEN');
      now += 1;
      expect(call('UNAVAILABLE')).toBe('UNAVAILABLE');
    }
    expect(told).toEqual(['OPEN']);
    now += 1_600;
    call('AVAILABLE');
    open();
    now += 100;
    expect(breaker.state).toBe('PROBE_DUE');
  });

  it('a probe whose caller left leaves the place to the next', () => {
    open();
    now = 100;
    expect(call(undefined)).toBeUndefined();
    expect(breaker.state).toBe('PROBE_DUE');
    call('AVAILABLE');
    expect(breaker.state).toBe('CLOSED');
  });

  it('what was sent before it opened says nothing afterwards', () => {
    const early = Array.from({ length: 10 }, () => breaker.admit({ mayProbe: true }));
    open();
    early[0]?.('AVAILABLE');
    expect(breaker.state).toBe('OPEN');
    now = 100;
    call('AVAILABLE');
    for (const report of early) report?.('UNAVAILABLE');
    expect(breaker.state).toBe('CLOSED');
  });

  it('begins to count anew when it closes', () => {
    open();
    now = 100;
    call('AVAILABLE');
    call('UNAVAILABLE');
    call('UNAVAILABLE');
    expect(breaker.state).toBe('CLOSED');
  });
});
