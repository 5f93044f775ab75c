import { DEFAULT_INTEGRATION } from '../purchases/journal.ts';
import { badArgument } from './errors.ts';

/** Opaque cursors: what they hold is nobody's business but ours. */
export function encodeCursor(kind: 'purchase' | 'event', value: string | number): string {
  return Buffer.from(`${kind}:${value}`).toString('base64url');
}

/** An event's cursor is of its integration: there is an event at the same position in every other. */
export function encodeEventCursor(integration: string, position: number): string {
  return encodeCursor('event', ofIntegration(integration) + String(position));
}

/** The position of an event of this integration; anything else is refused by the argument's name. */
export function decodeEventCursor(integration: string, cursor: string, argument: string): number {
  const value = decodeCursor('event', cursor, argument);
  const prefix = ofIntegration(integration);
  const position = value.startsWith(prefix) ? value.slice(prefix.length) : '';
  if (/^\d{1,15}$/.test(position)) return Number(position);
  throw noCursor(argument);
}

/** Cursors of the default integration are older than integrations are. */
function ofIntegration(name: string): string {
  return name === DEFAULT_INTEGRATION ? '' : `${name}.`;
}

/** The value of our own cursor; anything else is refused by the argument's name. */
export function decodeCursor(kind: 'purchase' | 'event', cursor: string, argument: string): string {
  const [prefix, value] = Buffer.from(cursor, 'base64url').toString('utf8').split(':', 2);
  if (prefix === kind && value !== undefined && value !== '') return value;
  throw noCursor(argument);
}

function noCursor(argument: string) {
  return badArgument(argument, `${argument} is no cursor of this list. Give back one that it gave out.`);
}
