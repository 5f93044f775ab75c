import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
} from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';

import type { RequestContext } from './request-context.ts';
import {
  AnswerKeys,
  executeFor,
  nobodyLeaves,
  type Args,
  type SharedAnswerOptions,
} from './shared-answer.ts';

/** Who comes to an event later than that, or after the next event, gets what can be read by then. */
const SHARED_MS = 1_000;

/**
 * Executes an event once for all subscribers whose answer is bound to be the same: those get the very same result. What
 * an answer depends on is its key; what a resolver may know of who asks is what stands in that key, and no more.
 */
export function sharedExecution(
  options: SharedAnswerOptions & { newId: () => string },
): Plugin<RequestContext> {
  const keys = new AnswerKeys();
  const answers = new Answers();
  const subscribe = async (args: Args) => {
    const events = await createSourceEventStream(args);
    if (!isAsyncIterable(events)) return events;
    const { key, tellsTokens } = keys.keyOf(args);
    const { feed } = args.contextValue.domain;
    const stream = new AnswerStream(
      events[Symbol.asyncIterator](),
      (event) =>
        answers.of({ event, latest: feed.position, key }, () =>
          executeFor(
            { ...args, rootValue: event },
            { tellsTokens, signal: nobodyLeaves, requestId: options.newId() },
            options,
          ),
        ),
      options.maskError,
    );
    streams.set(args, stream);
    return stream;
  };
  return { onSubscribe: ({ args, setSubscribeFn }) => setSubscribeFn(() => subscribe(args)) };
}

const streams = new WeakMap<ExecutionArgs, AnswerStream>();

/**
 * What was subscribed with these arguments, without the plugins' steps between: their hooks for each result have nothing
 * to do, for errors are masked here. The stream that they give must be returned at the end all the same.
 */
export function answersTo(args: ExecutionArgs): AsyncIterator<ExecutionResult, undefined> | undefined {
  return streams.get(args);
}

interface Answered {
  /** The latest event by then. */
  readonly latest: number;
  readonly result: Promise<ExecutionResult>;
}

/** An answer tells balances too, which a purchase since may have changed: it is for those who ask before the next event. */
class Answers {
  readonly #ofEvents = new Map<unknown, Map<string, Answered>>();

  of(
    { event, latest, key }: { readonly event: unknown; readonly latest: number; readonly key: string },
    answer: () => Promise<ExecutionResult>,
  ): Promise<ExecutionResult> {
    let answers = this.#ofEvents.get(event);
    if (answers === undefined) {
      this.#ofEvents.set(event, (answers = new Map<string, Answered>()));
      setTimeout(() => this.#ofEvents.delete(event), SHARED_MS).unref();
    }
    let known = answers.get(key);
    if (known?.latest !== latest) answers.set(key, (known = { latest, result: answer() }));
    return known.result;
  }
}

/** `return` goes straight to the source, as in iterate.ts. */
class AnswerStream implements AsyncIterableIterator<ExecutionResult, undefined, undefined> {
  readonly #events: AsyncIterator<unknown, unknown>;
  readonly #answer: (event: unknown) => Promise<ExecutionResult>;
  readonly #maskError: (error: unknown) => GraphQLError;

  constructor(
    events: AsyncIterator<unknown, unknown>,
    answer: (event: unknown) => Promise<ExecutionResult>,
    maskError: (error: unknown) => GraphQLError,
  ) {
    this.#events = events;
    this.#answer = answer;
    this.#maskError = maskError;
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    try {
      const event = await this.#events.next();
      if (event.done === true) return { done: true, value: undefined };
      return { done: false, value: await this.#answer(event.value) };
    } catch (error) {
      await this.return();
      throw this.#maskError(error);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#events.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
