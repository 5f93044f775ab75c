import { newApiKey } from '../../src/auth/api-key.ts';
import type { ApiKey } from '../../src/auth/key-store.ts';

/** A key that no caller has, with text that is hard to keep. */
export function newKey(change: Partial<ApiKey> = {}): ApiKey {
  const { id, secretSha256 } = newApiKey();
  return {
    ...{ id, secretSha256, name: 'till „7“ \\ 😀', scopes: ['purchases:read', 'purchases:write'] },
    integration: 'north',
    accounts: [13209, 13210],
    limits: { perPurchase: '500.00', perDay: '5000' },
    createdAt: new Date('2026-03-01T10:00:00.000Z'),
    expiresAt: new Date('2027-03-01T10:00:00.000Z'),
    revokedAt: undefined,
    ...change,
  };
}
