import { Pool } from 'undici';

import { openSqliteJournalBeside } from '../../src/journal/sqlite-beside.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import { logIn, requiredOf } from '../sandbox.ts';
import type { Upstream } from './schema.ts';

const required = (name: string) => requiredOf(process.env, name);

export const baseUrl = `${required('SCRATCHPOWER_BASE_URL')}/v1`;

/** With undici's pool, the quickest client there is; as many connections as the gateway may have. */
export async function pooled(): Promise<Upstream & { raw(path: string): Promise<string> }> {
  const { origin, pathname } = new URL(baseUrl);
  const pool = new Pool(origin, { connections: 64 });
  const headers = { authorization: `Bearer ${await logIn(process.env)}` };
  const raw = async (path: string) =>
    (await pool.request({ path: pathname + path, method: 'GET', headers })).body.text();
  return {
    raw,
    get: async (path) => JSON.parse(await raw(path)),
    post: async (path, body) => {
      const { statusCode, body: answer } = await pool.request({
        ...{ path: pathname + path, method: 'POST', body: JSON.stringify(body) },
        headers: { ...headers, 'content-type': 'application/json' },
      });
      if (statusCode !== 200) throw new Error(`HTTP ${statusCode}: ${await answer.text()}`);
      return answer.json();
    },
  };
}

/** The record that the gateway writes. */
export function openRecord(): Promise<Journal> {
  return openSqliteJournalBeside({ path: required('RECORD') });
}

/** What the benchmark waits for. */
export function listening(url: string): void {
  process.stdout.write(`${JSON.stringify({ url: `${url.replace(/\/(graphql)?$/, '')}/graphql` })}\n`);
}
