import { PostgresDialect, PostgresIntrospector, sql, type Kysely, type TableMetadata } from 'kysely';

/**
 * PostgreSQL, where a migration asks for the names of tables only. Kysely's own look at every column of every schema fails when
 * somebody drops a schema of the database meanwhile.
 */
export class RecordDialect extends PostgresDialect {
  override createIntrospector(db: Kysely<unknown>): PostgresIntrospector {
    return new NamesOfTables(db);
  }
}

class NamesOfTables extends PostgresIntrospector {
  readonly #db: Kysely<unknown>;

  constructor(db: Kysely<unknown>) {
    super(db);
    this.#db = db;
  }

  override async getTables(): Promise<TableMetadata[]> {
    const tables = sql<{
      schema: string;
      name: string;
    }>`select schemaname as schema, tablename as name from pg_tables`;
    const { rows } = await tables.execute(this.#db);
    return rows.map((table) => ({ ...table, isView: false, columns: [] }));
  }
}
