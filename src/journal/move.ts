import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';

import { Kysely, sql } from 'kysely';

import { migrate } from './migrate.ts';
import { RecordDialect } from './postgres/dialect.ts';
import { fault } from './postgres/fault.ts';
import { postgresMigrations } from './postgres/migrations.ts';
import { requireSchema } from './postgres/moving.ts';
import { GuardedPool } from './postgres/pool.ts';
import { withoutPassword } from './postgres/where.ts';
import { TransactionalSqliteDialect } from './sqlite/database.ts';
import { openExisting } from './sqlite/existing.ts';
import { fault as sqliteFault } from './sqlite/fault.ts';
import { lock } from './sqlite/lock.ts';
import { sqliteMigrations } from './sqlite/migrations.ts';
import type { Tables } from './tables.ts';

export interface MoveOptions {
  /** The path of the SQLite file. */
  readonly from: string;
  /** postgres://user:password@host:port/database */
  readonly to: string;
  /** Told a line for each thing done. */
  readonly tell: (line: string) => void;
  /** Told after each batch how many rows of the table there are in the target now; what it throws interrupts. */
  readonly onBatch?: ((table: string, rows: number) => void) | undefined;
}

/** What is moved, in the order in which rows point to one another, and the key by which it is walked. */
const moved = [
  { table: 'quotes', key: ['id'] },
  { table: 'purchases', key: ['id'] },
  { table: 'attempts', key: ['purchase_id', 'number'] },
  { table: 'events', key: ['integration', 'position'] },
  { table: 'event_counters', key: ['integration'] },
  { table: 'audit', key: ['id'] },
  { table: 'data_keys', key: ['id'] },
  { table: 'api_keys', key: ['id'] },
] as const;
type Moved = (typeof moved)[number];

type Row = Record<string, unknown>;

/** Rows a transaction; an attempt's answer may be large. */
const BATCH = 200;
const BUSY_TIMEOUT_MS = 1_000;

/**
 * Moves a record from SQLite to PostgreSQL: every row, batch by batch in the order of its key, so that a move which was
 * interrupted goes on where it ended; then both are read again and compared by counts and checksums. The file stays as
 * it is. Until all is compared no gateway opens the target. Throws an `Error` with the remedy.
 */
export async function moveRecord({ from, to, tell, onBatch }: MoveOptions): Promise<void> {
  const path = await realpath(from).catch((error: unknown) => {
    throw sqliteFault(from, error);
  });
  // A gateway holds this for as long as it lives; while we hold it, none starts.
  const held = lock(path, BUSY_TIMEOUT_MS);
  const database = await openExisting(path, { busyTimeoutMs: BUSY_TIMEOUT_MS }).catch((error: unknown) => {
    held.release();
    throw sqliteFault(from, error);
  });
  const source = new Kysely<Tables>({ dialect: new TransactionalSqliteDialect({ database }) });
  const pool = new GuardedPool({ url: to, size: 2, statementTimeoutMs: 0, log: { warn: () => undefined } });
  const target = new Kysely<Tables>({ dialect: new RecordDialect({ pool }) });
  try {
    await migrate(source, sqliteMigrations);
    await migrate(target, postgresMigrations, await requireSchema(target));
    if (!(await claim(target)) && !(await isEmpty(target))) {
      await compare(source, target, tell);
      tell('The target holds this record already, whole.');
      return;
    }
    await sql`create table if not exists moving (since timestamptz not null default now())`.execute(target);
    for (const one of moved) await copy(source, target, one, onBatch);
    await compare(source, target, tell);
    await sql`select setval(pg_get_serial_sequence('audit', 'id'), coalesce(max(id), 0) + 1, false) from audit`.execute(
      target,
    );
    await sql`drop table moving`.execute(target);
    tell('Moved. Start the gateways with the new DATABASE_URL.');
  } catch (error) {
    throw isOfTarget(error) ? fault(withoutPassword(to), error) : error;
  } finally {
    await target.destroy();
    database.close();
    held.release();
  }
}

