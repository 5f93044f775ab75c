import type { ClientBase } from 'pg';
import { z } from 'zod';

const settings = z.object({
  fsync: z.string(),
  synchronous_commit: z.string(),
  server_encoding: z.string(),
  schema: z.string().nullable(),
});

/**
 * What durability (R2) and exact text depend on, as a new connection has it: each is looked at, for somebody may have
 * changed the settings since the last. Throws, with the remedy, when it is not as it must be.
 */
export async function requireSafeSettings(client: ClientBase): Promise<void> {
  const { rows } = await client.query(`select current_setting('fsync') as fsync,
    current_setting('synchronous_commit') as synchronous_commit,
    current_setting('server_encoding') as server_encoding,
    current_schema() as schema`);
  const { fsync, synchronous_commit, server_encoding, schema } = settings.parse(rows[0]);
  if (fsync === 'off') {
    throw new Error(
      'fsync is off, so that a power cut loses purchases. Set fsync = on in postgresql.conf and restart the server.',
    );
  }
  if (synchronous_commit === 'off') {
    throw new Error(
      'synchronous_commit is off, so that a crash loses purchases. Set it on, for the server, the database and the user.',
    );
  }
  if (server_encoding !== 'UTF8') {
    throw new Error(`its encoding is ${server_encoding}. Create a database with encoding UTF8.`);
  }
  if (schema === null) {
    throw new Error(
      'there is no schema that the user may write to. Create the one of the search_path and grant USAGE and CREATE on it, or name another.',
    );
  }
}
