import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';

import { openSqliteRecord } from '../../src/journal/sqlite.ts';
import type { JournalRecord } from '../../src/purchases/journal.ts';
import { noPostgres } from '../support/postgres.ts';
import { later, purchaseIn, to } from './fixtures.ts';
import { freshSchema, openRecord } from './postgres-fixtures.ts';
import { outsider, tempPath } from './sqlite-fixtures.ts';

async function counts(record: JournalRecord): Promise<void> {
  const [shop, kiosk] = [record.of('shop'), record.of('kiosk')];
  for (const status of ['SUCCEEDED', 'FAILED', 'NEEDS_ATTENTION', 'UNRESOLVED', 'PENDING'] as const)
    await purchaseIn(shop, status);
  const latest = await purchaseIn(shop, 'UNRESOLVED', { createdAt: later(60_000) });
  await purchaseIn(kiosk, 'UNRESOLVED', { createdAt: later(-60_000) });
  const [pending, unresolved, attention] = await record.unsettled('shop');
  expect(pending).toMatchObject({ status: 'PENDING', count: 1 });
  expect(unresolved).toMatchObject({ status: 'UNRESOLVED', count: 2 });
  expect(attention).toMatchObject({ status: 'NEEDS_ATTENTION', count: 1 });
  expect(unresolved?.since?.getTime()).toBeLessThan(latest.createdAt.getTime());
  expect(await record.unsettled('nobody')).toMatchObject([
    { count: 0, since: null },
    { count: 0, since: null },
    { count: 0, since: null },
  ]);
}

/** One that FAILED long ago and is asked about again has not waited since then. */
async function countsFromNewDoubt(record: JournalRecord): Promise<void> {
  const journal = record.of('again');
  const { id } = await purchaseIn(journal, 'FAILED', { createdAt: later(-86_400_000) });
  const attempt = { kind: 'RETRY', requestId: 'again', startedAt: later(5_000) } as const;
  await journal.startAttempt(id, 'FAILED', attempt, to('UNRESOLVED', { unresolvedSince: later(5_000) }));
  const [, unresolved] = await record.unsettled('again');
  expect(unresolved).toEqual({ status: 'UNRESOLVED', count: 1, since: later(5_000) });
}

describe('what is not settled', () => {
  test('is counted on SQLite, by the index of statuses, without what is settled', async () => {
    const path = await tempPath();
    const statements = new Set<string>();
    const record = await openSqliteRecord({ path, onStatement: (sql) => statements.add(sql) });
    onTestFinished(() => record.close());
    await counts(record);
    await countsFromNewDoubt(record);
    statements.clear();
    await record.unsettled('shop');
    const plans = [...statements].flatMap((sql) =>
      outsider(path)
        .prepare(`explain query plan ${sql}`)
        .all()
        .map((row) => z.object({ detail: z.string() }).parse(row).detail)
        .filter((detail) => detail.includes('purchases')),
    );
    const index = 'purchases_by_status (integration=? AND status=? AND product_type=?)';
    expect(plans).toEqual([
      `SEARCH purchases USING INDEX ${index}`,
      `SEARCH purchases USING COVERING INDEX ${index}`,
    ]);
  });

  test.skipIf(noPostgres !== undefined)('is counted on PostgreSQL alike', async () => {
    const { url } = await freshSchema();
    const record = await openRecord(url);
    onTestFinished(() => record.close());
    await counts(record);
    await countsFromNewDoubt(record);
  });
});
