import { Pool } from 'pg';

import type { Log } from '../../purchases/runtime.ts';
import { codeOf } from './fault.ts';
import { connection } from './pool.ts';

export interface RateCounts {
  readonly pool: Pool;
  readonly table: string;
  close(): Promise<void>;
}

const TABLE = 'rate_limits';
const CONNECTIONS = 2;
/** A purchase waits for no count longer than this: each instance counts for itself then. */
const PATIENCE_MS = 1_000;

/**
 * Where the instances on one record count together how much is asked of them. Nothing is lost with it: it is not logged,
 * its commits do not wait for the disk, and it has connections of its own, so that it never holds up the record.
 */
export async function openRateCounts(url: string, log: Pick<Log, 'warn'>): Promise<RateCounts> {
  const pool = new Pool({
    ...connection({ url, statementTimeoutMs: PATIENCE_MS }),
    query_timeout: PATIENCE_MS,
    connectionTimeoutMillis: PATIENCE_MS,
    max: CONNECTIONS,
    verify: (client, done) => void client.query('set synchronous_commit = off').then(() => done(), done),
  });
  pool.on('error', (error) =>
    log.warn({ code: codeOf(error) }, 'a connection to the shared counts was lost'),
  );
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    await pool.query(`create unlogged table if not exists ${TABLE} (
      key varchar(255) collate "C" primary key,
      points integer not null default 0,
      expire bigint
    )`);
  } catch (error) {
    // Of two instances that create it at once one fails (23505), and it is there. Whatever else it is, the record tells.
    log.warn({ code: codeOf(error) }, 'the shared counts could not be created');
  }
  return { pool, table: TABLE, close: () => pool.end() };
}
