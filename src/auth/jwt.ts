import { hash } from 'node:crypto';

import { errors, jwtVerify, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';

import type { Log, Runtime } from '../purchases/runtime.ts';
import { bearerToken, isRefusal, type Admission, type Authenticator, type Refusal } from './authenticator.ts';
import { callerOf, type ClaimNames } from './claims.ts';
import { KeysUnavailable, keysFrom, type KeySource } from './jwt-keys.ts';

export interface JwtOptions {
  readonly keys: KeySource;
  readonly issuer: string;
  readonly audience: string;
  /** The only ones that are accepted, none of them symmetric. */
  readonly algorithms: readonly string[];
  /** How far the issuer's clock may be from ours, in ms. */
  readonly clockSkewMs: number;
  readonly claims: ClaimNames;
  readonly runtime: Pick<Runtime, 'now' | 'monotonic'>;
  readonly log: Pick<Log, 'warn' | 'error'>;
}

/** A signature costs more than a query; so what was verified is not verified again for so long, nor past its expiry. */
const VERIFIED_FOR_MS = 60_000;
const MOST_VERIFIED = 10_000;
/** The last instant that there is. */
const LAST_INSTANT_MS = 8_640_000_000_000_000;

/** Callers with access tokens of an issuer (RFC 9068, RFC 8725). */
export function jwtAuthenticator(options: JwtOptions): Authenticator {
  const { runtime, log, clockSkewMs, claims } = options;
  const keys = keysFrom(options.keys, runtime, (error) =>
    log.warn({ reason: messageOf(error) }, 'the keys of the issuer cannot be had'),
  );
  const verification = {
    issuer: options.issuer,
    audience: options.audience,
    algorithms: [...options.algorithms],
    clockTolerance: clockSkewMs / 1_000,
    requiredClaims: ['exp', 'sub'],
  };
  // By a hash: what lies in memory is no token.
  const verified = new LRUCache<string, Admission>({
    max: MOST_VERIFIED,
    ttl: VERIFIED_FOR_MS,
    perf: { now: runtime.monotonic },
  });

  const admissionOf = (payload: JWTPayload): Admission | Refusal => {
    const expiresAtMs = Number(payload.exp) * 1_000 + clockSkewMs;
    if (!(expiresAtMs <= LAST_INSTANT_MS))
      return { refused: 'invalid', message: 'The claim exp cannot be read.' };
    const caller = callerOf(payload, claims, new Date(expiresAtMs));
    return isRefusal(caller) ? caller : { caller };
  };

  return {
    async admit(authorization) {
      const bearer = bearerToken(authorization);
      if (isRefusal(bearer)) return bearer;
      const key = hash('sha256', bearer.token, 'base64');
      const known = verified.get(key);
      const now = runtime.now();
      if (known?.caller.expiresAt !== undefined && now < known.caller.expiresAt) return known;
      try {
        const { payload } = await jwtVerify(bearer.token, keys, { ...verification, currentDate: now });
        const admission = admissionOf(payload);
        if (!isRefusal(admission)) verified.set(key, admission);
        return admission;
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal.refused === 'unavailable' && !(error instanceof KeysUnavailable))
          log.error({ reason: messageOf(error) }, 'a key of the issuer cannot be used');
        return refusal;
      }
    },
    close: () => Promise.resolve(),
  };
}

/** What jose's errors mean for the caller. What is not of the token is not told to be. */
export function refusalOf(error: unknown): Refusal {
  const invalid = (message: string): Refusal => ({ refused: 'invalid', message });
  if (error instanceof errors.JWTExpired) return invalid('The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed) return invalid(claimMessage(error));
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return invalid('The token is signed in a way that is not accepted here.');
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return invalid('The token is not signed with a key that is trusted here.');
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return invalid('The token does not name its key (kid), and there are several.');
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid)
    return invalid('This is no token that can be read.');
  return {
    refused: 'unavailable',
    message: 'Tokens cannot be checked now, for the keys of their issuer cannot be had. Try again.',
  };
}

const CLAIM_MESSAGES: Readonly<Record<string, string>> = {
  aud: 'The token is for another audience (aud).',
  iss: 'The token is of another issuer (iss).',
  nbf: 'The token is not valid yet (nbf).',
};

function claimMessage({ claim, reason }: errors.JWTClaimValidationFailed): string {
  // jose names the claim, never what is in it; and only those that are asked for.
  if (reason === 'missing') return `The token lacks the claim ${claim}.`;
  return CLAIM_MESSAGES[claim] ?? `The claim ${claim} cannot be read.`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
