import { access } from 'node:fs/promises';

import { Database } from './database.ts';
import { codeOf } from './fault.ts';

/** Written into the file's header, so that another program's database is not taken for a record. "SPGW". */
export const APPLICATION_ID = 0x53504757;

/** Opens a record that there is, and changes nothing in it. Throws when there is none, or when it is no record. */
export async function openExisting(path: string, options: { busyTimeoutMs: number }): Promise<Database> {
  try {
    // libsql would make one.
    await access(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new Error('there is no such file. Name the one that is meant.', { cause: error });
  }
  const database = new Database(path, options);
  try {
    if (database.pragma('application_id') !== APPLICATION_ID)
      throw new Error('it is no record of this gateway. Name the one that is meant.');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
