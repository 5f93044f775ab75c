import { GraphQLError, type GraphQLErrorOptions } from 'graphql';

import { ProblemError } from '../purchases/problem.ts';

/**
 * What a client gets to see of an error: a `ProblemError` with its type as `extensions.code`, a GraphQL error as it is,
 * and of anything else only that it happened (code INTERNAL).
 */
export function toGraphQLError(error: unknown): GraphQLError {
  const original = error instanceof GraphQLError ? error.originalError : error;
  const where = error instanceof GraphQLError ? placeOf(error) : {};
  if (original instanceof ProblemError) {
    const { type, code, message, retryable, retryAfter, requestId, fields } = original.problem;
    return new GraphQLError(message, {
      ...where,
      extensions: {
        ...{ code: type, problemCode: code, retryable, requestId, fields },
        ...(retryAfter !== null && { retryAfter }),
      },
    });
  }
  if (
    error instanceof GraphQLError &&
    (original === undefined || original === null || original instanceof GraphQLError)
  ) {
    return error;
  }
  return new GraphQLError('Something went wrong here. It was logged.', {
    ...where,
    extensions: { code: 'INTERNAL' },
  });
}

function placeOf({ nodes, path }: GraphQLError): GraphQLErrorOptions {
  return { nodes: nodes ?? null, path: path ?? null };
}

/** A wrong argument of a query or a subscription. */
export function badArgument(field: string, message: string, code = 'invalid_argument'): ProblemError {
  return new ProblemError({ type: 'INVALID_INPUT', code, message, fields: [{ field, message }] });
}
