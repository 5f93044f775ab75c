import type { ApiKey } from '../auth/key-store.ts';
import { shown } from './zone.ts';

export function isLive({ revokedAt, expiresAt }: ApiKey, now: Date): boolean {
  return revokedAt === undefined && (expiresAt === undefined || now < expiresAt);
}

function stateOf(key: ApiKey, now: Date): 'live' | 'expired' | 'revoked' {
  if (key.revokedAt !== undefined) return 'revoked';
  return isLive(key, now) ? 'live' : 'expired';
}

/** A key as JSON: all that is known of it, and that is not its secret. */
export function describeKey(key: ApiKey, now: Date) {
  const { secretSha256: _, limits, ...rest } = key;
  return {
    ...rest,
    prefix: `sp_${key.id}`,
    state: stateOf(key, now),
    perPurchase: limits?.perPurchase,
    perDay: limits?.perDay,
  };
}

/** The same, a name and a value a line. */
export function keyFacts(key: ApiKey, now: Date): [name: string, value: string | null][] {
  return [
    ['key', `sp_${key.id}`],
    ['name', key.name],
    ['state', stateOf(key, now)],
    ['scopes', key.scopes.join(' ')],
    ['integration', key.integration ?? null],
    ['accounts', key.accounts?.join(' ') ?? null],
    ['limits', limitsShown(key)],
    ['created', shown(key.createdAt)],
    ['expires', key.expiresAt === undefined ? 'never' : shown(key.expiresAt)],
    ['revoked', key.revokedAt === undefined ? null : shown(key.revokedAt)],
  ];
}

function limitsShown({ limits }: ApiKey): string | null {
  if (limits === undefined) return null;
  const { perPurchase, perDay } = limits;
  const parts = [perPurchase && `${perPurchase} a purchase`, perDay && `${perDay} a day`];
  return parts.filter((part) => part !== undefined).join(', ');
}
