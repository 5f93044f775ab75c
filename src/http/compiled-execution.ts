import {
  BREAK,
  execute,
  getOperationAST,
  GraphQLError,
  Kind,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type OperationDefinitionNode,
} from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';

import { variableErrors } from './variable-errors.ts';

/** Compiling costs as much as some dozens of executions: what is sent once is not compiled. */
const USES_BEFORE_COMPILING = 4;

interface Uses {
  count: number;
  /** Undefined: not yet, or it cannot be. */
  compiled?: CompiledQuery | undefined;
}

/**
 * Executes operations, those that come again by code that is compiled for them. Which documents are remembered is for
 * document-cache.ts to bound: what is compiled of one goes with it.
 */
export function compiling(): typeof execute {
  // By the operation and not by its name, of which a client may send any number that a document does not have.
  const operations = new WeakMap<OperationDefinitionNode, Uses>();
  return (args) => {
    const operation = getOperationAST(args.document, args.operationName);
    // It says so.
    if (!operation) return execute(args);
    let uses = operations.get(operation);
    if (uses === undefined) operations.set(operation, (uses = { count: 0 }));
    uses.count += 1;
    if (uses.count === USES_BEFORE_COMPILING) uses.compiled = compile(args);
    return uses.compiled === undefined ? execute(args) : executeCompiled(uses.compiled, args, operation);
  };
}

/** Undefined when it is left to graphql-js. */
export function compile({ schema, document, operationName }: ExecutionArgs): CompiledQuery | undefined {
  if (isReadOtherwise(document)) return undefined;
  const compiled = compileQuery(schema, document, operationName ?? undefined);
  return isCompiledQuery(compiled) ? compiled : undefined;
}

/** Whether something stands in it of which the compiled code makes something else than graphql-js. */
function isReadOtherwise(document: DocumentNode): boolean {
  let found = false;
  const find = () => {
    found = true;
    return BREAK;
  };
  visit(document, {
    // Of a field that stands twice, once skipped, it makes another place in the answer, and in its errors.
    [Kind.DIRECTIVE]: find,
    // It asks for it all the same.
    [Kind.VARIABLE_DEFINITION]: ({ type, defaultValue }) =>
      type.kind === Kind.NON_NULL_TYPE && defaultValue !== undefined ? find() : undefined,
    // Within a value it takes a variable as it is: null where none may be, and where there is none in place of the default.
    [Kind.OBJECT_FIELD]: ({ value }) => (value.kind === Kind.VARIABLE ? find() : undefined),
    [Kind.LIST]: ({ values }) => (values.some(({ kind }) => kind === Kind.VARIABLE) ? find() : undefined),
  });
  return found;
}

/**
 * As `execute` does it: what is wrong with the variables is told in its words, and errors have their nodes. So has one of a
 * null where the default may stand and no null. `operation` is the one that was compiled; default: it is looked for in the
 * document.
 */
export function executeCompiled(
  compiled: CompiledQuery,
  args: ExecutionArgs,
  operation = getOperationAST(args.document, args.operationName),
): ReturnType<typeof execute> {
  const { document, variableValues } = args;
  if (operation == null || variableErrors(operation, args) !== undefined) return execute(args);
  const hasNullForDefault = operation.variableDefinitions?.some(
    ({ variable, defaultValue }) =>
      defaultValue !== undefined && variableValues?.[variable.name.value] === null,
  );
  if (hasNullForDefault === true) return execute(args);
  const result = compiled.query(args.rootValue, args.contextValue, variableValues);
  return result instanceof Promise
    ? result.then((done: ExecutionResult) => withNodes(done, document))
    : withNodes(result, document);
}

function withNodes(result: ExecutionResult, document: DocumentNode): ExecutionResult {
  if (result.errors === undefined) return result;
  const fields = fieldsOf(document);
  const errors = result.errors.map(({ message, locations, path, originalError, extensions }) => {
    const nodes = (locations ?? []).flatMap((at) => fields.get(`${at.line}:${at.column}`) ?? []);
    return new GraphQLError(message, {
      nodes,
      path: path ?? null,
      originalError: originalError ?? null,
      extensions,
    });
  });
  return { errors, ...(result.data !== undefined && { data: result.data }) };
}

/** By where they stand. */
function fieldsOf(document: DocumentNode): ReadonlyMap<string, FieldNode> {
  const fields = new Map<string, FieldNode>();
  visit(document, {
    [Kind.FIELD]: (node) => {
      const { line, column } = node.loc?.startToken ?? {};
      fields.set(`${line}:${column}`, node);
    },
  });
  return fields;
}
