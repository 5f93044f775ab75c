import { sql, type Kysely, type Selectable } from 'kysely';
import { z } from 'zod';

import { storedText, text } from './models.ts';
import { answerOf, contentOf, problemOf, quoteOf, reasonOf, stateOf } from './rows.ts';
import type { Seal } from './seal.ts';
import type { Store, Transaction } from './store.ts';
import type { PurchaseTable, Tables } from './tables.ts';

export interface ResealReport {
  readonly purchases: number;
  readonly quotes: number;
  /** Under which nothing lies any more: they may be taken out of DATA_KEYS. */
  readonly retired: readonly string[];
}

/** So many purchases a transaction, with all that belongs to them: nobody waits long for the record. */
const AT_ONCE = 50;

/** What nobody but this may change: opened for the length of a transaction (see the migrations). */
async function allowing<T>({ db }: Transaction, work: () => Promise<T>): Promise<T> {
  await sql`insert into resealing (on_purpose) values (1)`.execute(db);
  const result = await work();
  await sql`delete from resealing`.execute(db);
  return result;
}

/**
 * Seals everything anew that does not lie under the current key, a batch at a time, beside gateways that run. They must
 * have been started with that key as the current one, or they go on writing under the one before. What it means is
 * compared before it is written. Throws when there is no key.
 */
export async function reseal(
  store: Store,
  seal: Seal,
  tell: (done: { purchases: number; quotes: number }) => void = () => undefined,
): Promise<ResealReport> {
  if (seal.current === null) throw new Error('There is no key to seal with: name one in DATA_KEYS.');
  const done = { purchases: 0, quotes: 0 };
  for (const [kind, resealSome] of [
    ['purchases', resealPurchases],
    ['quotes', resealQuotes],
  ] as const) {
    for (let after = ''; ;) {
      const last = await store.write((transaction) => resealSome(transaction, seal, after));
      if (last.id === undefined) break;
      done[kind] += last.resealed;
      after = last.id;
      tell(done);
    }
  }
  return { ...done, retired: await retire(store, seal) };
}

/** The same text, closed with the current key; null where it lies so already. */
function again(seal: Seal, place: string, stored: string): string | null {
  if (stored === '' || seal.isCurrent(stored)) return null;
  const text = seal.open(place, stored);
  const closed = seal.close(place, text);
  if (seal.open(place, closed) !== text) throw new Error(`what belongs to ${place} would not open again`);
  return closed;
}

async function resealPurchases(transaction: Transaction, seal: Seal, after: string) {
  const { db, locksRows } = transaction;
  const rows = await db
    .selectFrom('purchases')
    .selectAll()
    .where('id', '>', after)
    .orderBy('id')
    .limit(AT_ONCE)
    .$if(locksRows, (query) => query.forUpdate())
    .execute();
  let resealed = 0;
  await allowing(transaction, async () => {
    for (const row of rows) {
      const changes = await Promise.all([
        resealPurchase(db, seal, row),
        resealAttempts(db, seal, row.id),
        resealEvents(db, seal, row.id),
        resealReasons(db, seal, row.id),
      ]);
      if (changes.some((changed) => changed)) resealed += 1;
    }
  });
  return { id: rows.at(-1)?.id, resealed };
}

/** A search must find it: the mark is made of what the order says. */
const searched = z.object({ subscriberIdentifier: z.string() });

async function resealPurchase(
  db: Kysely<Tables>,
  seal: Seal,
  row: Selectable<PurchaseTable>,
): Promise<boolean> {
  const content = again(seal, contentOf(row.id), row.content);
  const state = again(seal, stateOf(row.id), row.state);
  if (content === null && state === null && seal.isCurrent(row.subscriber_identifier)) return false;
  const { subscriberIdentifier } = searched.parse(JSON.parse(seal.open(contentOf(row.id), row.content)));
  await db
    .updateTable('purchases')
    .set({
      content: content ?? row.content,
      state: state ?? row.state,
      subscriber_identifier: seal.mark(row.integration, storedText(subscriberIdentifier)),
    })
    .where('id', '=', row.id)
    .execute();
  return true;
}

