import { DateTime } from 'luxon';

/** Where ScratchPower keeps its books: its days are those of statements and of limits. */
export const HOME_ZONE = 'Africa/Gaborone';

/** The day of an instant there, such as 2026-03-01. */
export function dayOf(at: Date): string {
  return DateTime.fromJSDate(at, { zone: HOME_ZONE }).toFormat('yyyy-MM-dd');
}
