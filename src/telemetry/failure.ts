import type { ExecutionResult } from 'graphql';
import { isAsyncIterable } from 'graphql-yoga';

/** The code that the client is told of an error. */
export type CodeOf = (error: unknown) => string;

/** The code of what an operation failed by; undefined when it did not. A stream has not failed yet. */
export function failureOf(
  result: ExecutionResult | AsyncIterable<unknown>,
  codeOf: CodeOf,
): string | undefined {
  if (isAsyncIterable(result) || result.errors === undefined || result.errors.length === 0) return undefined;
  return codeOf(result.errors[0]);
}
