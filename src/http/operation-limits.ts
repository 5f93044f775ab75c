import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  getOperationAST,
  GraphQLError,
  Kind,
  parse,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type OperationDefinitionNode,
  type ParseOptions,
  type Source,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

import { sameForSame } from '../purchases/same-for-same.ts';
import type { RequestContext } from './request-context.ts';
import { variableErrors } from './variable-errors.ts';

export interface OperationLimits {
  /** Of the document, before it is parsed to its end. */
  readonly tokens: number;
  /** Of fields within each other, fragments spread. */
  readonly depth: number;
  /** In the document. */
  readonly aliases: number;
  readonly directives: number;
  /** Of any list, in the document or in the variables. */
  readonly listItems: number;
  /** Fields, each as often as the pages and lists around it may have entries. */
  readonly cost: number;
}

/** Variables that are nested deeper are of no type here. */
const MOST_NESTED = 32;
/** NUL, which PostgreSQL keeps in no text, and half of a pair, which UTF-8 has not: two that differ would become one. */
const NO_TEXT = /[\0\p{Surrogate}]/u;
/** Asking for the schema costs as much as a page of purchases. */
const INTROSPECTION_COST = 1_000;
/** A field with a selection of its own is compared with each of its name, and so are the fields within. */
const MOST_REPEATED = 40;
/** How many costs are remembered of a document. */
const MOST_COSTS = 100;

/** As typed here: Envelop leaves the document at `any`. */
interface Validating {
  readonly params: { readonly documentAST: DocumentNode };
  readonly setResult: (errors: readonly GraphQLError[]) => void;
}

/** What is known of a document, whatever its variables. */
interface Counted {
  readonly refusal: GraphQLError | undefined;
  readonly introspections: number;
  readonly costs: Map<string, { readonly complexity: number; readonly depth: number }>;
}

/**
 * What no operation may exceed. The document is counted as it is, in one walk and before it is validated, for validation
 * compares fields in pairs. What it costs is known once it is valid and its variables are there, just before it would be
 * executed; each fragment is added up once, however often it is spread.
 */
export function operationLimits(limits: OperationLimits): Plugin<RequestContext> {
  const countedOf = sameForSame((document: DocumentNode) => countDocument(document, limits));
  const beforeExecution = (event: {
    args: ExecutionArgs;
    setResultAndStopExecution: (result: ExecutionResult) => void;
  }) => {
    const { args } = event;
    const refusal =
      overVariables(args.variableValues ?? {}, limits.listItems) ??
      overCost(args, countedOf(args.document), limits);
    if (refusal !== undefined) event.setResultAndStopExecution({ errors: [refusal].flat() });
  };
  return {
    onParse: ({ setParseFn }) =>
      setParseFn((source: string | Source, options?: ParseOptions) =>
        parseWithin(limits.tokens, source, options),
      ),
    onValidate: ({ params, setResult }: Validating) => {
      const { refusal } = countedOf(params.documentAST);
      if (refusal !== undefined) setResult([refusal]);
    },
    onExecute: beforeExecution,
    onSubscribe: beforeExecution,
  };
}

function parseWithin(tokens: number, source: string | Source, options?: ParseOptions): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: tokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (/^Syntax Error: Document contains more tha\w \d+ tokens/.test(error.message)) {
      throw tooComplex('tokens', tokens, undefined, 'Shorten the document, or split it into several.');
    }
    // Yoga names it over HTTP alone.
    error.extensions['code'] ??= 'GRAPHQL_PARSE_FAILED';
    throw error;
  }
}

/** Counts what stands in the document, each once. */
function countDocument(document: DocumentNode, limits: OperationLimits): Counted {
  let aliases = 0;
  let directives = 0;
  let longest = 0;
  let introspections = 0;
  let noText = false;
  let mostRepeated = 0;
  const repeated = new Map<string, number>();
  const repeat = (key: string) => {
    const times = (repeated.get(key) ?? 0) + 1;
    repeated.set(key, times);
    mostRepeated = Math.max(mostRepeated, times);
  };
  visit(document, {
    Field: ({ alias, name, selectionSet }) => {
      if (alias !== undefined) aliases += 1;
      if (name.value === '__schema' || name.value === '__type') introspections += 1;
      if (selectionSet === undefined) return;
      repeat((alias ?? name).value);
    },
    FragmentSpread: ({ name }) => repeat(`...${name.value}`),
    Directive: () => {
      directives += 1;
    },
    StringValue: ({ value }) => {
      noText ||= NO_TEXT.test(value);
    },
    ListValue: ({ values }) => {
      longest = Math.max(longest, values.length);
    },
  });
  const refusal = (): GraphQLError | undefined => {
    if (aliases > limits.aliases)
      return tooComplex('aliases', limits.aliases, aliases, 'Ask for fewer at once.');
    if (directives > limits.directives)
      return tooComplex('directives', limits.directives, directives, 'Use fewer.');
    if (mostRepeated > MOST_REPEATED)
      return tooComplex('repetitions of a field', MOST_REPEATED, mostRepeated, 'Ask for it once.');
    if (longest > limits.listItems) return tooLong(limits.listItems, longest);
    if (noText) return unreadable('document');
    return undefined;
  };
  return { refusal: refusal(), introspections, costs: new Map() };
}

