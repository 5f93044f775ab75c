import { sql, type Kysely } from 'kysely';
import { z } from 'zod';

/** The schema that the record lies in. */
export async function requireSchema<DB>(db: Kysely<DB>): Promise<string> {
  const { rows } = await sql`select current_schema() as schema`.execute(db);
  return z.object({ schema: z.string() }).parse(rows[0]).schema;
}

/** Throws when a record is being moved into it, or was and the move was interrupted: a part of a record is none. */
export async function requireWhole<DB>(db: Kysely<DB>): Promise<void> {
  const { rows } = await sql`select from pg_class where oid = to_regclass('moving')`.execute(db);
  if (rows.length > 0) {
    throw new Error(
      'a record is being moved into it. Let `scratchpower-graphql migrate-journal` end, or run it again.',
    );
  }
}
