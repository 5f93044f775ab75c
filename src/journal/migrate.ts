import { Migrator, sql, type Kysely, type Migration } from 'kysely';

/** The record was written by a later version of this program. */
export class NewerRecordError extends Error {
  constructor(readonly migrations: readonly string[]) {
    super(`it has migrations that this version does not know: ${migrations.join(', ')}`);
    this.name = 'NewerRecordError';
  }
}

/** The record was written by an earlier version of this program, and has not been brought up to date. */
export class OlderRecordError extends Error {
  constructor(readonly migrations: readonly string[]) {
    const remedy = 'Start this version of the gateway on it once, or run the older version of this command.';
    super(`it lacks migrations of this version: ${migrations.join(', ')}. ${remedy}`);
    this.name = 'OlderRecordError';
  }
}

/** Where Kysely keeps which are done. */
const DONE = 'kysely_migration';

/** Throws unless the tables are exactly this version's; changes nothing. `schema`: of PostgreSQL, where they lie. */
export async function requireMigrated<DB>(
  db: Kysely<DB>,
  migrations: Readonly<Record<string, Migration>>,
  schema?: string,
): Promise<void> {
  const done = await executed(db, schema);
  const unknown = done.filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length > 0) throw new NewerRecordError(unknown);
  const missing = Object.keys(migrations).filter((name) => !done.includes(name));
  if (missing.length > 0) throw new OlderRecordError(missing);
}

/**
 * Brings the tables up to date, each migration as one transaction. Of many processes that do so at once on PostgreSQL one
 * does it, under an advisory lock, and the others wait for it. `schema`: of PostgreSQL, where the tables lie.
 */
export async function migrate<DB>(
  db: Kysely<DB>,
  migrations: Readonly<Record<string, Migration>>,
  schema?: string,
): Promise<void> {
  const done = await executed(db, schema);
  const unknown = done.filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length > 0) throw new NewerRecordError(unknown);
  // The migrator would look at every table of the database before it knew.
  if (Object.keys(migrations).every((name) => done.includes(name))) return;
  const provider = { getMigrations: () => Promise.resolve({ ...migrations }) };
  const { error } = await new Migrator({
    db,
    provider,
    ...(schema !== undefined && { migrationTableSchema: schema }),
  }).migrateToLatest();
  if (error instanceof Error) throw error;
  if (error !== undefined) throw new Error('a migration failed', { cause: error });
}

async function executed<DB>(db: Kysely<DB>, schema?: string): Promise<string[]> {
  const table = schema === undefined ? sql.id(DONE) : sql.id(schema, DONE);
  const look =
    schema === undefined
      ? sql`select 1 from sqlite_master where type = 'table' and name = ${DONE}`
      : sql`select 1 from pg_tables where schemaname = ${schema} and tablename = ${DONE}`;
  if ((await look.execute(db)).rows.length === 0) return [];
  const { rows } = await sql<{ name: string }>`select name from ${table} order by name`.execute(db);
  return rows.map(({ name }) => name);
}
