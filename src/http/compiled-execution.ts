import {
  BREAK,
  execute,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  Kind,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
} from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';

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
  const operations = new WeakMap<DocumentNode, Map<string, Uses>>();
  const usesOf = ({ document, operationName }: ExecutionArgs): Uses => {
    let ofDocument = operations.get(document);
    if (ofDocument === undefined) operations.set(document, (ofDocument = new Map<string, Uses>()));
    const name = operationName ?? '';
    let uses = ofDocument.get(name);
    if (uses === undefined) ofDocument.set(name, (uses = { count: 0 }));
    return uses;
  };
  return (args) => {
    const uses = usesOf(args);
    uses.count += 1;
    if (uses.count === USES_BEFORE_COMPILING) uses.compiled = compile(args);
    return uses.compiled === undefined ? execute(args) : executeCompiled(uses.compiled, args);
  };
}

/** Undefined when it is left to graphql-js. */
export function compile({ schema, document, operationName }: ExecutionArgs): CompiledQuery | undefined {
  // Of a field that stands twice, once skipped, it makes another place in the answer, and in its errors.
  if (hasDirective(document)) return undefined;
  const compiled = compileQuery(schema, document, operationName ?? undefined);
  return isCompiledQuery(compiled) ? compiled : undefined;
}

function hasDirective(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    [Kind.DIRECTIVE]: () => {
      found = true;
      return BREAK;
    },
  });
  return found;
}

/** As `execute` does it: what is wrong with the variables is told in its words, and errors have their nodes. */
export function executeCompiled(compiled: CompiledQuery, args: ExecutionArgs): ReturnType<typeof execute> {
  const { schema, document, operationName, variableValues } = args;
  const declared = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  if (declared.length > 0 && getVariableValues(schema, declared, variableValues ?? {}).errors !== undefined)
    return execute(args);
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
