import { setMaxListeners } from 'node:events';

import {
  type DocumentNode,
  type execute,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';

import type { Caller } from '../auth/caller.ts';
import type { Leaving } from '../purchases/leaving.ts';
import { sameForSame } from '../purchases/same-for-same.ts';
import type { Domain } from '../schema/context.ts';
import { rulesOf } from '../schema/require-rules.ts';
import type { RequestContext } from './request-context.ts';

export type Args = ExecutionArgs & { readonly contextValue: RequestContext };

export interface SharedAnswerOptions {
  readonly execute: typeof execute;
  /** What clients get to see of an error. */
  readonly maskError: (error: unknown) => GraphQLError;
  /** A context of its own for what is executed on behalf of that caller, in which all else is as in the given one. */
  readonly contextFor: (
    own: RequestContext,
    on: Omit<Asker, 'tellsTokens'> & { caller: Caller },
  ) => RequestContext;
}

/** On whose behalf something is executed. */
export interface Asker {
  /** Of the document: then it is that caller alone. */
  readonly tellsTokens: boolean;
  readonly signal: Leaving;
  readonly requestId: string;
  /** Through which it reads. Default: its context's. */
  readonly domain?: Domain;
}

/** Executes for all whose answer has the same key. */
export async function executeFor(
  args: Args,
  { tellsTokens, ...on }: Asker,
  { execute: run, maskError, contextFor }: SharedAnswerOptions,
): Promise<ExecutionResult> {
  const { caller } = args.contextValue;
  const contextValue = contextFor(args.contextValue, {
    caller: tellsTokens ? caller : nameless(caller),
    ...on,
  });
  const { schema, document, rootValue, variableValues, operationName } = args;
  const result = await run({ schema, document, rootValue, variableValues, operationName, contextValue });
  // Here, so that a fault is logged once.
  return result.errors === undefined ? result : { ...result, errors: result.errors.map(maskError) };
}

/** One who leaves must not take what is read from the others. */
export const nobodyLeaves = new AbortController().signal;
setMaxListeners(0, nobodyLeaves);

/** What those who share an answer have in common. */
function nameless({ scopes, integration, accounts }: Caller): Caller {
  return {
    ...{ scopes, integration, accounts },
    get name(): string {
      throw new Error('what is shared by several callers must not depend on their names');
    },
  };
}

/** What is known of a document by looking at it. */
interface Facts {
  readonly number: number;
  /** Those that an answer depends on. */
  readonly variables: readonly string[];
  /** Whether it asks for what only some may see, and what is written down who was shown. */
  readonly tellsTokens: boolean;
}

/** What an answer depends on. */
export class AnswerKeys {
  readonly #facts = new WeakMap<DocumentNode, Facts>();
  #count = 0;

  /** Two whose keys are the same get the same answer at the same moment, or to the same event. */
  keyOf({ schema, document, operationName, variableValues, contextValue }: Args): {
    key: string;
    tellsTokens: boolean;
  } {
    let facts = this.#facts.get(document);
    if (facts === undefined) {
      this.#count += 1;
      facts = factsOf(document, schema, this.#count);
      this.#facts.set(document, facts);
    }
    const { number, variables, tellsTokens } = facts;
    const { caller } = contextValue;
    const given = variables.map((variable) =>
      // One that is null is not one that is not there.
      variableValues?.[variable] === undefined ? [] : [variableValues[variable]],
    );
    const who = tellsTokens ? caller.name : '';
    // A number and JSON in turn: no two that differ read the same.
    const key = `${number} ${given.length === 0 ? '' : JSON.stringify(given)} ${rightsOf(caller)} ${JSON.stringify([operationName, who])}`;
    return { key, tellsTokens };
  }
}

const rightsOf = sameForSame(({ integration, scopes, accounts }: Caller) =>
  JSON.stringify([
    ...[integration ?? null, [...scopes].sort()],
    accounts === undefined ? null : [...accounts].sort((one, other) => one - other),
  ]),
);

function factsOf(document: DocumentNode, schema: GraphQLSchema, number: number): Facts {
  const tokenFields = tokenFieldsOf(schema);
  const variables = new Set<string>();
  let tellsTokens = false;
  const types = new TypeInfo(schema);
  const root = schema.getSubscriptionType();
  visit(
    document,
    visitWithTypeInfo(types, {
      VariableDefinition: () => false,
      // The arguments of a subscription choose its events; what is told of one does not depend on them.
      Argument: () => (types.getParentType() === root && types.getDirective() == null ? false : undefined),
      Variable: ({ name }) => void variables.add(name.value),
      Field: ({ name }) => {
        tellsTokens ||= tokenFields.has(name.value);
      },
    }),
  );
  return { number, variables: [...variables].sort(), tellsTokens };
}

/** The names of all fields that need `tokens:read`, of whatever type: one too many only shares less. */
function tokenFieldsOf(schema: GraphQLSchema): ReadonlySet<string> {
  const fields = rulesOf(schema).filter(({ rule }) => JSON.stringify(rule ?? {}).includes('"tokens:read"'));
  return new Set(fields.map(({ field }) => field.slice(field.indexOf('.') + 1)));
}