/** Whether a move into it was begun; throws when a gateway uses it. */
async function claim(target: Kysely<Tables>): Promise<boolean> {
  const using = await target.selectFrom('instances').select('id').limit(1).execute();
  if (using.length > 0)
    throw new Error('A gateway uses the target. Stop it, or name another database or schema.');
  const { rows } = await sql`select from pg_class where oid = to_regclass('moving')`.execute(target);
  return rows.length > 0;
}

async function isEmpty(target: Kysely<Tables>): Promise<boolean> {
  for (const { table } of moved) {
    if ((await target.selectFrom(table).selectAll().limit(1).execute()).length > 0) return false;
  }
  return true;
}

/** Goes on after the last row of the target, when it is one of this record: all before it are there, or the comparison tells. */
async function copy(
  source: Kysely<Tables>,
  target: Kysely<Tables>,
  one: Moved,
  onBatch: MoveOptions['onBatch'],
): Promise<void> {
  const { table, key } = one;
  const [last] = await target
    .selectFrom(table)
    .selectAll()
    .orderBy(sql.join(key.map((name) => sql`${sql.ref(name)} desc`)))
    .limit(1)
    .execute();
  if (last !== undefined) await requireSame(source, one, last);
  let rows = 0;
  for await (const batch of batches(source, one, last)) {
    const columns = Object.keys(batch[0] ?? {});
    const values = batch.map((row) => sql`(${sql.join(columns.map((name) => row[name]))})`);
    const names = sql.join(columns.map((name) => sql.ref(name)));
    await sql`insert into ${sql.table(table)} (${names}) values ${sql.join(values)}`.execute(target);
    rows += batch.length;
    onBatch?.(table, rows);
  }
}

/** Before a row of this record is put beside those of another. */
async function requireSame(source: Kysely<Tables>, { table, key }: Moved, row: Row): Promise<void> {
  const conditions = key.map((name) => sql`${sql.ref(name)} = ${row[name]}`);
  const query = sql<Row>`select * from ${sql.table(table)} where ${sql.join(conditions, sql` and `)}`;
  const [same] = (await query.execute(source)).rows;
  if (same !== undefined && canonical(same) === canonical(row)) return;
  throw new Error(
    `The target holds another record: the last row of its ${table} is not in the file. Name an empty database or schema.`,
  );
}

/** By name, for the two databases have their columns in an order of their own. */
function canonical(row: Row): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function* batches(
  db: Kysely<Tables>,
  { table, key }: Moved,
  last?: Row,
): AsyncGenerator<readonly Row[]> {
  const names = sql.join(key.map((name) => sql.ref(name)));
  for (let after = last; ;) {
    const from = after;
    const bound =
      from === undefined ? sql`` : sql`where (${names}) > (${sql.join(key.map((name) => from[name]))})`;
    const query = sql<Row>`select * from ${sql.table(table)} ${bound} order by ${names} limit ${sql.lit(BATCH)}`;
    const { rows } = await query.execute(db);
    if (rows.length > 0) yield rows;
    if (rows.length < BATCH) return;
    after = rows.at(-1);
  }
}

/** Throws when the two do not hold the same rows. */
async function compare(
  source: Kysely<Tables>,
  target: Kysely<Tables>,
  tell: (line: string) => void,
): Promise<void> {
  for (const one of moved) {
    const [here, there] = [await sumOf(source, one), await sumOf(target, one)];
    if (here.rows !== there.rows || here.sha256 !== there.sha256) {
      throw new Error(
        `The target holds another record: ${one.table} has ${there.rows} rows (${there.sha256}) where the file has ${here.rows} (${here.sha256}). Name an empty database or schema.`,
      );
    }
    tell(`${one.table}: ${here.rows} rows, sha256 ${here.sha256}`);
  }
}

async function sumOf(db: Kysely<Tables>, one: Moved): Promise<{ rows: number; sha256: string }> {
  const hash = createHash('sha256');
  let rows = 0;
  for await (const batch of batches(db, one)) {
    for (const row of batch) {
      rows += 1;
      hash.update(`${canonical(row)}\n`);
    }
  }
  return { rows, sha256: hash.digest('hex') };
}

function isOfTarget(error: unknown): boolean {
  return error instanceof Error && 'code' in error && !String(error.code).startsWith('SQLITE');
}
