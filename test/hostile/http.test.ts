import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { noPostgres, temporarySchema, type TestSchema } from '../support/postgres.ts';
import type { HostileCase } from './corpus/case.ts';
import { documentCases } from './corpus/documents.ts';
import { requestCases } from './corpus/requests.ts';
import { textCases, type HttpCase } from './corpus/texts.ts';
import { inTime, startHostileServer, type HostileServer } from './server.ts';

async function send(
  url: string,
  { method = 'POST', path = '/graphql', headers, body }: Omit<HttpCase, keyof HostileCase>,
): Promise<string> {
  const response = await fetch(url + path, {
    method,
    headers: {
      accept: 'application/graphql-response+json',
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && {
      body:
        typeof body === 'string' ? body : Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
    }),
  });
  return `${response.status} ${whatIs(await response.text())}`;
}

/** An answer in a word (corpus/case.ts). */
function whatIs(text: string): string {
  let answer: any;
  try {
    answer = JSON.parse(text);
  } catch {
    return 'text';
  }
  const code = answer?.errors?.[0]?.extensions?.code;
  if (answer?.errors !== undefined) return code ?? 'ERROR';
  const result = answer?.data?.r;
  if (result === null) return 'null';
  if (result?.__typename === 'Problem') return `Problem ${result.type}`;
  if (result?.__typename === 'Quote') return 'Quote';
  return result?.edges?.length === 0 ? 'empty' : 'data';
}

const everything = { texts: textCases, documents: documentCases, requests: requestCases };

describe.each([
  ['SQLite', undefined],
  ['PostgreSQL', noPostgres],
] as const)('hostile requests to a gateway on %s', (database, skipped) => {
  let schema: TestSchema | undefined;
  let server: HostileServer;
  let before: number;
  beforeAll(async () => {
    if (skipped !== undefined) return;
    schema = database === 'PostgreSQL' ? await temporarySchema() : undefined;
    server = await startHostileServer(schema && { DATABASE_URL: schema.url });
    // Warm: what is compiled and cached once is no leak.
    for (const one of [...textCases.slice(0, 300), ...documentCases]) await send(server.url, one);
    before = await server.memory();
  });
  afterAll(async () => {
    if (skipped === undefined) await server[Symbol.asyncDispose]();
    await schema?.[Symbol.asyncDispose]();
  });

  describe.skipIf(skipped !== undefined).each(Object.entries(everything))('%s', (_name, cases) => {
    it.each(cases.map((one) => [one.category, one.name, one] as const))(
      '%s: %s',
      async (_category, _what, one) => {
        expect(await inTime(send(server.url, one), one.name)).toBe(one.answer);
      },
    );
    it('leave it healthy', () => server.requireHealthy());
  });

  it.skipIf(skipped !== undefined)('nothing was bought, and memory is back within 20 %', async () => {
    expect(server.sandbox.ledger).toEqual([]);
    const after = await server.memory();
    expect(after).toBeLessThan(before * 1.2);
  });
});

// As it is wherever it is known who calls: then errors are looked through for what would have been right.
it('an error that could be taken for thousands of hints holds up nobody where the schema is hidden', async () => {
  await using server = await startHostileServer({ INTROSPECTION: 'off' });
  const query = 'query ($type: ProductType) { r: products(type: $type) { type } }';
  const body = { query, variables: { type: ' Did you mean '.repeat(6_500) } };
  expect(await inTime(send(server.url, { body }), 'the error')).toBe('400 BAD_USER_INPUT');
  await server.requireHealthy();
});
