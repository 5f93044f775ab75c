import { GraphQLError, NoSchemaIntrospectionCustomRule, type ExecutionResult } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';

/** For an API whose schema is not told: neither by introspection nor by errors that name what would have been right. */
export function hiddenSchema(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(NoSchemaIntrospectionCustomRule);
      return ({ result, setResult }) => {
        if (result.length > 0) setResult(result.map(withoutSuggestion));
      };
    },
    onExecute: () => ({
      onExecuteDone: ({ result, setResult }) => {
        if (!isAsyncIterable(result)) discreet(result, setResult);
      },
    }),
    onSubscribe: () => ({
      onSubscribeResult: ({ result, setResult }) => {
        if (!isAsyncIterable(result)) discreet(result, setResult);
      },
    }),
  };
}

/** Variables are only looked at when the operation is executed. */
function discreet(result: ExecutionResult, setResult: (result: ExecutionResult) => void): void {
  if (result.errors !== undefined)
    setResult({ ...result, errors: result.errors.map((error) => withoutSuggestion(error)) });
}

function withoutSuggestion(error: Readonly<Error>): GraphQLError {
  const told = error instanceof GraphQLError ? error : new GraphQLError(error.message);
  // It is always the last sentence; what stands before it may be a value of the client's, as long as a body may be.
  const at = told.message.endsWith('?') ? told.message.lastIndexOf(' Did you mean ') : -1;
  if (at === -1) return told;
  const message = told.message.slice(0, at);
  const { nodes = null, source = null, positions = null, path = null, originalError, extensions } = told;
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions });
}
