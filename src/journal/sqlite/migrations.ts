import { sql, type Kysely, type Migration } from 'kysely';

/** The columns, as they are by then. */
const columns = {
  purchases: [
    ...[
      'id',
      'integration',
      'idempotency_key',
      'reference',
      'quote_id',
      'content',
      'surface',
      'product_type',
    ],
    ...[
      'account_id',
      'subscriber_identifier',
      'amount',
      'currency',
      'created_at',
      'status',
      'state',
      'checks',
    ],
    ...[
      'next_check_at',
      'denied_in_a_row',
      'unresolved_since',
      'last_event',
      'owner',
      'is_open',
      'spender',
      'spent_on',
    ],
  ],
  events: ['integration', 'position', 'purchase_id', 'at', 'status', 'state', 'author', 'reason'],
  audit: ['id', 'integration', 'at', 'action', 'actor', 'name', 'purchase_id', 'reason'],
};

/** SQLite's migrations, oldest first by name. One that has been released is never edited: add another. */
export const sqliteMigrations: Readonly<Record<string, Migration>> = {
  '0001-the-record': inOrder(
    `create table quotes (
      id text primary key not null,
      content text not null,
      created_at integer not null,
      expires_at integer not null
    ) strict`,
    `create index quotes_by_expiry on quotes (expires_at)`,

    `create table purchases (
      id text primary key not null,
      idempotency_key text not null unique,
      reference text not null unique,
      quote_id text,
      content text not null,
      surface text not null,
      product_type text not null,
      account_id integer not null,
      subscriber_identifier text not null,
      amount text not null,
      currency text not null,
      created_at integer not null,
      status text not null
        check (status in ('PENDING', 'SUCCEEDED', 'FAILED', 'UNRESOLVED', 'NEEDS_ATTENTION')),
      state text not null,
      checks integer not null,
      next_check_at integer,
      denied_in_a_row integer not null,
      unresolved_since integer,
      last_event integer not null,
      owner text not null,
      is_open integer not null check (is_open in (0, 1))
    ) strict`,
    // Pages walk these in order of id; a filter on status, product or both uses the same one (see queries.ts).
    `create index purchases_by_status on purchases (status, product_type, id)`,
    `create index purchases_by_account on purchases (account_id, status, product_type, id)`,
    `create index purchases_by_subscriber on purchases (subscriber_identifier, id)`,
    `create index purchases_due on purchases (owner, next_check_at, id) where next_check_at is not null`,
    `create index purchases_open on purchases (owner, id) where is_open = 1`,
    // R6, whatever the program does.
    `create trigger purchases_succeeded_is_final before update on purchases when old.status = 'SUCCEEDED'
      begin select raise(abort, 'a purchase that SUCCEEDED never changes'); end`,
    `create trigger purchases_are_kept before delete on purchases
      begin select raise(abort, 'a purchase is never deleted'); end`,

    `create table attempts (
      purchase_id text not null references purchases (id),
      number integer not null check (number >= 1),
      kind text not null check (kind in ('CONFIRM', 'RETRY')),
      outcome text not null check (outcome in ('IN_FLIGHT', 'SUCCEEDED', 'REFUSED', 'UNKNOWN', 'NOT_SENT')),
      started_at integer not null,
      finished_at integer,
      request_id text not null,
      problem text,
      answer_status integer,
      answer_body text,
      answer_complete integer check (answer_complete in (0, 1)),
      answer_retry_after real,
      primary key (purchase_id, number),
      check ((outcome = 'IN_FLIGHT') = (finished_at is null)),
      check ((answer_status is null) = (answer_body is null))
    ) strict`,
    `create unique index attempts_one_in_flight on attempts (purchase_id) where outcome = 'IN_FLIGHT'`,

    `create table events (
      position integer primary key autoincrement,
      purchase_id text not null references purchases (id),
      at integer not null,
      status text not null
        check (status in ('PENDING', 'SUCCEEDED', 'FAILED', 'UNRESOLVED', 'NEEDS_ATTENTION')),
      state text not null
    ) strict`,
    `create index events_by_purchase on events (purchase_id, position)`,
    `create trigger events_never_change before update on events
      begin select raise(abort, 'an event never changes'); end`,

    `create table instances (id text primary key not null, beat integer not null) strict`,

    `create table pulse (id integer primary key check (id = 1), beats integer not null) strict`,
    `insert into pulse (id, beats) values (1, 0)`,
  ),
  '0002-the-person-who-must-look': inOrder(
    `alter table events add column author text`,
    `alter table events add column reason text check ((author is null) = (reason is null))`,
    // A day's statement walks this one.
    `create index events_successes on events (at, position) where status = 'SUCCEEDED'`,
    `alter table attempts add column answer_blotted_at integer`,
    // As small as what is still to be blotted out.
    `create index attempts_with_answer on attempts (finished_at)
      where answer_status is not null and answer_blotted_at is null and finished_at is not null`,
  ),
  '0003-callers': inOrder(
    // Never the key itself: only what its secret is recognised by.
    `create table api_keys (
      id text primary key not null,
      name text not null,
      secret_sha256 text not null check (length(secret_sha256) = 64),
      scopes text not null,
      integration text,
      accounts text,
      per_purchase text,
      per_day text,
      created_at integer not null,
      expires_at integer,
      revoked_at integer
    ) strict`,
  ),
  // SQLite cannot take a constraint away: the three tables are made anew, and what points to one another moves together.
  '0004-integrations': inOrder(
    `alter table quotes add column integration text not null default 'default'`,

    `create table new_purchases (
      id text primary key not null,
      integration text not null,
      idempotency_key text not null,
      reference text not null unique,
      quote_id text,
      content text not null,
      surface text not null,
      product_type text not null,
      account_id integer not null,
      subscriber_identifier text not null,
      amount text not null,
      currency text not null,
      created_at integer not null,
      status text not null
        check (status in ('PENDING', 'SUCCEEDED', 'FAILED', 'UNRESOLVED', 'NEEDS_ATTENTION')),
      state text not null,
      checks integer not null,
      next_check_at integer,
      denied_in_a_row integer not null,
      unresolved_since integer,
      last_event integer not null,
      owner text not null,
      is_open integer not null check (is_open in (0, 1)),
      spender text,
      spent_on text,
      unique (integration, idempotency_key),
      check ((spender is null) = (spent_on is null))
    ) strict`,
    `insert into new_purchases select id, 'default', idempotency_key, reference, quote_id, content, surface, product_type,
      account_id, subscriber_identifier, amount, currency, created_at, status, state, checks, next_check_at,
      denied_in_a_row, unresolved_since, last_event, owner, is_open, null, null from purchases`,

    `create table new_attempts (
      purchase_id text not null references new_purchases (id),
      number integer not null check (number >= 1),
      kind text not null check (kind in ('CONFIRM', 'RETRY')),
      outcome text not null check (outcome in ('IN_FLIGHT', 'SUCCEEDED', 'REFUSED', 'UNKNOWN', 'NOT_SENT')),
      started_at integer not null,
      finished_at integer,
      request_id text not null,
      problem text,
      answer_status integer,
      answer_body text,
      answer_complete integer check (answer_complete in (0, 1)),
      answer_retry_after real,
      answer_blotted_at integer,
      primary key (purchase_id, number),
      check ((outcome = 'IN_FLIGHT') = (finished_at is null)),
      check ((answer_status is null) = (answer_body is null))
    ) strict`,
    `insert into new_attempts select purchase_id, number, kind, outcome, started_at, finished_at, request_id, problem,
      answer_status, answer_body, answer_complete, answer_retry_after, answer_blotted_at from attempts`,

    `create table new_events (
      integration text not null,
      position integer not null,
      purchase_id text not null references new_purchases (id),
      at integer not null,
      status text not null
        check (status in ('PENDING', 'SUCCEEDED', 'FAILED', 'UNRESOLVED', 'NEEDS_ATTENTION')),
      state text not null,
      author text,
      reason text,
      primary key (integration, position),
      check ((author is null) = (reason is null))
    ) strict`,
    `insert into new_events select 'default', position, purchase_id, at, status, state, author, reason from events`,

    `create table event_counters (integration text primary key not null, position integer not null) strict`,
    // The last that was ever given, also where its event is gone.
    `insert into event_counters select 'default', seq from sqlite_sequence where name = 'events' and seq > 0`,

    `drop table events`,
    `drop table attempts`,
    `drop table purchases`,
    `alter table new_purchases rename to purchases`,
    `alter table new_attempts rename to attempts`,
    `alter table new_events rename to events`,

    // Pages walk these in order of id; a filter on status, product or both uses the same one (see queries.ts).
    `create index purchases_in_order on purchases (integration, id)`,
    `create index purchases_by_status on purchases (integration, status, product_type, id)`,
    `create index purchases_by_account on purchases (integration, account_id, status, product_type, id)`,
    `create index purchases_by_subscriber on purchases (integration, subscriber_identifier, id)`,
    `create index purchases_due on purchases (integration, owner, next_check_at, id) where next_check_at is not null`,
    `create index purchases_open on purchases (integration, owner, id) where is_open = 1`,
    // What was spent on a day, by amounts; what FAILED does not count.
    `create index purchases_spent on purchases (integration, spent_on, currency, spender, amount)
      where status <> 'FAILED' and spent_on is not null`,
    `create trigger purchases_succeeded_is_final before update on purchases when old.status = 'SUCCEEDED'
      begin select raise(abort, 'a purchase that SUCCEEDED never changes'); end`,
    `create trigger purchases_are_kept before delete on purchases
      begin select raise(abort, 'a purchase is never deleted'); end`,
    `create trigger purchases_stay_with_their_integration before update of integration on purchases
      begin select raise(abort, 'a purchase never changes its integration'); end`,

    `create unique index attempts_one_in_flight on attempts (purchase_id) where outcome = 'IN_FLIGHT'`,
    `create index attempts_with_answer on attempts (finished_at)
      where answer_status is not null and answer_blotted_at is null and finished_at is not null`,

    `create index events_by_purchase on events (purchase_id, position)`,
    `create index events_successes on events (integration, at, position) where status = 'SUCCEEDED'`,
    `create trigger events_never_change before update on events
      begin select raise(abort, 'an event never changes'); end`,

    `create table audit (
      id integer primary key autoincrement,
      integration text not null,
      at integer not null,
      action text not null check (action in ('CONFIRMED', 'RETRIED', 'SETTLED', 'ASKED_AGAIN', 'REVEALED')),
      actor text not null check (actor in ('CALLER', 'OPERATOR')),
      name text not null,
      purchase_id text not null references purchases (id),
      reason text
    ) strict`,
    `create index audit_in_order on audit (integration, id)`,
    `create index audit_by_purchase on audit (purchase_id, id)`,
    ...(['update', 'delete'] as const).map(
      (change) => `create trigger audit_refuses_${change} before ${change} on audit
        begin select raise(abort, 'the audit trail never changes'); end`,
    ),
  ),
  // What is sealed may be sealed anew, and nothing else of it changes: only by a transaction that says so, which no other sees.
  '0005-sealing': inOrder(
    `create table data_keys (id text primary key not null, proof text not null) strict`,
    `create table resealing (on_purpose integer not null) strict`,
    `drop trigger purchases_succeeded_is_final`,
    `create trigger purchases_succeeded_is_final before update on purchases when old.status = 'SUCCEEDED' and not (
        exists (select 1 from resealing) and new.content like 'sealed:%' and new.state like 'sealed:%'
        and new.subscriber_identifier like 'marked:%'
        and ${unchanged('purchases', ['content', 'state', 'subscriber_identifier'])})
      begin select raise(abort, 'a purchase that SUCCEEDED never changes'); end`,
    `drop trigger events_never_change`,
    `create trigger events_never_change before update on events when not (
        exists (select 1 from resealing) and new.state like 'sealed:%'
        and (new.reason is null or new.reason like 'sealed:%') and ${unchanged('events', ['state', 'reason'])})
      begin select raise(abort, 'an event never changes'); end`,
    `drop trigger audit_refuses_update`,
    `create trigger audit_refuses_update before update on audit when not (
        exists (select 1 from resealing) and new.reason like 'sealed:%' and ${unchanged('audit', ['reason'])})
      begin select raise(abort, 'the audit trail never changes'); end`,
  ),
  // What a caller is shown of a purchase stands once for each day (UTC), however many instances write it.
  '0006-reveals': inOrder(
    `create unique index audit_reveals on audit (purchase_id, name, at / 86400000)
      where action = 'REVEALED' and actor = 'CALLER'`,
  ),
};

function unchanged(table: keyof typeof columns, but: readonly string[]): string {
  const same = columns[table].filter((column) => !but.includes(column));
  return same.map((column) => `new.${column} is old.${column}`).join(' and ');
}

function inOrder(...statements: string[]): Migration {
  return {
    async up(db: Kysely<unknown>) {
      for (const statement of statements) await sql.raw(statement).execute(db);
    },
  };
}
