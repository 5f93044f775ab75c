import { GraphQLError } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';

import type { RequestContext } from './request-context.ts';

/** How many subscriptions a caller may have at a time, over WebSocket and event streams together. */
export function subscriptionLimit(perCaller: number): Plugin<RequestContext> {
  const running = new Map<string, number>();
  return {
    onSubscribe({ args, setResultAndStopExecution }) {
      const { caller } = args.contextValue;
      const key = `${caller.integration ?? ''}\n${caller.name}`;
      const already = running.get(key) ?? 0;
      if (already >= perCaller) {
        setResultAndStopExecution({ errors: [tooMany(perCaller)] });
        return undefined;
      }
      running.set(key, already + 1);
      let ended = false;
      const end = () => {
        if (ended) return;
        ended = true;
        const left = (running.get(key) ?? 1) - 1;
        if (left === 0) running.delete(key);
        else running.set(key, left);
      };
      return {
        onSubscribeError: end,
        onSubscribeResult: ({ result }) => {
          if (isAsyncIterable(result)) return { onEnd: end };
          end();
          return undefined;
        },
      };
    },
  };
}

function tooMany(allowed: number): GraphQLError {
  return new GraphQLError(
    `You have ${allowed} subscriptions, and no more are allowed at a time (LIMIT_SUBSCRIPTIONS_PER_CALLER). End one first.`,
    { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS', allowed, http: { status: 429 } } },
  );
}
