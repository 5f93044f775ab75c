/** One thing that somebody with bad intentions, or a broken client, may send. */
export interface HostileCase {
  readonly name: string;
  readonly category: string;
  /** Where the idea comes from. */
  readonly source: string;
  /**
   * What it must get. Over HTTP: the status and what the answer is: `data`, `null` (its one field is null), `empty` (a page
   * of nothing), `Quote`, `Problem TYPE`, an error's code, or `text`. On a raw connection: every status in order, or
   * `closed` without any. On a socket: `closed CODE`, `error CODE`, `next` or `silence`.
   */
  readonly answer: string;
}

export const owasp = 'OWASP GraphQL cheat sheet';
export const armor = 'graphql-armor documentation';
export const big = 'Big List of Naughty Strings';
export const rfc = (number: number, section: string) => `RFC ${number}, ${section}`;
