import { setMaxListeners } from 'node:events';

import {
  createSourceEventStream,
  visit,
  type DocumentNode,
  type execute,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  TypeInfo,
  visitWithTypeInfo,
} from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';

import type { Caller } from '../auth/caller.ts';
import { rulesOf } from '../schema/require-rules.ts';
import type { RequestContext } from './request-context.ts';

/** Who comes to an event later than that gets what can be read by then. */
const SHARED_MS = 1_000;

type Args = ExecutionArgs & { readonly contextValue: RequestContext };

export interface SharedExecutionOptions {
  readonly execute: typeof execute;
  /** What clients get to see of an error. */
  readonly maskError: (error: unknown) => GraphQLError;
  /** A context of its own for an event, on behalf of that caller. */
  readonly contextFor: (
    own: RequestContext,
    shared: { caller: Caller; signal: AbortSignal },
  ) => RequestContext;
}

/**
 * Executes an event once for all subscribers whose answer is bound to be the same: those get the very same result. What
 * an answer depends on is its key; what a resolver may know of who asks is what stands in that key, and no more.
 */
export function sharedExecution(options: SharedExecutionOptions): Plugin<RequestContext> {
  const documents = new Documents();
  const answers = new Answers();
  const subscribe = async (args: Args) => {
    const events = await createSourceEventStream(args);
    if (!isAsyncIterable(events)) return events;
    const { key, tellsTokens } = documents.keyOf(args);
    const stream = new AnswerStream(
      events[Symbol.asyncIterator](),
      (event) => answers.of(event, key, () => executeFor(event, args, tellsTokens, options)),
      options.maskError,
    );
    streams.set(args, stream);
    return stream;
  };
  return { onSubscribe: ({ args, setSubscribeFn }) => setSubscribeFn(() => subscribe(args)) };
}

const streams = new WeakMap<ExecutionArgs, AnswerStream>();

/**
 * What was subscribed with these arguments, without the plugins' steps between: their hooks for each result have nothing
 * to do, for errors are masked here. The stream that they give must be returned at the end all the same.
 */
export function answersTo(args: ExecutionArgs): AsyncIterator<ExecutionResult, undefined> | undefined {
  return streams.get(args);
}

async function executeFor(
  event: unknown,
  args: Args,
  tellsTokens: boolean,
  { execute: run, maskError, contextFor }: SharedExecutionOptions,
): Promise<ExecutionResult> {
  const { caller } = args.contextValue;
  const contextValue = contextFor(args.contextValue, {
    caller: tellsTokens ? caller : nameless(caller),
    signal: nobodyLeaves,
  });
  const result = await run({ ...args, rootValue: event, contextValue });
  // Here, so that a fault is logged once.
  return result.errors === undefined ? result : { ...result, errors: result.errors.map(maskError) };
}

/** One who leaves must not take what is read from the others. */
const nobodyLeaves = new AbortController().signal;
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

class Documents {
  readonly #facts = new WeakMap<DocumentNode, Facts>();
  #count = 0;

  /** Two whose keys are the same get the same answer to the same event. */
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
    const { name, integration, scopes, accounts } = contextValue.caller;
    const parts = [
      ...[number, operationName ?? null],
      // One that is null is not one that is not there.
      variables.map((variable) =>
        variableValues?.[variable] === undefined ? [] : [variableValues[variable]],
      ),
      ...[integration ?? null, [...scopes].sort()],
      accounts === undefined ? null : [...accounts].sort((one, other) => one - other),
      tellsTokens ? name : null,
    ];
    return { key: JSON.stringify(parts), tellsTokens };
  }
}

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

class Answers {
  readonly #ofEvents = new Map<unknown, Map<string, Promise<ExecutionResult>>>();

  of(event: unknown, key: string, answer: () => Promise<ExecutionResult>): Promise<ExecutionResult> {
    let answers = this.#ofEvents.get(event);
    if (answers === undefined) {
      this.#ofEvents.set(event, (answers = new Map<string, Promise<ExecutionResult>>()));
      setTimeout(() => this.#ofEvents.delete(event), SHARED_MS).unref();
    }
    let known = answers.get(key);
    if (known === undefined) answers.set(key, (known = answer()));
    return known;
  }
}

/** `return` goes straight to the source, as in iterate.ts. */
class AnswerStream implements AsyncIterableIterator<ExecutionResult, undefined, undefined> {
  readonly #events: AsyncIterator<unknown, unknown>;
  readonly #answer: (event: unknown) => Promise<ExecutionResult>;
  readonly #maskError: (error: unknown) => GraphQLError;

  constructor(
    events: AsyncIterator<unknown, unknown>,
    answer: (event: unknown) => Promise<ExecutionResult>,
    maskError: (error: unknown) => GraphQLError,
  ) {
    this.#events = events;
    this.#answer = answer;
    this.#maskError = maskError;
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    try {
      const event = await this.#events.next();
      if (event.done === true) return { done: true, value: undefined };
      return { done: false, value: await this.#answer(event.value) };
    } catch (error) {
      await this.return();
      throw this.#maskError(error);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#events.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
