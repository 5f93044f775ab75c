import { DateTime } from 'luxon';

/** Where ScratchPower keeps its books: its days are those of statements and of limits. */
export const HOME_ZONE = 'Africa/Gaborone';

/** No zone's day begins within such a span, and its purchases are all of one day: it is asked for once. */
const SPAN_MS = 15 * 60_000;
let latest: { readonly span: number; readonly day: string } | undefined;

/** The day of an instant there, such as 2026-03-01. */
export function dayOf(at: Date): string {
  const span = Math.floor(at.getTime() / SPAN_MS);
  if (latest?.span !== span) {
    latest = { span, day: DateTime.fromJSDate(at, { zone: HOME_ZONE }).toFormat('yyyy-MM-dd') };
  }
  return latest.day;
}

const DAY_MS = 86_400_000;

/** The days of the audit trail are those of UTC: a database tells them from the instant alone. */
export function utcDay(at: Date): number {
  return Math.floor(at.getTime() / DAY_MS);
}
