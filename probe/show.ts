import { printable } from '../src/operator/terminal.ts';

/** How what came is told: its form and its names, never a value that may be a secret or a person's. */

const LONGEST = 60;
const LONGEST_MESSAGE = 160;
/** So many digits may be a token, a phone or an identity number. */
const MANY_DIGITS = /\d(?:[\s\p{Pd}]?\d){6,}/gu;

/** "BWP 2,878.86" has the form "AAA 9,999.99". */
export function formOf(text: string): string {
  const form = text.replace(/\p{Lu}/gu, 'A').replace(/\p{L}/gu, (one) => (one === 'A' ? one : 'a'));
  return clipped(form.replace(/\p{Nd}/gu, '9'), LONGEST);
}

export function show(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'boolean':
      return String(value);
    case 'number':
      return Math.abs(value) < 10_000 ? `the number ${value}` : `a number like ${formOf(String(value))}`;
    case 'string':
      return value === '' ? 'an empty text' : `a text like "${formOf(value)}"`;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `a list of ${value.length}`;
      return `an object of ${list(Object.keys(value).map(nameOf)) || 'nothing'}`;
    default:
      return 'nothing';
  }
}

/** A word of the wire's own vocabulary, such as a status or a code, as it is; anything else by its form. */
export function word(value: unknown): string {
  if (typeof value === 'string' && /^[\w .-]{1,40}$/.test(value) && !/\d{5}/.test(value)) return `"${value}"`;
  return show(value);
}

/** A field's name as it may be told; one that has many digits may be a value in the wrong place. */
export function nameOf(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) && !/\d{5}/.test(name) ? name : '(a name like none)';
}

/** The upstream's own sentence, without the numbers in it. */
export function sentence(text: string): string {
  const safe = printable(text).replace(/\s+/g, ' ').replace(MANY_DIGITS, '…').trim();
  return clipped(safe, LONGEST_MESSAGE);
}

export function list(items: readonly string[]): string {
  return items.join(', ');
}

function clipped(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** Takes every secret that was met out of what is told: a second line of defence behind `show`. */
export class Secrets {
  readonly #secrets = new Set<string>();

  add(...secrets: readonly unknown[]): void {
    for (const secret of secrets)
      if (typeof secret === 'string' && secret.length >= 4) this.#secrets.add(secret);
  }

  hide(text: string): string {
    const longestFirst = [...this.#secrets].sort((one, other) => other.length - one.length);
    return longestFirst.reduce((hidden, secret) => hidden.replaceAll(secret, '•••'), text);
  }
}
