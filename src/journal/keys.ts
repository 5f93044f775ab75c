import type { Insertable, Selectable } from 'kysely';
import { z } from 'zod';

import { scopes, type CallerLimits } from '../auth/caller.ts';
import type { ApiKey, KeyStore } from '../auth/key-store.ts';
import { UnreadableError, type OnUnreadable } from '../purchases/journal.ts';
import { instant, storedText, text } from './models.ts';
import { readable } from './readable.ts';
import type { Store } from './store.ts';
import type { ApiKeyTable } from './tables.ts';

const keyRow = z.object({
  id: z.string(),
  name: text,
  secret_sha256: z.string(),
  integration: text.nullable(),
  per_purchase: z.string().nullable(),
  per_day: z.string().nullable(),
  created_at: instant,
  expires_at: instant.nullable(),
  revoked_at: instant.nullable(),
});
const scopeList = z.array(z.enum(scopes));
const accountList = z.array(z.int());

/** The keys of callers in SQL, in the same database as the record. */
export class SqlKeyStore implements KeyStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async add(key: ApiKey): Promise<void> {
    await this.#store.write(({ db }) => db.insertInto('api_keys').values(keyToRow(key)).execute());
  }

  async revoke(id: string, at: Date): Promise<boolean> {
    const result = await this.#store.write(({ db }) =>
      db
        .updateTable('api_keys')
        .set({ revoked_at: at.getTime() })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst(),
    );
    return result.numUpdatedRows > 0n;
  }

  async all(unreadable?: OnUnreadable): Promise<readonly ApiKey[]> {
    const rows = await this.#store.db
      .selectFrom('api_keys')
      .selectAll()
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return readable(rows, keyFromRow, unreadable, ({ id }) => id);
  }

  async live(at: Date, unreadable?: OnUnreadable): Promise<readonly ApiKey[]> {
    const rows = await this.#store.db
      .selectFrom('api_keys')
      .selectAll()
      .where('revoked_at', 'is', null)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', at.getTime())]))
      .execute();
    return readable(rows, keyFromRow, unreadable, ({ id }) => id);
  }
}

function keyToRow(key: ApiKey): Insertable<ApiKeyTable> {
  return {
    id: key.id,
    name: storedText(key.name),
    secret_sha256: key.secretSha256,
    scopes: JSON.stringify(key.scopes),
    integration: key.integration === undefined ? null : storedText(key.integration),
    accounts: key.accounts === undefined ? null : JSON.stringify(key.accounts),
    per_purchase: key.limits?.perPurchase ?? null,
    per_day: key.limits?.perDay ?? null,
    created_at: key.createdAt.getTime(),
    expires_at: key.expiresAt?.getTime() ?? null,
    revoked_at: key.revokedAt?.getTime() ?? null,
  };
}

function keyFromRow(row: Selectable<ApiKeyTable>): ApiKey {
  try {
    return keyIn(row);
  } catch (error) {
    throw new UnreadableError(
      `the record is damaged, or of a newer version: the key sp_${row.id} cannot be read`,
      { cause: error },
    );
  }
}

function keyIn(row: Selectable<ApiKeyTable>): ApiKey {
  const { id, name, secret_sha256, integration, ...rest } = keyRow.parse(row);
  return {
    ...{ id, name, secretSha256: secret_sha256 },
    scopes: scopeList.parse(JSON.parse(row.scopes)),
    integration: integration ?? undefined,
    accounts: row.accounts === null ? undefined : accountList.parse(JSON.parse(row.accounts)),
    limits: limitsFrom(rest),
    createdAt: rest.created_at,
    expiresAt: rest.expires_at ?? undefined,
    revokedAt: rest.revoked_at ?? undefined,
  };
}

function limitsFrom(row: Pick<ApiKeyTable, 'per_purchase' | 'per_day'>): CallerLimits | undefined {
  const { per_purchase, per_day } = row;
  if (per_purchase === null && per_day === null) return undefined;
  return {
    ...(per_purchase !== null && { perPurchase: per_purchase }),
    ...(per_day !== null && { perDay: per_day }),
  };
}
