import { createPublicKey } from 'node:crypto';

import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';

import type { Runtime } from '../purchases/runtime.ts';

/** The issuer's keys: behind an address, or one that is at hand. */
export type KeySource =
  | {
      readonly jwksUrl: string;
      /** How long the set is used before it is fetched again, in ms. */
      readonly cacheMs: number;
      /** A key that is not in the set has it fetched again, but not more often than this, in ms. */
      readonly cooldownMs: number;
    }
  | { readonly publicKey: string };

/** The issuer's keys cannot be had now: nobody can tell whether a token is good. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

const FETCH_TIMEOUT_MS = 5_000;
/** After a failure the issuer is left alone for so long, however many tokens come. */
const PAUSE_MS = 1_000;

/** Throws a `KeysUnavailable` when the keys cannot be had, jose's error when the token names none of them. */
export function keysFrom(
  source: KeySource,
  runtime: Pick<Runtime, 'monotonic'>,
  report: (error: unknown) => void,
): JWTVerifyGetKey {
  if ('publicKey' in source) {
    const key = createPublicKey(source.publicKey);
    return () => key;
  }
  const { monotonic } = runtime;
  let failedAt = -Infinity;
  const isPaused = () => monotonic() - failedAt < PAUSE_MS;
  const keys = createRemoteJWKSet(new URL(source.jwksUrl), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cacheMaxAge: source.cacheMs,
    cooldownDuration: source.cooldownMs,
    [customFetch]: async (url, options) => {
      if (isPaused()) throw new Error('it failed a moment ago');
      const response = await fetch(url, options);
      if (response.status === 200) return response;
      await response.body?.cancel();
      throw new Error(`the address of the keys answers ${response.status}`);
    },
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (isOfTheToken(error)) throw error;
      // Whatever it was: also where it answered, and not with keys. All who waited for it come here.
      if (!isPaused()) {
        failedAt = monotonic();
        report(error);
      }
      throw new KeysUnavailable('the keys of the issuer cannot be had', { cause: error });
    }
  };
}

function isOfTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
