import { parse, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { expect, it } from 'vitest';

import { Execution, type Step } from '../../src/http/execution.ts';
import { schema } from '../../src/schema/index.ts';

const args: ExecutionArgs = { schema, document: parse('{ __typename }'), contextValue: { own: 1 } };
const refused: ExecutionResult = { data: null };

/** A step that tells when it is taken, and when what it gave is done. */
const telling = (
  name: string,
  told: string[],
  before: (execution: Execution) => unknown = () => undefined,
): Step => {
  return (execution) => {
    told.push(`before ${name}`);
    const after = {
      onExecuteDone: ({ result }: Execution) =>
        void told.push(`after ${name}: ${JSON.stringify(result?.data)}`),
    };
    const waits = before(execution);
    return waits instanceof Promise ? waits.then(() => after) : after;
  };
};

it('an execution takes all steps in their order, and waits for those that wait', async () => {
  const told: string[] = [];
  const slowly = () => new Promise((resolve) => setTimeout(resolve, 5));
  const result = await new Execution(args).run([
    telling('one', told, slowly),
    () => undefined,
    telling('two', told),
  ]);
  expect(result.data).toEqual({ __typename: 'Query' });
  const data = '{"__typename":"Query"}';
  expect(told).toEqual(['before one', 'before two', `after one: ${data}`, `after two: ${data}`]);
});

it('a step may put something else in its place, which stops those that come after it', async () => {
  const told: string[] = [];
  const refuse = telling('refusal', told, ({ setResultAndStopExecution }) =>
    setResultAndStopExecution(refused),
  );
  const steps = [telling('log', told), refuse, telling('never', told)];
  expect(await new Execution(args).run(steps)).toBe(refused);
  expect(told).toEqual(['before log', 'before refusal', 'after log: null', 'after refusal: null']);
});

it('a step may replace what executes, around what the others have put there, and add to the context', async () => {
  const instead: Step = ({ setExecuteFn, extendContext }) => {
    setExecuteFn(({ contextValue }) => ({ data: { ...(contextValue as object) } }));
    extendContext({ more: 2 });
    return undefined;
  };
  const around: Step = ({ executeFn, setExecuteFn }) => {
    setExecuteFn(async (given) => ({ data: { around: (await executeFn(given)).data } }));
    return undefined;
  };
  const own = { ...args, contextValue: { own: 1 } };
  const result = await new Execution(own).run([instead, around]);
  expect(result).toEqual({ data: { around: { own: 1, more: 2 } } });
});

it('what is done after it sees, and may change, what those before it have made of the result', async () => {
  const told: unknown[] = [];
  const mask: Step = () => ({ onExecuteDone: ({ setResult }) => setResult(refused) });
  const look: Step = () => ({
    onExecuteDone: async ({ result }) => {
      await Promise.resolve();
      told.push(result);
    },
  });
  expect(await new Execution(args).run([mask, look])).toBe(refused);
  expect(told).toEqual([refused]);
});

it('rejects as a step does', async () => {
  const fail: Step = () => Promise.reject(new Error('a fault'));
  await expect(new Execution(args).run([fail])).rejects.toThrow('a fault');
});