async function resealAttempts(db: Kysely<Tables>, seal: Seal, id: string): Promise<boolean> {
  let changed = false;
  const attempts = await db.selectFrom('attempts').selectAll().where('purchase_id', '=', id).execute();
  for (const attempt of attempts) {
    const problem = attempt.problem === null ? null : again(seal, problemOf(attempt), attempt.problem);
    const body = attempt.answer_body === null ? null : again(seal, answerOf(attempt), attempt.answer_body);
    if (problem === null && body === null) continue;
    changed = true;
    if (problem !== null) {
      await db
        .updateTable('attempts')
        .set({ problem })
        .where('purchase_id', '=', id)
        .where('number', '=', attempt.number)
        .execute();
    }
    if (body !== null) {
      await db
        .updateTable('attempts')
        .set({ answer_body: body })
        .where('purchase_id', '=', id)
        .where('number', '=', attempt.number)
        // Who blots an answer out does not wait for its purchase: what is gone meanwhile stays gone.
        .where('answer_body', '=', attempt.answer_body)
        .execute();
    }
  }
  return changed;
}

async function resealEvents(db: Kysely<Tables>, seal: Seal, id: string): Promise<boolean> {
  let changed = false;
  const events = await db.selectFrom('events').selectAll().where('purchase_id', '=', id).execute();
  for (const event of events) {
    const state = again(seal, stateOf(id), event.state);
    const reason = event.reason === null ? null : again(seal, reasonOf(id), event.reason);
    if (state === null && reason === null) continue;
    changed = true;
    await db
      .updateTable('events')
      .set({ state: state ?? event.state, reason: reason ?? event.reason })
      .where('integration', '=', event.integration)
      .where('position', '=', event.position)
      .execute();
  }
  return changed;
}

async function resealReasons(db: Kysely<Tables>, seal: Seal, id: string): Promise<boolean> {
  let changed = false;
  const entries = await db.selectFrom('audit').selectAll().where('purchase_id', '=', id).execute();
  for (const entry of entries) {
    const reason = entry.reason === null ? null : again(seal, reasonOf(id), entry.reason);
    if (reason === null) continue;
    changed = true;
    await db.updateTable('audit').set({ reason }).where('id', '=', entry.id).execute();
  }
  return changed;
}

async function resealQuotes({ db, locksRows }: Transaction, seal: Seal, after: string) {
  const rows = await db
    .selectFrom('quotes')
    .selectAll()
    .where('id', '>', after)
    .orderBy('id')
    .limit(AT_ONCE)
    .$if(locksRows, (query) => query.forUpdate())
    .execute();
  let resealed = 0;
  for (const { id, content } of rows) {
    const closed = again(seal, quoteOf(z.decode(text, id)), content);
    if (closed === null) continue;
    resealed += 1;
    await db.updateTable('quotes').set({ content: closed }).where('id', '=', id).execute();
  }
  return { id: rows.at(-1)?.id, resealed };
}

/** Strikes off the keys under which nothing lies any more: read to the end, for a gateway may have written meanwhile. */
async function retire(store: Store, seal: Seal): Promise<string[]> {
  const { db } = store;
  const known = await db.selectFrom('data_keys').select('id').orderBy('id').execute();
  const retired: string[] = [];
  for (const { id } of known) {
    if (id === seal.current) continue;
    const { rows } = await sql`
      select 1 as one from purchases where content like ${`sealed:1:${id}:%`} or state like ${`sealed:1:${id}:%`}
        or subscriber_identifier like ${`marked:1:${id}:%`}
      union all select 1 from events where state like ${`sealed:1:${id}:%`} or reason like ${`sealed:1:${id}:%`}
      union all select 1 from attempts where answer_body like ${`sealed:1:${id}:%`} or problem like ${`sealed:1:${id}:%`}
      union all select 1 from audit where reason like ${`sealed:1:${id}:%`}
      union all select 1 from quotes where content like ${`sealed:1:${id}:%`}
      limit 1`.execute(db);
    if (rows.length > 0) continue;
    await store.write((transaction) => transaction.db.deleteFrom('data_keys').where('id', '=', id).execute());
    retired.push(id);
  }
  return retired;
}
