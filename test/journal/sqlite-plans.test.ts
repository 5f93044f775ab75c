import { expect, test } from 'vitest';
import { z } from 'zod';

import type { PurchaseFilter } from '../../src/purchases/journal.ts';
import { callEverything } from './every-call.ts';
import { later, newId, NOON } from './fixtures.ts';
import { filters } from './page-suite.ts';
import { opened, outsider, tempPath } from './sqlite-fixtures.ts';

const planRow = z.object({ detail: z.string() });

test('no statement of the journal scans or sorts a table, however it is called', async () => {
  const path = await tempPath();
  const statements = new Set<string>();
  const journal = await opened(path, { onStatement: (statement) => statements.add(statement) });
  statements.clear();

  await callEverything(journal);

  const database = outsider(path);
  const plans = [...statements].flatMap((statement) =>
    database
      .prepare(`explain query plan ${statement}`)
      .all()
      .map((row) => ({ statement, detail: planRow.parse(row).detail })),
  );
  expect(plans.length).toBeGreaterThan(100);
  const walked = plans.filter(
    ({ detail }) => /^SCAN (?!(\d+ )?CONSTANT ROW)/.test(detail) || detail.includes('TEMP B-TREE'),
  );
  // There are as many instances as processes. A day's successes and what is to be blotted out have partial indexes, which
  // are searched. A page without filters walks its integration's ids and stops at its limit; what is in flight has an index of its own, as small as
  // what is in flight.
  const bounded = ['SCAN instances', 'SCAN attempts USING INDEX attempts_one_in_flight'];
  expect(walked.filter(({ detail }) => !bounded.includes(detail))).toEqual([]);
});

test('each filter of a page is served by its own index, and only by that', async () => {
  const path = await tempPath();
  const statements: string[] = [];
  const journal = await opened(path, { onStatement: (statement) => statements.push(statement) });
  const database = outsider(path);
  for (const filter of filters) {
    statements.length = 0;
    await journal.page({ filter, after: newId(), limit: 10, inverted: false });
    const [page] = statements;
    if (page === undefined) continue;
    const searches = database
      .prepare(`explain query plan ${page}`)
      .all()
      .map((row) => planRow.parse(row).detail)
      .filter((detail) => detail.startsWith('SEARCH') || detail.startsWith('SCAN'));
    expect(searches.length).toBeGreaterThan(0);
    for (const search of searches) expect(search, JSON.stringify(filter)).toContain(indexFor(filter));
  }
});

test('a statement of a day and the retention walk their own indexes', async () => {
  const path = await tempPath();
  const statements: string[] = [];
  const journal = await opened(path, { onStatement: (statement) => statements.push(statement) });
  const database = outsider(path);
  const planOf = async (call: () => Promise<unknown>) => {
    statements.length = 0;
    await call();
    const statement = statements.find((sql) => sql.startsWith('select')) ?? '';
    return database
      .prepare(`explain query plan ${statement}`)
      .all()
      .map((row) => planRow.parse(row).detail);
  };
  const day = { from: NOON, until: later(86_400_000), limit: 10 };
  for (const more of [{}, { accountId: 7 }, { after: { at: NOON, position: 1 } }]) {
    expect(await planOf(() => journal.successes({ ...day, ...more }))).toEqual([
      'SEARCH events USING INDEX events_successes (integration=? AND at>? AND at<?)',
      'SEARCH purchases USING INDEX sqlite_autoindex_purchases_1 (id=?)',
    ]);
  }
  expect(await planOf(() => journal.blotAnswers({ settledBefore: NOON, now: NOON, limit: 10 }))).toEqual([
    'SEARCH attempts USING INDEX attempts_with_answer (finished_at<?)',
    'SEARCH purchases USING INDEX sqlite_autoindex_purchases_1 (id=?)',
    'SEARCH events USING INDEX sqlite_autoindex_events_1 (integration=? AND position=?)',
  ]);
});

function indexFor(filter: PurchaseFilter): string {
  if (filter.subscriberIdentifier != null)
    return 'purchases_by_subscriber (integration=? AND subscriber_identifier=? AND id';
  if (filter.accountId != null || filter.accounts != null)
    return 'purchases_by_account (integration=? AND account_id=? AND status=? AND product_type=? AND id';
  if (filter.status != null || filter.productType != null) {
    return 'purchases_by_status (integration=? AND status=? AND product_type=? AND id';
  }
  return 'purchases_in_order (integration=? AND id';
}
