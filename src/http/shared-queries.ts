import { getOperationAST, GraphQLError, OperationTypeNode, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';

import { SharedRead } from '../purchases/shared-read.ts';
import type { Runtime } from '../purchases/runtime.ts';
import { keepText } from './answer-text.ts';
import { RememberedAnswers } from './remembered-answers.ts';
import type { RequestContext } from './request-context.ts';
import { AnswerKeys, nobodyLeaves, type Args, type SharedAnswerOptions } from './shared-answer.ts';

export interface SharedQueriesOptions extends SharedAnswerOptions {
  /** Whether those who ask at the same time share an answer. */
  readonly coalescing: boolean;
  readonly runtime: Pick<Runtime, 'monotonic' | 'sleep' | 'turn'>;
}

/**
 * Executes a query once for all who ask it at the same time and whose answer is bound to be the same: same text, variables,
 * integration, scopes and accounts; the same caller where tokens are told. Nobody gets an answer whose execution had begun
 * before he asked. Each is still limited, counted and logged by himself. Mutations are executed one by one.
 */
export function sharedQueries({
  coalescing,
  runtime,
  ...options
}: SharedQueriesOptions): Plugin<RequestContext> {
  const keys = new AnswerKeys();
  const answers = new RememberedAnswers(options);
  const shared = new Map<string, SharedRead<ExecutionResult, Args>>();
  const sharedOf = (key: string, tellsTokens: boolean) => {
    const known = shared.get(key);
    if (known !== undefined) return known;
    const one = new SharedRead<ExecutionResult, Args>({
      read: async (args) => {
        const { requestId } = args.contextValue;
        const result = await answers.answer(key, args, { tellsTokens, signal: nobodyLeaves, requestId });
        if (result.errors === undefined) keepText(result);
        return result;
      },
      runtime,
      onIdle: () => shared.delete(key),
    });
    shared.set(key, one);
    return one;
  };
  /** Of who leaves while he waits, as any other operation ends then: graphql-ws takes what is thrown for a fault. */
  const failed = (error: Error): ExecutionResult => ({
    errors: [new GraphQLError(error.message, { originalError: error })],
  });
  const run = (args: Args) => {
    if (getOperationAST(args.document, args.operationName)?.operation !== OperationTypeNode.QUERY)
      return options.execute(args);
    const { key, tellsTokens } = keys.keyOf(args);
    const { signal, requestId } = args.contextValue;
    return coalescing
      ? sharedOf(key, tellsTokens).read(signal, args).catch(failed)
      : answers.answer(key, args, { tellsTokens, signal, requestId });
  };
  return { onExecute: ({ args, setExecuteFn }) => setExecuteFn(() => run(args)) };
}
