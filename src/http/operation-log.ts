import { getOperationAST, type ExecutionArgs } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';

import { failureCode } from './failure-code.ts';
import type { RequestContext } from './request-context.ts';

/**
 * One line per operation: name, kind, duration, request id, caller, outcome. Never variables, which hold phones and
 * meters, and never results, which hold tokens (R9).
 */
export function operationLog(parent: Logger): Plugin<RequestContext> {
  // Nothing here could be a secret's; to look for one costs twenty times what the line does.
  const log = parent.child({}, { redact: [] });
  const begin = (args: ExecutionArgs & { contextValue: RequestContext }) => {
    const startedAt = performance.now();
    const operation = operationOf(args);
    const { requestId, caller, transport } = args.contextValue;
    return (codes: readonly string[]) => {
      const outcome = codes.length === 0 ? 'ok' : [...new Set(codes)].join(' ');
      const ms = Math.round((performance.now() - startedAt) * 10) / 10;
      log.info({
        operation: operation.name,
        kind: operation.kind,
        ms,
        requestId,
        caller: caller.name,
        integration: caller.integration,
        transport,
        outcome,
      });
    };
  };
  return {
    onExecute({ args }) {
      const end = begin(args);
      return {
        onExecuteDone: ({ result }) => {
          if (isAsyncIterable(result)) return { onEnd: () => end([]) };
          end((result.errors ?? []).map(failureCode));
          return undefined;
        },
      };
    },
    onSubscribe({ args }) {
      const end = begin(args);
      return {
        onSubscribeResult: ({ result }) => {
          if (isAsyncIterable(result)) return { onEnd: () => end([]) };
          end((result.errors ?? []).map(failureCode));
          return undefined;
        },
      };
    },
  };
}

function operationOf({ document, operationName }: ExecutionArgs): { name: string; kind: string } {
  const operation = getOperationAST(document, operationName) ?? getOperationAST(document);
  return { name: operation?.name?.value ?? 'anonymous', kind: operation?.operation ?? 'unknown' };
}
