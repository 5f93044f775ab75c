import {
  getOperationAST,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

import { documentCache } from './document-cache.ts';
import { Execution, stepsOf, type Step } from './execution.ts';

/** Of a query or a mutation, as it was sent. */
export interface OperationParams {
  readonly query?: string;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly extensions?: Record<string, unknown> | null;
  readonly documentId?: string | null;
}

/** The engine with all its plugins, whatever their contexts: Envelop has `any` there. */
interface Engine {
  readonly schema: GraphQLSchema;
  readonly steps: readonly Step[];
}

/**
 * Documents that were parsed, validated and counted, and then executed. Of such a one nothing is left to find out before it
 * is executed again, for all that Yoga and its plugins do up to there depends on the text alone. What they do when it is
 * executed (limits, rates, log, metrics, masking) they do each time.
 */
export class KnownOperations {
  readonly cache = documentCache();
  readonly #executed = new WeakSet<DocumentNode>();
  #engine: Engine | undefined;

  /** Whatever comes to be executed has passed. */
  plugin(): Plugin {
    let plugins: readonly Plugin[] = [];
    return {
      onPluginInit: (init) => {
        plugins = init.plugins;
      },
      // By then all plugins are there.
      onYogaInit: ({ yoga }) => {
        const { schema } = yoga.getEnveloped({}) as { schema: GraphQLSchema };
        this.#engine = { schema, steps: stepsOf(plugins) };
      },
      onExecute: ({ args }: { args: ExecutionArgs }) => {
        this.#executed.add(args.document);
      },
    };
  }

  /**
   * The document of the text; undefined when it is not known, or when the name says none of its operations. That it is known
   * tells nothing of the name, which may be another each time: Yoga refuses one that is none.
   */
  documentOf(text: string, operationName: string | null | undefined): DocumentNode | undefined {
    const document = this.cache.documentCache?.get(text);
    if (document === undefined || !this.#executed.has(document)) return undefined;
    return getOperationAST(document, operationName) == null ? undefined : document;
  }

  /** Executes a document that is known. */
  async execute(
    document: DocumentNode,
    { operationName, variables: variableValues }: OperationParams,
    contextValue: object,
  ): Promise<ExecutionResult> {
    if (this.#engine === undefined) throw new Error('there is no engine yet');
    const { schema, steps } = this.#engine;
    return new Execution({ schema, document, operationName, variableValues, contextValue }).run(steps);
  }
}
