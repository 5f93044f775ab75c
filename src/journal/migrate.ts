import { Migrator, sql, type Kysely, type Migration, type TableMetadata } from 'kysely';

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
    super(`it lacks migrations of this version: ${migrations.join(', ')}`);
    this.name = 'OlderRecordError';
  }
}

/** Throws unless the tables are exactly this version's; changes nothing. */
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
 * does it, under an advisory lock, and the others wait for it. `schema` is where the tables lie, if there are others.
 */
export async function migrate<DB>(
  db: Kysely<DB>,
  migrations: Readonly<Record<string, Migration>>,
  schema?: string,
): Promise<void> {
  const unknown = (await executed(db, schema)).filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length > 0) throw new NewerRecordError(unknown);
  const provider = { getMigrations: () => Promise.resolve({ ...migrations }) };
  const { error } = await new Migrator({
    db,
    provider,
    ...(schema !== undefined && { migrationTableSchema: schema }),
  }).migrateToLatest();
  if (error instanceof Error) throw error;
  if (error !== undefined) throw new Error('a migration failed', { cause: error });
}

async function executed<DB>(db: Kysely<DB>, wanted?: string): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  const isOurs = ({ name, schema }: TableMetadata) =>
    name === 'kysely_migration' && (wanted === undefined || schema === wanted);
  if (!tables.some(isOurs)) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}