/** Walks the variables without recursion: they are as deep as the client likes. */
function overVariables(variables: object, listItems: number): GraphQLError | undefined {
  const left: { value: unknown; path: string; depth: number }[] = [{ value: variables, path: '', depth: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, path, depth } = next;
    if (typeof value === 'string' && NO_TEXT.test(value)) return unreadable(`variable ${path}`);
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value) && value.length > listItems) return tooLong(listItems, value.length);
    if (depth > MOST_NESTED) {
      const remedy = 'Send the input as the schema has it.';
      return tooComplex('levels of nested variables', MOST_NESTED, undefined, remedy);
    }
    for (const [name, inner] of Object.entries(value)) {
      left.push({ value: inner, path: path === '' ? name : `${path}.${name}`, depth: depth + 1 });
    }
  }
  return undefined;
}

function unreadable(where: string): GraphQLError {
  return new GraphQLError(
    `The ${where} holds a NUL character or half of a surrogate pair, which are no text. Remove it.`,
    { extensions: { code: 'BAD_REQUEST', http: { status: 400, spec: true } } },
  );
}

function overCost(
  args: ExecutionArgs,
  counted: Counted,
  limits: OperationLimits,
): GraphQLError | GraphQLError[] | undefined {
  const operation = getOperationAST(args.document, args.operationName);
  // Whoever would execute it all the same would execute what nobody has counted.
  if (operation == null) return noOperation();
  // Each time, though the cost may be known: what costs as much may be wrong all the same.
  const wrong = variableErrors(operation, args);
  if (wrong !== undefined) return wrong.map(unreadableInput);
  const key = costKey(operation, args.variableValues ?? {});
  let known = counted.costs.get(key);
  if (known === undefined) {
    const fragments = args.document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
    try {
      known = complexityFromQuery(
        { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] },
        { schema: args.schema, variables: args.variableValues ?? {} },
      );
    } catch (error) {
      // Arguments that cannot be read cannot be counted; nothing of the operation is executed then.
      if (error instanceof GraphQLError) return unreadableInput(error);
      throw error;
    }
    if (counted.costs.size >= MOST_COSTS) counted.costs.clear();
    counted.costs.set(key, known);
  }
  if (known.depth > limits.depth)
    return tooComplex('levels', limits.depth, known.depth, 'Nest fewer fields.');
  const cost = known.complexity + counted.introspections * INTROSPECTION_COST;
  if (cost > limits.cost)
    return tooComplex('points', limits.cost, cost, 'Ask for fewer fields, or for smaller pages.');
  return undefined;
}

/** As Yoga and graphql-ws refuse it, before it comes to this. */
function noOperation(): GraphQLError {
  return new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE', http: { status: 400 } },
  });
}

/** Of a variable or an argument that is wrong. */
function unreadableInput({ message, nodes }: GraphQLError): GraphQLError {
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    extensions: { code: 'BAD_USER_INPUT', http: { status: 400, spec: true } },
  });
}

/**
 * All that an operation's cost depends on: page sizes, lengths of lists, and which variables there are. Only variables
 * that it declares: what else the client sends has names of its own making.
 */
function costKey(operation: OperationDefinitionNode, variables: Readonly<Record<string, unknown>>): string {
  let key = operation.name?.value ?? '';
  for (const { variable } of operation.variableDefinitions ?? []) {
    const value = variables[variable.name.value];
    const part = Array.isArray(value) ? `[${value.length}` : typeof value === 'number' ? value : typeof value;
    key += ` ${value === null ? null : part}`;
  }
  return key;
}

function tooLong(allowed: number, actual: number): GraphQLError {
  return tooComplex('items of a list', allowed, actual, 'Send it in several parts.');
}

const variableOf: Readonly<Record<string, string>> = {
  tokens: 'LIMIT_TOKENS',
  levels: 'LIMIT_DEPTH',
  aliases: 'LIMIT_ALIASES',
  directives: 'LIMIT_DIRECTIVES',
  points: 'LIMIT_COST',
  'items of a list': 'LIMIT_LIST_ITEMS',
};

/** Names the limit, its value, what the operation had where that is known, and what to do. */
function tooComplex(what: string, allowed: number, actual: number | undefined, remedy: string): GraphQLError {
  const limit = variableOf[what];
  const had =
    actual === undefined ? `more than ${allowed} ${what}` : `${actual} ${what}, and ${allowed} are allowed`;
  return new GraphQLError(`The operation has ${had}${limit === undefined ? '' : ` (${limit})`}. ${remedy}`, {
    extensions: {
      code: 'OPERATION_TOO_COMPLEX',
      ...(limit !== undefined && { limit }),
      allowed,
      ...(actual !== undefined && { actual }),
      // As with any operation that is not valid: 400, or 200 to clients that ask for plain JSON.
      http: { status: 400, spec: true },
    },
  });
}
