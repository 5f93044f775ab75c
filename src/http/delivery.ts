import type { GraphQLError, GraphQLFormattedError } from 'graphql';

import type { GatewaySocket } from './gateway-socket.ts';

/** An execution's, as graphql-ws types it. */
interface Result {
  readonly errors?: readonly GraphQLError[] | undefined;
  readonly data?: Record<string, unknown> | null | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
}

const OVER = { done: true, value: undefined } as const;

/**
 * Sends the results of a subscription itself, as graphql-ws's `next` messages: graphql-ws would write each anew for every
 * socket, where those who share a result share its text. It sees a stream that yields nothing and ends when that does.
 * A result is sent when the one before it has left, so that what a client does not read waits in the record.
 */
export class Delivery implements AsyncIterableIterator<never, undefined, undefined> {
  readonly #results: AsyncIterator<Result, undefined>;
  readonly #whole: AsyncIterator<unknown>;
  readonly #socket: GatewaySocket;
  readonly #id: string;
  #isLeft = false;

  /** `whole` is what there is to return at the end; the results are its own, or those that it would pass on. */
  constructor(
    results: AsyncIterator<Result, undefined>,
    whole: AsyncIterator<unknown>,
    { socket, id }: { readonly socket: GatewaySocket; readonly id: string },
  ) {
    this.#results = results;
    this.#whole = whole;
    this.#socket = socket;
    this.#id = id;
  }

  async next(): Promise<IteratorReturnResult<undefined>> {
    try {
      for (;;) {
        const next = await this.#results.next();
        if (this.#isLeft) return OVER;
        if (next.done === true) return await this.return();
        const message = `{"id":${JSON.stringify(this.#id)},"type":"next","payload":${textOf(next.value)}}`;
        const leaving = this.#socket.sendEvent(message);
        if (leaving !== undefined) await leaving;
      }
    } catch (error) {
      // Whoever counts subscriptions is told of the end only so.
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#isLeft = true;
    await this.#whole.return?.();
    return OVER;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const texts = new WeakMap<Result, string>();

function textOf(result: Result): string {
  let text = texts.get(result);
  if (text === undefined) texts.set(result, (text = JSON.stringify(payloadOf(result))));
  return text;
}

/** A result as it goes over a socket. */
export function payloadOf({ errors, data, extensions }: Result) {
  return {
    ...(errors !== undefined && { errors: errors.map(withoutHttp) }),
    ...(data !== undefined && { data }),
    ...(extensions !== undefined && { extensions }),
  };
}

/** The status that an error has over HTTP says nothing here. */
export function withoutHttp(error: GraphQLError): GraphQLFormattedError {
  const { http: _, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
}
