import type { Client } from 'pg';
import { z } from 'zod';

import { openPostgresJournal } from '../src/journal/postgres.ts';
import { systemRuntime } from '../src/system-runtime.ts';
import { bwp, finish, newAttempt, newPurchase, refusal, to } from '../test/journal/fixtures.ts';

/** A year of purchases ends here. */
export const END = Date.UTC(2026, 0, 1);
const YEAR_MS = 365 * 86_400_000;
export const ACCOUNTS = 40;
/** As many for each meter, however many purchases there are. */
const PER_METER = 20;
const AT_ONCE = 250_000;

const definitions = z.array(z.object({ name: z.string(), definition: z.string() }));

/**
 * Fills the record of an empty schema with `count` purchases of a year: one attempt with its raw answer, two events and an
 * entry of the audit trail each, 2 % of them FAILED, 20 UNRESOLVED and as many NEEDS_ATTENTION, on 40 accounts, 20 for each meter, three products
 * as 80:15:5. Rows are copies of real ones, so that they are as long; indices are made at the end.
 */
export async function fill(url: string, client: Client, count: number): Promise<void> {
  const journal = await openPostgresJournal({
    ...{ url, poolSize: 2, statementTimeoutMs: 60_000, runtime: systemRuntime() },
    log: { warn: () => undefined },
    instance: 'template',
  });
  const templates = [];
  for (const status of ['SUCCEEDED', 'FAILED', 'UNRESOLVED', 'NEEDS_ATTENTION'] as const) {
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    const first = { purchaseId: purchase.id, number: 1 };
    await journal.keepAnswer(first, { status: 200, body: ANSWER, complete: true, retryAfterSeconds: null });
    if (status === 'NEEDS_ATTENTION') await finish(journal, first, to('UNRESOLVED'));
    if (status === 'NEEDS_ATTENTION')
      await journal.decide(purchase.id, { author: 'a', reason: 'b' }, () => to(status));
    else await finish(journal, first, to(status, details[status]));
    templates.push(purchase.id);
  }
  await journal.close();

  const keep = async (text: string) => definitions.parse((await client.query(text)).rows);
  const uniques = await keep(`
    select conrelid::regclass || ' ' || quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where connamespace = current_schema()::regnamespace and contype in ('u', 'f')`);
  const indices = await keep(`
    select quote_ident(indexname) as name, indexdef as definition from pg_indexes
    where schemaname = current_schema() and not exists
      (select from pg_constraint where conname = indexname and connamespace = current_schema()::regnamespace)`);
  const split = (name: string) => [name.slice(0, name.indexOf(' ')), name.slice(name.indexOf(' ') + 1)];
  for (const { name } of uniques) {
    const [on, constraint] = split(name);
    await client.query(`alter table ${on} drop constraint ${constraint}`);
  }
  for (const { name } of indices) await client.query(`drop index ${name}`);

  // What is made up is not refused for being deleted: the templates go away at the end.
  await client.query(`set session_replication_role = replica; set synchronous_commit = off`);
  await client.query(
    `create temporary table template as
      select row_number() over (order by array_position($1::text[], p.id)) as kind, p.*, a.started_at, a.finished_at,
        a.request_id, a.answer_status, a.answer_body, a.answer_complete, a.outcome,
        (select state from events e where e.purchase_id = p.id order by position limit 1) as pending_state
      from purchases p join attempts a on a.purchase_id = p.id where p.id = any($1::text[])`,
    [templates],
  );
  for (const name of ['audit', 'events', 'attempts', 'purchases']) await client.query(`delete from ${name}`);
  for (let from = 1; from <= count; from += AT_ONCE) {
    await client.query(rows(from, Math.min(count, from + AT_ONCE - 1), count));
  }
  await client.query(`drop table template; update event_counters set position = ${2 * count}`);
  for (const { definition } of indices) await client.query(definition);
  for (const { name, definition } of uniques) {
    const [on, constraint] = split(name);
    await client.query(`alter table ${on} add constraint ${constraint} ${definition}`);
  }
  await client.query('set session_replication_role = origin; set synchronous_commit = on');
  for (const name of ['purchases', 'attempts', 'events', 'audit', 'quotes'])
    await client.query(`vacuum analyze ${name}`);
  await client.query('checkpoint');
}

