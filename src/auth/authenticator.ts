import type { Caller } from './caller.ts';

/** Somebody who is let in. */
export interface Admission {
  readonly caller: Caller;
  /** Aborted when it is taken back before it expires; undefined where it cannot be. */
  readonly revoked?: AbortSignal;
}

/** Why somebody is not let in, and what answers that. */
export interface Refusal {
  /**
   * `missing`: no credentials. `malformed`: sent in a way that is none. `invalid`: not accepted. `unavailable`: nobody
   * can tell now; the same may be tried again.
   */
  readonly refused: 'missing' | 'malformed' | 'invalid' | 'unavailable';
  /** Plain ASCII without quotes and backslashes, for it goes into a header; nothing of what was sent (R9). */
  readonly message: string;
}

/** Tells who is calling. */
export interface Authenticator {
  /** By the values of all Authorization headers that were sent. */
  admit(authorization: readonly string[]): Promise<Admission | Refusal>;
  close(): Promise<void>;
}

export function isRefusal(value: object): value is Refusal {
  return 'refused' in value;
}

/** Far above any real token, and below what a header may hold: what is longer is not looked at. */
const LONGEST_TOKEN = 8_192;
const HOW = 'Send one header: Authorization: Bearer TOKEN.';

/** The token of the one Authorization header there is (RFC 6750). */
export function bearerToken(authorization: readonly string[]): { readonly token: string } | Refusal {
  const [value, ...others] = authorization;
  if (value === undefined) return { refused: 'missing', message: `Authentication is needed. ${HOW}` };
  // A proxy in front may have read the other one.
  if (others.length > 0)
    return { refused: 'malformed', message: `There is more than one Authorization. ${HOW}` };
  if (!/^Bearer(\s|$)/i.test(value))
    return { refused: 'missing', message: `The Authorization is of another scheme. ${HOW}` };
  const token = value.slice('Bearer'.length).trim();
  if (token.length > LONGEST_TOKEN)
    return { refused: 'invalid', message: `The token is longer than ${LONGEST_TOKEN} characters.` };
  if (!/^[\w.~+/-]+=*$/.test(token))
    return { refused: 'malformed', message: `What follows Bearer is no token. ${HOW}` };
  return { token };
}
