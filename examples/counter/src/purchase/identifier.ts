import type { Product } from '../gateway/operations.ts';

export type Fit =
  | { readonly fit: 'empty' | 'yes' }
  | { readonly fit: 'short' | 'long'; readonly length: number; readonly bound: number }
  | { readonly fit: 'misfit' };

/** Checks what is typed against the product's own format: length AND pattern apply, each where there is one. */
export function fitOf({ minLength, maxLength, pattern }: Product['subscriberId'], value: string): Fit {
  const { length } = value;
  if (length === 0) return { fit: 'empty' };
  if (maxLength !== null && length > maxLength) return { fit: 'long', length, bound: maxLength };
  if (minLength !== null && length < minLength) return { fit: 'short', length, bound: minLength };
  if (pattern !== null && compile(pattern)?.test(value) === false) return { fit: 'misfit' };
  return { fit: 'yes' };
}

/** A pattern that this browser does not know is passed over: the gateway checks again. */
function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern);
  } catch {
    return undefined;
  }
}
