import { Database } from './database.ts';
import { codeOf, fault } from './fault.ts';

/**
 * Keeps other gateways away from a record for as long as this process lives: at its start a gateway takes every attempt
 * in flight for a lost answer, which is wrong while another one is waiting for that answer.
 *
 * An exclusive transaction on an empty database beside the file. The operating system ends it with the process, also on
 * kill -9, and neither readers nor backups of the record itself notice it. Nothing may delete that file meanwhile.
 */
export function lock(path: string, busyTimeoutMs: number): { release: () => void } {
  const lockPath = `${path}.lock`;
  let database: Database | undefined;
  try {
    database = new Database(lockPath, { busyTimeoutMs });
    database.exec('pragma journal_mode = off; begin exclusive');
  } catch (error) {
    database?.close();
    if (codeOf(error)?.startsWith('SQLITE_BUSY') !== true) throw fault(lockPath, error);
    throw new Error(
      `Another gateway is using the record ${path}. One SQLite file serves one gateway: stop the other, name another file, or use PostgreSQL for several.`,
      { cause: error },
    );
  }
  const held = database;
  return { release: () => held.close() };
}
