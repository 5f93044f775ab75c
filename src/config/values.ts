import { z } from 'zod';

/** What a variable of the environment may hold; each fault is told by what must be there instead. */
export const text = z.string({ error: 'is missing' }).trim().min(1, 'is empty');

/** With digits only; `unit` is for the words of its faults. */
export const wholeNumberWithin = (unit: string, min: number, max: number) =>
  z
    .string()
    .trim()
    .regex(/^\d+$/, `must be a whole number of ${unit}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min} ${unit}`).max(max, `must be at most ${max} ${unit}`));

export const wholeNumber = (unit: string, fallback: number, min: number, max: number) =>
  wholeNumberWithin(unit, min, max).default(fallback);

const PORT_FAULT = 'must be a port, from 0 to 65535';

/** 0: any that is free. */
export const port = z
  .string()
  .trim()
  .regex(/^\d{1,5}$/, PORT_FAULT)
  .transform(Number)
  .pipe(z.number().max(65_535, PORT_FAULT));

/** A timer's longest wait, which Node keeps in 32 bits. */
const LONGEST_TIMER_MS = 2_147_483_647;

export const milliseconds = (fallback: number, min = 1, max = LONGEST_TIMER_MS) =>
  wholeNumber('milliseconds', fallback, min, max);

/** Without blanks around them; an empty one counts for none. */
export const commaSeparated = z.string().transform((list) =>
  list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
);

export function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of: ${values.join(', ')}` });
