import { execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';

type MaybePromise<T> = T | Promise<T>;
type Execute = (args: ExecutionArgs) => MaybePromise<ExecutionResult>;

/** What a plugin does before an execution, and gives to be done after it. */
export type Step = (before: Execution) => MaybePromise<AfterStep | undefined>;
interface AfterStep {
  readonly onExecuteDone?: (after: Execution) => MaybePromise<unknown>;
}

/** Of these plugins, in their order. */
export function stepsOf(plugins: readonly Plugin[]): readonly Step[] {
  return plugins.flatMap(({ onExecute }) => (onExecute === undefined ? [] : [onExecute as Step]));
}

/**
 * One execution of a query or a mutation as Envelop makes it, with the plugins' steps before and after, by a plain loop.
 * Envelop goes from each step to the next by way of several objects that are like promises: these were a quarter of all
 * memory that a short request needed. Steps see it as Envelop's payload of `onExecute`, and then of `onExecuteDone`.
 */
export class Execution {
  readonly args: ExecutionArgs;
  executeFn: Execute = execute;
  #result: ExecutionResult | undefined;

  constructor(args: ExecutionArgs) {
    this.args = args;
  }

  get context(): unknown {
    return this.args.contextValue;
  }

  /** Once it is there. */
  get result(): ExecutionResult | undefined {
    return this.#result;
  }

  readonly setExecuteFn = (executeFn: Execute): void => {
    this.executeFn = executeFn;
  };

  readonly setResultAndStopExecution = (result: ExecutionResult): void => {
    this.#result = result;
  };

  readonly setResult = (result: ExecutionResult): void => {
    this.#result = result;
  };

  readonly extendContext = (extension: object): void => {
    Object.assign(this.args.contextValue as object, extension);
  };

  /** To be called once. */
  async run(steps: readonly Step[]): Promise<ExecutionResult> {
    const done: NonNullable<AfterStep['onExecuteDone']>[] = [];
    for (const step of steps) {
      const taken = step(this);
      const after = taken instanceof Promise ? await taken : taken;
      if (after?.onExecuteDone !== undefined) done.push(after.onExecuteDone);
      // Whoever has a result stops those that come after it.
      if (this.#result !== undefined) break;
    }
    this.#result ??= await this.executeFn(this.args);
    for (const step of done) {
      const taken = step(this);
      if (taken instanceof Promise) await taken;
    }
    return this.#result;
  }
}