/**
 * All that belongs to the purchases `from` to `until` of `count`, in one statement. `|| ''`: the templates' wide rows are
 * compressed, as those that a gateway writes are not.
 */
function rows(from: number, until: number, count: number): string {
  return `
    with one as (
      select n, ${END - YEAR_MS} + n * ${YEAR_MS}::bigint / ${count} as at,
        md5(n::text) as digest,
        case when n % ${Math.floor(count / 20)} = 7 then 3 when n % ${Math.floor(count / 20)} = 9 then 4 when n % 50 = 0 then 2 else 1 end as kind
      from generate_series(${from}::bigint, ${until}::bigint) n
    ), made as (
      select one.n, one.at as made_at, one.digest, template.*,
        substr(lpad(to_hex(one.at), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex(one.at), 12, '0'), 9, 4) || '-7' ||
          substr(lpad(to_hex(n), 15, '0'), 1, 3) || '-8' || substr(lpad(to_hex(n), 15, '0'), 4, 3) || '-' ||
          substr(lpad(to_hex(n), 15, '0'), 7, 9) || substr(digest, 1, 3) as made_id
      from one join template using (kind)
    ), made_purchases as (
      insert into purchases (integration, id, idempotency_key, reference, quote_id, content, surface, product_type, account_id,
        subscriber_identifier, amount, currency, created_at, status, state, checks, next_check_at, denied_in_a_row,
        unresolved_since, last_event, owner, is_open)
      select integration, made_id, digest, 'GW-' || made_id, null, content || '', surface,
        case when n % 20 < 16 then 'ELECTRICITY' when n % 20 < 19 then 'AIRTIME' else 'WATER' end,
        13209 + n * 7919 % ${ACCOUNTS}, ${meter('n', count)}, amount, currency, made_at, status, state || '', checks,
        case when status = 'UNRESOLVED' then made_at end, denied_in_a_row, unresolved_since, 2 * n, owner, is_open
      from made
    ), made_attempts as (
      insert into attempts (purchase_id, number, kind, outcome, started_at, finished_at, request_id, answer_status,
        answer_body, answer_complete)
      select made_id, 1, 'CONFIRM', outcome, made_at, made_at + 1000, request_id, answer_status, answer_body || '', answer_complete
      from made
    )
    , made_audit as (
      insert into audit (integration, at, action, actor, name, purchase_id)
      select integration, made_at, 'CONFIRMED', 'CALLER', 'shop-frontend', made_id from made
    )
    insert into events (integration, position, purchase_id, at, status, state)
      select integration, 2 * n - 1, made_id, made_at, 'PENDING', pending_state || '' from made
      union all
      select integration, 2 * n, made_id, made_at + 1000, status, state || '' from made`;
}

/** The meter of a purchase, which no two of the same hour share. */
export const meter = (n: string, count: number): string =>
  `lpad((${n} % ${Math.ceil(count / PER_METER)})::text, 11, '0')`;

export const details = {
  SUCCEEDED: {
    upstreamReference: 'SP-0001-2345-6789',
    subscriber: { identifier: '04040404040', name: 'TSHEPO MODISE', address: 'PLOT 12345, GABORONE' },
    charges: {
      entry: bwp('100.00'),
      net: bwp('97.50'),
      total: bwp('102.50'),
      charge: bwp('2.50'),
      commission: bwp('1.20'),
    },
    tokens: [{ kind: 'CREDIT', digits: '12345678901234567890' }],
    receiptNumber: 'R-0001234567',
  },
  FAILED: { problem: refusal },
  UNRESOLVED: {},
} as const;

/** As long as the upstream's. */
export const ANSWER = JSON.stringify({ status: 'SUCCESS', data: 'x'.repeat(1_100) });
