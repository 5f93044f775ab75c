import { describe, expect, it } from 'vitest';

import { mapIterator, startWith } from '../../src/schema/iterate.ts';

/** Yields what is pushed; `returned` tells whether its reader has left. */
function source() {
  const values: number[] = [];
  let wake: (() => void) | undefined;
  const state = { returned: false };
  const iterator: AsyncIterableIterator<number> = {
    async next() {
      while (values.length === 0 && !state.returned) await new Promise<void>((resolve) => (wake = resolve));
      const value = values.shift();
      return value === undefined ? { done: true, value: undefined } : { done: false, value };
    },
    return() {
      state.returned = true;
      wake?.();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  const push = (...more: number[]) => {
    values.push(...more);
    wake?.();
  };
  return { iterator, push, state };
}

describe('mapIterator', () => {
  it('maps each value and passes over what maps to nothing', async () => {
    const { iterator, push } = source();
    const mapped = mapIterator(iterator, (n) => (n % 2 === 0 ? n * 10 : undefined));
    push(1, 2, 3, 4);
    expect([(await mapped.next()).value, (await mapped.next()).value]).toEqual([20, 40]);
  });

  it('ends at once when its reader leaves while nothing comes', async () => {
    const { iterator, state } = source();
    const mapped = mapIterator(iterator, (n) => n);
    const waiting = mapped.next();
    await mapped.return?.();
    expect(state.returned).toBe(true);
    expect((await waiting).done).toBe(true);
  });
});

describe('startWith', () => {
  it('gives its value first, then the source’s', async () => {
    const { iterator, push } = source();
    const all = startWith(0, iterator);
    push(1);
    expect([(await all.next()).value, (await all.next()).value]).toEqual([0, 1]);
  });

  it('leaves the source when its reader leaves before the first value', async () => {
    const { iterator, state } = source();
    const all = startWith(0, iterator);
    await all.return?.();
    expect(state.returned).toBe(true);
    expect((await all.next()).done).toBe(true);
  });
});
