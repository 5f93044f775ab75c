import { getOperationAST, OperationTypeNode, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';

import { SharedRead } from '../purchases/shared-read.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { RequestContext } from './request-context.ts';
import { AnswerKeys, executeForAll, type Args, type SharedAnswerOptions } from './shared-answer.ts';

export interface SharedQueriesOptions extends SharedAnswerOptions {
  readonly runtime: Pick<Runtime, 'monotonic' | 'sleep' | 'turn'>;
}

/**
 * Executes a query once for all who ask it at the same time and whose answer is bound to be the same: same text, variables,
 * integration, scopes and accounts; the same caller where tokens are told. Nobody gets an answer whose execution had begun
 * before he asked. Each is still limited, counted and logged by himself.
 */
export function sharedQueries({ runtime, ...options }: SharedQueriesOptions): Plugin<RequestContext> {
  const keys = new AnswerKeys();
  const reads = new Map<string, SharedRead<ExecutionResult>>();
  const readOf = (args: Args) => {
    const { key, tellsTokens } = keys.keyOf(args);
    const known = reads.get(key);
    if (known !== undefined) return known;
    const read = new SharedRead({
      read: async (requestId) => {
        const result = await executeForAll(args, { tellsTokens, requestId }, options);
        if (result.errors === undefined) texts.set(result, undefined);
        return result;
      },
      runtime,
      onIdle: () => reads.delete(key),
    });
    reads.set(key, read);
    return read;
  };
  const run = (args: Args) => {
    if (getOperationAST(args.document, args.operationName)?.operation !== OperationTypeNode.QUERY)
      return options.execute(args);
    const { signal, requestId } = args.contextValue;
    return readOf(args).read(signal, requestId);
  };
  return { onExecute: ({ args, setExecuteFn }) => setExecuteFn(() => run(args)) };
}

/** Of results that several may share, once it was asked for. */
const texts = new WeakMap<ExecutionResult, string | undefined>();

/** A result as JSON; one that is shared is written once. */
export function textOf(result: ExecutionResult): string {
  const known = texts.get(result);
  if (known !== undefined) return known;
  const text = JSON.stringify(result);
  if (texts.has(result)) texts.set(result, text);
  return text;
}
