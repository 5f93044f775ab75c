import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { Pool, TypeOverrides, type ClientConfig, type PoolClient, type QueryResult } from 'pg';

import type { Log } from '../../purchases/runtime.ts';
import { codeOf } from './fault.ts';
import { requireSafeSettings } from './settings.ts';

export interface ConnectionOptions {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** The server ends a statement after so long, in ms, whether it works or waits for a lock; 0: never. */
  readonly statementTimeoutMs: number;
}

export interface PoolOptions extends ConnectionOptions {
  /** At most so many connections at once. */
  readonly size: number;
  readonly log: Pick<Log, 'warn'>;
}

/**
 * The server ends a transaction in which nothing happens for so long: an instance that is stopped between two statements
 * would hold up all others, for it may hold a counter of events.
 */
const IDLE_IN_TRANSACTION_MS = 3_000;
/** How long after the server should have ended a statement its silence is taken for a dead connection. */
const SILENCE_MS = 2_000;
/** How long a connection may take to be made, or to become free. */
const CONNECT_MS = 5_000;
/** What an idle connection costs the server is given back after so long. */
const IDLE_MS = 30_000;

/** `bigint`, which node-postgres leaves as text, as the number it is; a float must never round it. */
const INT8 = 20;
function safeInteger(digits: string): number {
  const value = Number(digits);
  if (!Number.isSafeInteger(value)) throw new RangeError('the record holds a number that is too large');
  return value;
}

export function connection({ url, statementTimeoutMs }: ConnectionOptions): ClientConfig {
  const types = new TypeOverrides();
  types.setTypeParser(INT8, safeInteger);
  return {
    connectionString: url,
    fallback_application_name: 'scratchpower-graphql',
    types,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    ...(statementTimeoutMs > 0 && {
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + SILENCE_MS,
    }),
  };
}

/** node-postgres's pool as Kysely wants it, without its traps. */
export class GuardedPool implements PostgresPool {
  readonly #pool: Pool;

  constructor({ size, log, ...options }: PoolOptions) {
    this.#pool = new Pool({
      ...connection(options),
      max: size,
      idleTimeoutMillis: IDLE_MS,
      verify: (client, done) => void requireSafeSettings(client).then(() => done(), done),
    });
    // Without a listener the end of an idle connection ends the process; the pool has dropped it already.
    this.#pool.on('error', (error) =>
      log.warn({ code: codeOf(error) }, 'a connection to the record was lost'),
    );
    // And likewise that of one which is in use, between two statements: the next one fails.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async connect(): Promise<PostgresPoolClient> {
    return new GuardedClient(await this.#pool.connect());
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

class GuardedClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #broken = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query(text: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') throw new TypeError('the record is not read by cursors');
    return this.#query(text, parameters);
  }

  release(): void {
    this.#client.release(this.#broken);
  }

  async #query(text: string, parameters: readonly unknown[]): Promise<QueryResult> {
    try {
      const result = await this.#client.query(text, [...parameters]);
      // A transaction in which a statement failed answers COMMIT with ROLLBACK, and no error.
      if (text === 'commit' && result.command !== 'COMMIT')
        throw new Error('the transaction was rolled back');
      return result;
    } catch (error) {
      this.#broken ||= isBreach(error);
      throw withoutRow(error);
    }
  }
}

/** Whether nothing is known of the connection any more: it is not used again. */
function isBreach(error: unknown): boolean {
  const code = codeOf(error);
  return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || /^(08|57P|25P|XX)/.test(code);
}

/** The server quotes the row that it refuses, and a row may hold a token (R9). */
function withoutRow(error: unknown): unknown {
  if (error instanceof Error) for (const name of ['detail', 'where']) Reflect.deleteProperty(error, name);
  return error;
}
