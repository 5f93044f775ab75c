import { GraphQLError } from 'graphql';

import { toGraphQLError } from '../schema/errors.ts';

/** A client that is gone while it is read for is nothing to look into. */
export function hasLeft(error: unknown): boolean {
  const original = error instanceof GraphQLError ? error.originalError : error;
  return original instanceof Error && original.name === 'AbortError';
}

/** The code that the client is told of an error, before that is masked. */
export function failureCode(error: unknown): string {
  if (hasLeft(error)) return 'CLIENT_GONE';
  const code = toGraphQLError(error).extensions['code'];
  return typeof code === 'string' ? code : 'ERROR';
}
