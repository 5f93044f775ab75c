import { randomUUID } from 'node:crypto';

import { Client } from 'pg';

/** Where tests make schemas of their own, which they drop afterwards. */
const testDatabaseUrl = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

/** Why no PostgreSQL can be tested here; undefined when one answers. In CI that is an error. */
export const noPostgres = await reasonWhyNot();

async function reasonWhyNot(): Promise<string | undefined> {
  try {
    await asAdmin(testDatabaseUrl, (client) => client.query('select 1'));
    return undefined;
  } catch (error) {
    const why = error instanceof Error && error.message !== '' ? error.message : String(error);
    const reason = `no PostgreSQL answers (${why}). Start one and name a database of it in TEST_DATABASE_URL.`;
    if (process.env['CI'] !== undefined)
      throw new Error(`The PostgreSQL tests cannot run: ${reason}`, { cause: error });
    process.stderr.write(`SKIPPED: the PostgreSQL tests, for ${reason}\n`);
    return reason;
  }
}

export interface TestSchema extends AsyncDisposable {
  readonly name: string;
  /** Of the database, with the schema as its search_path. */
  readonly url: string;
  /** Statements of an administrator in that schema. */
  query(sql: string, parameters?: unknown[]): Promise<Record<string, any>[]>;
  /** Ends connections to it, all or those that this condition on `pg_stat_activity` names; returns how many. */
  terminate(condition?: string): Promise<number>;
}

/** An empty schema of its own. Connections to it are recognised by their application's name. */
export async function temporarySchema(databaseUrl = testDatabaseUrl): Promise<TestSchema> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(databaseUrl, (client) => client.query(`create schema ${name}`));
  const url = new URL(databaseUrl);
  url.searchParams.set('options', `-csearch_path=${name}`);
  url.searchParams.set('application_name', name);
  const query: TestSchema['query'] = (sql, parameters) =>
    asAdmin(databaseUrl, async (client) => {
      await client.query(`set search_path = ${name}`);
      // Of several statements, the rows of the last.
      const result = await client.query<Record<string, any>>(sql, parameters);
      return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
    });
  return {
    name,
    url: url.href,
    query,
    terminate: async (condition = 'true') => {
      const ended = await query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${name}' and ${condition}`,
      );
      return ended.length;
    },
    [Symbol.asyncDispose]: () =>
      asAdmin(databaseUrl, async (client) => {
        await client.query(`set client_min_messages = warning; drop schema if exists ${name} cascade`);
      }),
  };
}

async function asAdmin<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
