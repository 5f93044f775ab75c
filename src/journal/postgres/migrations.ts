import { sql, type Kysely, type Migration } from 'kysely';

/**
 * PostgreSQL's migrations, oldest first by name; each has SQLite's of the same name beside it, with the same columns.
 * One that has been released is never edited: add another.
 *
 * Text is compared byte by byte (collate "C"), as SQLite and JavaScript do: pages and cursors depend on that order, and
 * an index keeps its order when the operating system's libraries change theirs.
 */
export const postgresMigrations: Readonly<Record<string, Migration>> = {
  '0001-the-record': inOrder(
    `create table quotes (
      id text collate "C" primary key,
      content text not null,
      created_at bigint not null,
      expires_at bigint not null
    )`,
    `create index quotes_by_expiry on quotes (expires_at)`,

    `create table purchases (
      id text collate "C" primary key,
      idempotency_key text collate "C" not null unique,
      reference text collate "C" not null unique,
      quote_id text,
      content text not null,
      surface text not null,
      product_type text collate "C" not null,
      account_id bigint not null,
      subscriber_identifier text collate "C" not null,
      amount text not null,
      currency text not null,
      created_at bigint not null,
      status text collate "C" not null
        check (status in ('PENDING', 'SUCCEEDED', 'FAILED', 'UNRESOLVED', 'NEEDS_ATTENTION')),
      state text not null,
      checks bigint not null,
      next_check_at bigint,
      denied_in_a_row bigint not null,
      unresolved_since bigint,
      last_event bigint not null,
      owner text collate "C" not null,
      is_open integer not null check (is_open in (0, 1))
    )`,
    // Pages walk these in order of id; a filter on status, product or both uses the same one (see queries.ts).
    `create index purchases_by_status on purchases (status, product_type, id)`,
    `create index purchases_by_account on purchases (account_id, status, product_type, id)`,
    `create index purchases_by_subscriber on purchases (subscriber_identifier, id)`,
    `create index purchases_due on purchases (owner, next_check_at, id) where next_check_at is not null`,
    `create index purchases_open on purchases (owner, id) where is_open = 1`,

    `create table attempts (
      purchase_id text collate "C" not null references purchases (id),
      number bigint not null check (number >= 1),
      kind text not null check (kind in ('CONFIRM', 'RETRY')),
      outcome text collate "C" not null
        check (outcome in ('IN_FLIGHT', 'SUCCEEDED', 'REFUSED', 'UNKNOWN', 'NOT_SENT')),
      started_at bigint not null,
      finished_at bigint,
      request_id text not null,
      problem text,
      answer_status bigint,
      answer_body text,
      answer_complete integer check (answer_complete in (0, 1)),
      answer_retry_after double precision,
      primary key (purchase_id, number),
      check ((outcome = 'IN_FLIGHT') = (finished_at is null)),
      check ((answer_status is null) = (answer_body is null))
    )`,
    `create unique index attempts_one_in_flight on attempts (purchase_id) where outcome = 'IN_FLIGHT'`,

    `create table events (
      position bigint primary key,
      purchase_id text collate "C" not null references purchases (id),
      at bigint not null,
      status text collate "C" not null
        check (status in ('PENDING', 'SUCCEEDED', 'FAILED', 'UNRESOLVED', 'NEEDS_ATTENTION')),
      state text not null
    )`,
    `create index events_by_purchase on events (purchase_id, position)`,
    // The one row that hands out positions (see store.ts). Room on its page, so that it is updated in place.
    `create table event_counter (
      id integer primary key check (id = 1),
      position bigint not null
    ) with (fillfactor = 10)`,
    `insert into event_counter (id, position) values (1, 0)`,

    `create table instances (id text collate "C" primary key, beat bigint not null)`,

    `create table pulse (id integer primary key check (id = 1), beats bigint not null)`,
    `insert into pulse (id, beats) values (1, 0)`,

    // R6 and R7, whatever the program does.
    `create function refuse_change() returns trigger language plpgsql as $$
      begin raise exception '%', tg_argv[0] using errcode = 'restrict_violation'; end $$`,
    `create trigger purchases_succeeded_is_final before update on purchases for each row
      when (old.status = 'SUCCEEDED') execute function refuse_change('a purchase that SUCCEEDED never changes')`,
    `create trigger events_never_change before update on events for each row
      execute function refuse_change('an event never changes')`,
    ...(['purchases', 'attempts', 'events'] as const).map(
      (table) => `create trigger ${table}_are_kept before delete or truncate on ${table}
        execute function refuse_change('a record of ${table} is never deleted')`,
    ),
  ),
  '0002-the-person-who-must-look': inOrder(
    `alter table events add column author text`,
    `alter table events add column reason text check ((author is null) = (reason is null))`,
    // A day's statement walks this one.
    `create index events_successes on events (at, position) where status = 'SUCCEEDED'`,
    `alter table attempts add column answer_blotted_at bigint`,
    // As small as what is still to be blotted out.
    `create index attempts_with_answer on attempts (finished_at)
      where answer_status is not null and answer_blotted_at is null and finished_at is not null`,
  ),
  '0003-callers': inOrder(
    // Never the key itself: only what its secret is recognised by.
    `create table api_keys (
      id text collate "C" primary key,
      name text not null,
      secret_sha256 text not null check (length(secret_sha256) = 64),
      scopes text not null,
      integration text,
      accounts text,
      per_purchase text,
      per_day text,
      created_at bigint not null,
      expires_at bigint,
      revoked_at bigint
    )`,
  ),
  '0004-integrations': inOrder(
    `alter table quotes add column integration text collate "C" not null default 'default'`,
    `alter table quotes alter column integration drop default`,

    `alter table purchases
      add column integration text collate "C" not null default 'default',
      add column spender text collate "C",
      add column spent_on text collate "C",
      add check ((spender is null) = (spent_on is null)),
      drop constraint purchases_idempotency_key_key,
      add constraint purchases_one_per_key unique (integration, idempotency_key)`,
    `alter table purchases alter column integration drop default`,
    `drop index purchases_by_status, purchases_by_account, purchases_by_subscriber, purchases_due, purchases_open`,
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
    `create trigger purchases_stay_with_their_integration before update of integration on purchases for each row
      execute function refuse_change('a purchase never changes its integration')`,

    `alter table events
      add column integration text collate "C" not null default 'default',
      drop constraint events_pkey,
      add primary key (integration, position)`,
    `alter table events alter column integration drop default`,
    `drop index events_successes`,
    `create index events_successes on events (integration, at, position) where status = 'SUCCEEDED'`,

    // One row for each integration, which hands out its positions (see store.ts). Room on their page, as before.
    `create table event_counters (
      integration text collate "C" primary key,
      position bigint not null
    ) with (fillfactor = 10)`,
    `insert into event_counters select 'default', position from event_counter where position > 0`,
    `drop table event_counter`,

    `create table audit (
      id bigint generated by default as identity primary key,
      integration text collate "C" not null,
      at bigint not null,
      action text not null check (action in ('CONFIRMED', 'RETRIED', 'SETTLED', 'ASKED_AGAIN', 'REVEALED')),
      actor text not null check (actor in ('CALLER', 'OPERATOR')),
      name text not null,
      purchase_id text collate "C" not null references purchases (id),
      reason text
    )`,
    `create index audit_in_order on audit (integration, id)`,
    `create index audit_by_purchase on audit (purchase_id, id)`,
    `create trigger audit_never_changes before update or delete or truncate on audit
      execute function refuse_change('the audit trail never changes')`,
  ),
  // What is sealed may be sealed anew, and nothing else of it changes: only by a transaction that says so, which no other sees.
  '0005-sealing': inOrder(
    `create table data_keys (id text collate "C" primary key, proof text not null)`,
    `create table resealing (on_purpose integer not null)`,
    // Its arguments: what it says when it refuses, and the columns that are sealed.
    `create function refuse_change_but_sealing() returns trigger language plpgsql as $$
      declare before jsonb := to_jsonb(old); after jsonb := to_jsonb(new); sealed text;
      begin
        if exists (select from resealing) then
          foreach sealed in array tg_argv[1:] loop
            if after ->> sealed is not null and after ->> sealed !~ '^(sealed|marked):' then before := null; end if;
            before := before - sealed;
            after := after - sealed;
          end loop;
          if before = after then return new; end if;
        end if;
        raise exception '%', tg_argv[0] using errcode = 'restrict_violation';
      end $$`,
    `drop trigger purchases_succeeded_is_final on purchases`,
    `create trigger purchases_succeeded_is_final before update on purchases for each row when (old.status = 'SUCCEEDED')
      execute function refuse_change_but_sealing('a purchase that SUCCEEDED never changes',
        'content', 'state', 'subscriber_identifier')`,
    `drop trigger events_never_change on events`,
    `create trigger events_never_change before update on events for each row
      execute function refuse_change_but_sealing('an event never changes', 'state', 'reason')`,
    `drop trigger audit_never_changes on audit`,
    `create trigger audit_never_changes before update on audit for each row
      execute function refuse_change_but_sealing('the audit trail never changes', 'reason')`,
    `create trigger audit_is_kept before delete or truncate on audit
      execute function refuse_change('the audit trail never changes')`,
  ),
  // What a caller is shown of a purchase stands once for each day (UTC), however many instances write it.
  '0006-reveals': inOrder(
    `create unique index audit_reveals on audit (purchase_id, name collate "C", (at / 86400000))
      where action = 'REVEALED' and actor = 'CALLER'`,
  ),
};

/** In one round trip. */
function inOrder(...statements: string[]): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await sql.raw(statements.join(';\n')).execute(db);
    },
  };
}
