/**
 * Maps what a source yields, `undefined` passing it over. `next` and `return` go straight to the source: an async
 * generator in between would queue `return()` behind its pending `await`, and an idle subscription would never end.
 */
export function mapIterator<T, U>(
  source: AsyncIterableIterator<T>,
  map: (value: T) => U | undefined | Promise<U | undefined>,
): AsyncIterableIterator<U> {
  return {
    async next() {
      for (;;) {
        const result = await source.next();
        if (result.done === true) return { done: true, value: undefined };
        const value = await map(result.value);
        if (value !== undefined) return { done: false, value };
      }
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** One value first, then what the source yields. */
export function startWith<T>(first: T, source: AsyncIterableIterator<T>): AsyncIterableIterator<T> {
  let given = false;
  return {
    next: () => {
      if (given) return source.next();
      given = true;
      return Promise.resolve({ done: false, value: first });
    },
    async return() {
      given = true;
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
