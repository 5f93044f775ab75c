import type { ExecutionResult } from 'graphql';
import { isAsyncIterable } from 'graphql-yoga';

/** The code of what an operation failed by; undefined when it did not. A stream has not failed yet. */
export function failureOf(result: ExecutionResult | AsyncIterable<unknown>): string | undefined {
  if (isAsyncIterable(result) || result.errors === undefined || result.errors.length === 0) return undefined;
  const code = result.errors[0]?.extensions['code'];
  return typeof code === 'string' ? code : 'ERROR';
}
