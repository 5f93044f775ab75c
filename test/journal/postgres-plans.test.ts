import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { noPostgres } from '../support/postgres.ts';
import { callEverything } from './every-call.ts';
import { freshSchema, opened } from './postgres-fixtures.ts';

const plan = z.object({ 'QUERY PLAN': z.string() });

/** Enough for the planner to prefer an index, on so many accounts and meters. */
const PURCHASES = 20_000;
const seed = `
  insert into purchases (id, idempotency_key, reference, quote_id, content, surface, product_type, account_id,
      subscriber_identifier, amount, currency, created_at, status, state, checks, next_check_at, denied_in_a_row,
      unresolved_since, last_event, owner, is_open, integration, spender, spent_on)
    select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0')), 'key-' || n, 'GW-' || n, null, '{}', 'V1',
      (array['ELECTRICITY', 'AIRTIME', 'WATER'])[1 + n % 3], n % 50, 'meter-' || n % 2000, '1.00', 'BWP', n,
      case when n % 1000 = 0 then 'UNRESOLVED' else 'SUCCEEDED' end, '{}', 0,
      case when n % 1000 = 0 then n end, 0, null, n, 'owner-' || n % 4, (n % 1000 = 0)::int,
      'integration-' || n % 3, 'caller-' || n % 7, '2026-03-' || 10 + n % 20
    from generate_series(1, ${PURCHASES}) n;
  insert into attempts (purchase_id, number, kind, outcome, started_at, finished_at, request_id)
    select id, 1, 'CONFIRM', case when is_open = 1 then 'IN_FLIGHT' else 'SUCCEEDED' end, 0,
      case when is_open = 0 then 0 end, '' from purchases where owner like 'owner-%';
  insert into events (integration, position, purchase_id, at, status, state)
    select integration, 1000 + row_number() over (), id, 0, status, '{}' from purchases
    where owner like 'owner-%';
  insert into quotes select n::text, '{}', n, n, 'integration-' || n % 3 from generate_series(1, ${PURCHASES}) n;
  insert into audit (integration, at, action, actor, name, purchase_id)
    select integration, 0, 'CONFIRMED', 'CALLER', spender, id from purchases where owner like 'owner-%';
  analyze purchases, attempts, events, quotes, audit`;

describe.skipIf(noPostgres !== undefined)('PostgreSQL: plans', () => {
  test(
    'no statement of the journal scans or sorts a table, however it is called',
    { timeout: 120_000 },
    async () => {
      const schema = await freshSchema();
      const statements = new Set<string>();
      const journal = await opened(schema.url, { onStatement: (statement) => statements.add(statement) });
      statements.clear();
      await callEverything(journal);
      await schema.query(seed);

      const walked: string[] = [];
      let plans = 0;
      for (const statement of statements) {
        if (!/^\s*(select|insert|update|delete|with|\()/.test(statement)) continue;
        const lines = await planOf((text) => schema.query(text), statement);
        plans += 1;
        const found = lines.filter(
          (line, at) => walks(line) || (line.includes('Sort  (') && !sortsPages(lines, at)),
        );
        if (found.length > 0) walked.push(`${statement}\n${lines.join('\n')}`);
      }
      expect(plans).toBeGreaterThan(100);
      expect(walked).toEqual([]);
    },
  );
});

const walks = (line: string) =>
  line.includes('Seq Scan') && !SMALL.some((table) => line.includes(`Seq Scan on ${table} `));

/** Whether what is sorted is a page from each of a few walks, and no more. */
function sortsPages(lines: readonly string[], at: number): boolean {
  const scans = lines.filter((line) => /Index (Only )?Scan.* on purchases/.test(line)).length;
  const limits = lines.filter((line) => line.includes('->  Limit')).length;
  return lines[at + 2]?.includes('Append') === true && limits === scans;
}

/** One row each, or one for each process. */
const SMALL = ['instances', 'pulse', 'event_counters'];

/**
 * As it is planned for any parameters at all. A handful of rows is sorted rather than read in order, which is well; but
 * there must be an index that gives the order, for when they are many.
 */
async function planOf(
  query: (sql: string) => Promise<Record<string, any>[]>,
  statement: string,
): Promise<readonly string[]> {
  const parameters = new Set(statement.match(/\$\d+/g) ?? []).size;
  const nulls = parameters === 0 ? '' : `(${Array.from({ length: parameters }, () => 'null').join(', ')})`;
  const rows = await query(
    `set plan_cache_mode = force_generic_plan; set enable_sort = off; set enable_bitmapscan = off; prepare one as ${statement}; explain execute one ${nulls}`,
  );
  return z
    .array(plan)
    .parse(rows)
    .map((row) => row['QUERY PLAN']);
}
