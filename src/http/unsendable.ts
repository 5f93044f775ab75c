import { isAsyncIterable, type Plugin } from 'graphql-yoga';

/** Ends a subscription whose results the client takes in no way that there is (406): Yoga would leave it open for ever. */
export function endUnsendable(): Plugin {
  return {
    onResultProcess({ result, resultProcessor }) {
      if (resultProcessor === undefined && isAsyncIterable(result))
        void result[Symbol.asyncIterator]().return?.();
    },
  };
}
