import { resolve } from 'node:path';

import { openExisting } from './existing.ts';
import { fault } from './fault.ts';

const BUSY_TIMEOUT_MS = 10_000;

/**
 * Writes a record's file anew, without what was changed or deleted before, and its WAL away. Waits for a gateway that
 * writes, which waits for it. Throws an `Error` that names the file and the remedy.
 */
export async function compact(given: string): Promise<void> {
  const path = resolve(given);
  try {
    const database = await openExisting(path, { busyTimeoutMs: BUSY_TIMEOUT_MS });
    try {
      database.exec('pragma secure_delete = on; vacuum; pragma wal_checkpoint(truncate)');
    } finally {
      database.close();
    }
  } catch (error) {
    throw fault(path, error);
  }
}
