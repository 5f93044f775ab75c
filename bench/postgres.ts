import { Client } from 'pg';

/** In which the benchmarks make schemas of their own, and drop them. */
export const databaseUrl = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

/** Runs with empty schemas of these names, and drops them whatever happens. */
export async function withSchema<T>(
  names: readonly string[],
  work: (urls: readonly string[]) => Promise<T>,
): Promise<T> {
  const admin = async (statement: (name: string) => string) => {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    for (const name of names) await client.query(statement(name));
    await client.end();
  };
  const urls = names.map((name) => {
    const url = new URL(databaseUrl);
    url.searchParams.set('options', `-csearch_path=${name}`);
    return url.href;
  });
  await admin((name) => `create schema ${name}`);
  try {
    return await work(urls);
  } finally {
    await admin((name) => `set client_min_messages = warning; drop schema if exists ${name} cascade`);
  }
}
