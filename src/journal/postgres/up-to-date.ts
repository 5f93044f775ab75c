import type { Kysely } from 'kysely';

import { migrate } from '../migrate.ts';
import type { Tables } from '../tables.ts';
import { codeOf } from './fault.ts';
import { postgresMigrations } from './migrations.ts';

/** No such schema, no such table: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const DROPPED_MEANWHILE: readonly string[] = ['3F000', '42P01'];
const MOST_TRIES = 10;

/** Brings the tables of that schema up to date. */
export async function bringUpToDate(db: Kysely<Tables>, schema: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await migrate(db, postgresMigrations, schema);
      return;
    } catch (error) {
      // Kysely looks at every schema of the database; one that is dropped meanwhile, by whomever, makes that fail.
      if (!DROPPED_MEANWHILE.includes(codeOf(error) ?? '') || tries === MOST_TRIES) throw error;
    }
  }
}
