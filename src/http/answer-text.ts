import type { ExecutionResult } from 'graphql';

/** Of results that are sent more than once, as soon as they were sent. */
const texts = new WeakMap<ExecutionResult, string | undefined>();

/** That it may be sent more than once. */
export function keepText(result: ExecutionResult): void {
  if (!texts.has(result)) texts.set(result, undefined);
}

/** A result as JSON. */
export function textOf(result: ExecutionResult): string {
  const known = texts.get(result);
  if (known !== undefined) return known;
  const text = JSON.stringify(result);
  if (texts.has(result)) texts.set(result, text);
  return text;
}
