import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

import { Kysely } from 'kysely';
import { z } from 'zod';

import { OlderRecordError, requireMigrated } from '../migrate.ts';
import type { Tables } from '../tables.ts';
import { TransactionalSqliteDialect, type Database } from './database.ts';
import { openExisting } from './existing.ts';
import { codeOf } from './fault.ts';
import { sqliteMigrations } from './migrations.ts';

/** What a record holds, in numbers that two copies of it can be compared by. */
export interface RecordFacts {
  readonly purchases: number;
  readonly attempts: number;
  readonly events: number;
  readonly quotes: number;
  /** The highest position of an event of any integration; 0 when there is none. */
  readonly lastPosition: number;
  readonly lastEventAt: Date | null;
}

const BUSY_TIMEOUT_MS = 5_000;
/** Where the header of a SQLite file tells that its latest changes lie in another file, the WAL. */
const WRITE_VERSION_AT = 18;
const WAL_VERSION = 2;

const numbers = z.object({
  purchases: z.int(),
  attempts: z.int(),
  events: z.int(),
  quotes: z.int(),
  last_position: z.int(),
  last_event_at: z.int().nullable(),
  forgotten: z.int(),
  misled: z.int(),
});

/**
 * Reads a copy of a record as a whole: undamaged, complete in itself, of this version (or, where `older` are welcome, of
 * an earlier one), and true to itself. Changes nothing. Throws an `Error` that says what is wrong with it.
 */
export async function verifyCopy(path: string, { older }: { older: boolean }): Promise<RecordFacts> {
  let database: Database | undefined;
  try {
    await requireComplete(path);
    database = await openExisting(path, { busyTimeoutMs: BUSY_TIMEOUT_MS });
    await requireVersion(database, older);
    requireEmpty(database, 'pragma foreign_key_check', 'rows of it point to rows that are not there');
    const [check] = database.prepare('pragma integrity_check').all([]);
    if (!z.object({ integrity_check: z.literal('ok') }).safeParse(check).success) throw damaged();
    const { facts, sound } = read(database);
    if (!sound) throw new Error('its purchases and its events do not belong together. Take another copy.');
    return facts;
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code.startsWith('SQLITE_NOTADB'))
      throw new Error('it is no record of this gateway, or not any more. Name a file that `backup` made.', {
        cause: error,
      });
    throw code.startsWith('SQLITE_CORRUPT') ? damaged(error) : error;
  } finally {
    database?.close();
  }
}

/** What a record holds now, without looking whether it is sound. Throws when it is not exactly of this version. */
export async function factsOf(database: Database): Promise<RecordFacts> {
  await requireVersion(database, false);
  return read(database).facts;
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(z.instanceof(Buffer).parse(chunk));
  return hash.digest('hex');
}

/** Of the integrations' last events the latest. */
const LAST = '(select max(at) from events join event_counters using (integration, position))';
/** How many counters do not know the last position that they gave. */
const FORGOTTEN = `(select count(*)
  from (select integration, max(position) as last from events group by integration) as given
  left join event_counters as counter using (integration)
  where counter.position is null or counter.position < given.last)`;
/** The same, of a record of before there were integrations: SQLite itself counted. */
const LAST_OF_OLD = '(select at from events order by position desc limit 1)';
const FORGOTTEN_OF_OLD = `(select coalesce(max(position), 0) >
  (select coalesce(max(seq), 0) from sqlite_sequence where name = 'events') from events)`;

function read(database: Database): { facts: RecordFacts; sound: boolean } {
  const counters = `select 1 from sqlite_master where name = 'event_counters'`;
  const counted = database.prepare(counters).all([]).length > 0;
  const [row] = database
    .prepare(
      `select
        (select count(*) from purchases) as purchases,
        (select count(*) from attempts) as attempts,
        (select count(*) from events) as events,
        (select count(*) from quotes) as quotes,
        (select coalesce(max(position), 0) from events) as last_position,
        ${counted ? LAST : LAST_OF_OLD} as last_event_at,
        ${counted ? FORGOTTEN : FORGOTTEN_OF_OLD} as forgotten,
        (select count(*) from purchases where last_event is not
          (select max(position) from events where purchase_id = purchases.id)) as misled`,
    )
    .all([]);
  const { last_position, last_event_at, forgotten, misled, ...counts } = numbers.parse(row);
  const lastEventAt = last_event_at === null ? null : new Date(last_event_at);
  // A position that was given once is never given again (R7).
  const sound = misled === 0 && forgotten === 0;
  return { facts: { ...counts, lastPosition: last_position, lastEventAt }, sound };
}

async function requireVersion(database: Database, older: boolean): Promise<void> {
  const db = new Kysely<Tables>({ dialect: new TransactionalSqliteDialect({ database }) });
  try {
    await requireMigrated(db, sqliteMigrations);
  } catch (error) {
    if (!older || !(error instanceof OlderRecordError)) throw error;
  }
}

function requireEmpty(database: Database, statement: string, complaint: string): void {
  if (database.prepare(statement).all([]).length > 0) throw new Error(`${complaint}. Take another copy.`);
}

/** The file of a record in use, copied by hand, lacks what its WAL still held. */
async function requireComplete(path: string): Promise<void> {
  const header = Buffer.alloc(WRITE_VERSION_AT + 1);
  const file = await open(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') throw new Error('there is no such file.', { cause: error });
    throw error;
  });
  try {
    await file.read(header, 0, header.length, 0);
  } finally {
    await file.close();
  }
  if (header[WRITE_VERSION_AT] === WAL_VERSION)
    throw new Error(
      'it is the file of a record in use, without its latest changes. Take one that `scratchpower-graphql backup` made.',
    );
}

function damaged(cause?: unknown): Error {
  return new Error('it is damaged. Take another copy.', { cause });
}
