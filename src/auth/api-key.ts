import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Log, Runtime } from '../purchases/runtime.ts';
import { bearerToken, isRefusal, type Authenticator, type Refusal } from './authenticator.ts';
import { KeyRing } from './key-ring.ts';
import type { KeyStore } from './key-store.ts';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
/** Found by secret scanners, and by a double click as a whole. */
const KEY = /^sp_([0-9a-f]{16})_([0-9a-f]{64})$/;

/** A new key's parts, and the key itself, which is shown once. */
export function newApiKey(): { readonly id: string; readonly key: string; readonly secretSha256: string } {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  return { id, key: `sp_${id}_${secret}`, secretSha256: sha256(secret).toString('hex') };
}

/** The id in a key, in the part of it that is shown, or alone. */
export function idIn(text: string): string | undefined {
  return /^(?:sp_)?([0-9a-f]{16})(?:_[0-9a-f]{64})?$/.exec(text.trim())?.[1];
}

const UNKNOWN: Refusal = {
  refused: 'invalid',
  message: 'This is no key that is valid here: it is unknown, was revoked or has expired.',
};
const UNAVAILABLE: Refusal = {
  refused: 'unavailable',
  message: 'Keys cannot be checked now, for the record does not answer. Try again.',
};

/** Servers with keys of `scratchpower-graphql keys`. Resolves once the keys have been read. */
export async function apiKeyAuthenticator(options: {
  readonly store: Pick<KeyStore, 'live'>;
  readonly runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep'>;
  readonly log: Pick<Log, 'warn' | 'info'>;
}): Promise<Authenticator> {
  const { runtime } = options;
  const ring = new KeyRing(options);
  await ring.start();
  return {
    async admit(authorization) {
      const bearer = bearerToken(authorization);
      if (isRefusal(bearer)) return bearer;
      const [, id, secret] = KEY.exec(bearer.token) ?? [];
      if (id === undefined || secret === undefined) return UNKNOWN;
      const held = await ring.find(id);
      if (held === 'unknown') return UNKNOWN;
      if (held === 'unavailable') return UNAVAILABLE;
      if (!timingSafeEqual(sha256(secret), held.secretSha256)) return UNKNOWN;
      const { expiresAt } = held.admission.caller;
      return expiresAt !== undefined && runtime.now() >= expiresAt ? UNKNOWN : held.admission;
    },
    close: () => ring.close(),
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
