const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const LATEST_MS = 2 ** 48 - 1;

/** The instant that a UUID of version 7 carries, in ms; undefined when it is none (lower case is asked for). */
export function idTime(id: string): number | undefined {
  return UUID_V7.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;
}

/**
 * A text that sorts before every UUID of version 7 of that millisecond and later, and after every earlier one; it is
 * equal to none.
 * Clamped: before 1970 it sorts first, and past what such an id can carry, last.
 */
export function idFloor(at: Date): string {
  const milliseconds = at.getTime();
  if (milliseconds > LATEST_MS) return 'g';
  const hex = Math.max(0, milliseconds).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
