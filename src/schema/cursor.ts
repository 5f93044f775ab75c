import { badArgument } from './errors.ts';

/** Opaque cursors: what they hold is nobody's business but ours. */
export function encodeCursor(kind: 'purchase' | 'event', value: string | number): string {
  return Buffer.from(`${kind}:${value}`).toString('base64url');
}

/** The value of our own cursor; anything else is refused by the argument's name. */
export function decodeCursor(kind: 'purchase' | 'event', cursor: string, argument: string): string {
  const [prefix, value] = Buffer.from(cursor, 'base64url').toString('utf8').split(':', 2);
  if (prefix === kind && value !== undefined && value !== '') return value;
  throw badArgument(argument, `${argument} is no cursor of this list. Give back one that it gave out.`);
}
