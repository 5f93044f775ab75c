import {
  getVariableValues,
  type ExecutionArgs,
  type GraphQLError,
  type OperationDefinitionNode,
} from 'graphql';

interface Found {
  readonly operation: OperationDefinitionNode;
  readonly errors: readonly GraphQLError[] | undefined;
}

const found = new WeakMap<object, Found>();

/**
 * What is wrong with the variables, in graphql-js's words; undefined when nothing is. The limits and the execution both ask
 * for it: what was sent is looked at once.
 */
export function variableErrors(
  operation: OperationDefinitionNode,
  { schema, variableValues }: Pick<ExecutionArgs, 'schema' | 'variableValues'>,
): readonly GraphQLError[] | undefined {
  const declared = operation.variableDefinitions ?? [];
  if (declared.length === 0) return undefined;
  if (variableValues == null) return getVariableValues(schema, declared, {}).errors;
  let last = found.get(variableValues);
  if (last?.operation !== operation) {
    last = { operation, errors: getVariableValues(schema, declared, variableValues).errors };
    found.set(variableValues, last);
  }
  return last.errors;
}
