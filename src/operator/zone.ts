import { DateTime, IANAZone } from 'luxon';

import { HOME_ZONE } from '../purchases/day.ts';

export { HOME_ZONE };

export function isZone(name: string): boolean {
  return IANAZone.isValidZone(name);
}

/** The day's first instant and that of the next, in a zone; undefined when it is no day. */
export function dayIn(zone: string, date: string): { from: Date; until: Date } | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return undefined;
  const noon = DateTime.fromISO(`${date}T12:00`, { zone });
  if (!noon.isValid) return undefined;
  // A day whose midnight is skipped begins when it begins.
  const [from, until] = [noon.startOf('day'), noon.plus({ days: 1 }).startOf('day')];
  return { from: from.toJSDate(), until: until.toJSDate() };
}

/** An instant, or the first one of a day; undefined when it is neither. */
export function instantIn(zone: string, text: string): Date | undefined {
  const instant = DateTime.fromISO(text, { zone });
  return instant.isValid ? instant.toJSDate() : undefined;
}

/** As a person of that zone reads it, to the second, with the offset: 2026-03-01T14:00:00+02:00. */
export function shown(at: Date, zone: string = HOME_ZONE): string {
  return DateTime.fromJSDate(at, { zone }).toISO({ suppressMilliseconds: true, precision: 'second' }) ?? '';
}
