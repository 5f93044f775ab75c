import type { OnUnreadable } from '../purchases/journal.ts';
import type { CallerLimits, Scope } from './caller.ts';

/** An API key as it is recorded. Its secret is not: nobody can read it there. */
export interface ApiKey {
  /** Part of the key; no secret. */
  readonly id: string;
  /** The caller's name. Two keys of one name are one caller: so a key is replaced by a new one without a gap. */
  readonly name: string;
  /** SHA-256 of the secret, in hex. The secret is 256 random bits: nothing slower is needed. */
  readonly secretSha256: string;
  readonly scopes: readonly Scope[];
  readonly integration: string | undefined;
  readonly accounts: readonly number[] | undefined;
  readonly limits: CallerLimits | undefined;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

/** Where API keys are kept. A key never changes, but for being revoked, once and for all. */
export interface KeyStore {
  add(key: ApiKey): Promise<void>;
  /** Whether it was a key that had not been revoked. */
  revoke(id: string, at: Date): Promise<boolean>;
  /** Every key there ever was, oldest first. `unreadable` is told of those that cannot be read; without it they throw. */
  all(unreadable?: OnUnreadable): Promise<readonly ApiKey[]>;
  /** Those that are not revoked, and do not expire by that instant. */
  live(at: Date, unreadable?: OnUnreadable): Promise<readonly ApiKey[]>;
}
