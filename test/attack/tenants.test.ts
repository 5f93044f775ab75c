import { afterEach, describe, expect, it } from 'vitest';

import { systemRuntime } from '../../src/system-runtime.ts';
import { openPostgresRecord } from '../../src/journal/postgres.ts';
import { openSqliteRecordBeside } from '../../src/journal/sqlite-beside.ts';
import type { JournalRecord } from '../../src/purchases/journal.ts';
import { noPostgres, temporarySchema } from '../support/postgres.ts';
import { until } from '../support/stack.ts';
import { startTenants, type Tenants } from '../support/tenants.ts';
import { breachesOf } from './checker.ts';
import { buy, inner, onTheHappyMeter, type Seen } from './harness.ts';
import { readRecord, readUpstream } from './history.ts';

const KEYS = 60;
const integrations = ['shop', 'kiosk'] as const;
const EVENTS = 'subscription { purchaseEvents { cursor status purchase { id } } }';

/**
 * The same keys are bought in both integrations at once, several times each and on every instance, while both upstreams
 * lose answers; each has a subscriber. Then each integration is laid beside its own upstream: what had crossed would be
 * a debit that is not recorded, a record without a debit, or an event that was missed.
 */
async function hammer(
  tenants: Tenants,
  instances: number,
  open: () => Promise<JournalRecord>,
): Promise<void> {
  const seen: Record<(typeof integrations)[number], Seen> = {
    shop: { acknowledged: [], readers: [[]] },
    kiosk: { acknowledged: [], readers: [[]] },
  };
  const reading = await Promise.all(
    integrations.map(async (integration) => {
      const client = await tenants.socketAs({ integration }, instances - 1);
      const events = client.iterate({ query: EVENTS });
      const done = (async () => {
        for await (const { data } of events) {
          const { cursor, status, purchase } = (data as any).purchaseEvents;
          const position = Number(/\d+$/.exec(Buffer.from(cursor, 'base64url').toString())?.[0]);
          seen[integration].readers[0]?.push({ position, status, purchaseId: inner(purchase.id) });
        }
      })();
      return { done, stop: () => events.return?.() };
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const name of integrations) {
    for (const kind of ['drop_after', 'drop_before', 'pending', 'garbage'] as const)
      tenants.sandboxes[name].addFault({ endpoint: 'confirm', kind, count: 3 });
  }
  const callers = await Promise.all(
    integrations.flatMap((integration) =>
      Array.from({ length: instances }, async (_, instance) => ({
        integration,
        graphql: await tenants.as({ integration, sub: `${integration} ${instance}` }, instance),
      })),
    ),
  );
  const details = { ...onTheHappyMeter, amount: { amount: '5.00', currency: 'BWP' } };
  await Promise.all(
    Array.from({ length: KEYS }, (_, n) =>
      Promise.all(
        callers.map(({ integration, graphql }) => buy(graphql, seen[integration], `key-${n}`, { details })),
      ),
    ),
  );
  const record = await open();
  try {
    for (const name of integrations) {
      const journal = record.of(name);
      const open = ['PENDING', 'UNRESOLVED'] as const;
      await expect
        .poll(() => journal.page({ filter: { status: open }, limit: 1, inverted: false }), {
          timeout: 30_000,
        })
        .toEqual([]);
      const last = await journal.lastPosition();
      await until(() => seen[name].readers[0]?.at(-1)?.position === last, `the last event of ${name}`);
    }
    for (const { stop } of reading) await stop();
    await Promise.all(reading.map(({ done }) => done));
    for (const name of integrations) {
      const history = {
        ...(await readRecord(record.of(name))),
        ...readUpstream(tenants.sandboxes[name]),
        ...seen[name],
      };
      expect(breachesOf(history), name).toEqual([]);
      expect(history.purchases).toHaveLength(KEYS);
      expect(history.events.map(({ position }) => position)).toEqual(
        history.events.map((_, index) => index + 1),
      );
      expect(history.readers[0]).toHaveLength(history.events.length);
    }
    expect(await record.integrations()).toEqual(['kiosk', 'shop']);
  } finally {
    await record.close();
  }
}

const env = { READ_TIMEOUT_MS: '15000', CONFIRM_TIMEOUT_MS: '3000', LATE_LANDING_MS: '300' };

describe('two integrations hammered at once', () => {
  let tenants: Tenants | undefined;
  afterEach(() => tenants?.[Symbol.asyncDispose]());

  it('keep every promise, each on its own, on SQLite', { timeout: 120_000 }, async () => {
    tenants = await startTenants({ env });
    const { path } = tenants;
    await hammer(tenants, 1, () => openSqliteRecordBeside({ path }));
  });

  it.skipIf(noPostgres !== undefined)(
    'and on PostgreSQL, by two instances',
    { timeout: 120_000 },
    async () => {
      await using schema = await temporarySchema();
      tenants = await startTenants({ env: { ...env, DATABASE_URL: schema.url }, instances: 2 });
      await hammer(tenants, 2, () =>
        openPostgresRecord({
          ...{ url: schema.url, poolSize: 2, statementTimeoutMs: 10_000, migrates: false },
          ...{ runtime: systemRuntime(), log: { warn: () => undefined } },
        }),
      );
      await tenants.stop();
    },
  );
});
