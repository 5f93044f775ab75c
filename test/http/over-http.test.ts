import { auditServer, type AuditResult } from 'graphql-http';
import { describe, expect, it } from 'vitest';

import { startIssuer } from '../support/issuer.ts';
import { startStack } from '../support/stack.ts';

/**
 * The audits of the GraphQL over HTTP specification (https://graphql.github.io/graphql-over-http/), of which there are
 * MUSTs, SHOULDs and MAYs; what is not kept of them. HTTP at /graphql is the only entrance that the specification is about, and has two ways (short-way.ts).
 */
async function notKept(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  way: 'short' | 'long' = 'short',
): Promise<string[]> {
  const fetchFn = (to: string, init: RequestInit = {}) => {
    const all = new Headers(init.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    // A type with a parameter that says nothing is left to Yoga; without one it goes the short way.
    const type = all.get('content-type');
    if (way === 'long' && type !== null) all.set('content-type', `${type};v=1`);
    return fetch(to, { ...init, headers: all });
  };
  const results: AuditResult[] = await auditServer({ url: `${url}/graphql`, fetchFn });
  expect(results.length).toBeGreaterThan(60);
  return results.flatMap((one) => (one.status === 'ok' ? [] : [`${one.name}: ${one.reason}`]));
}

describe('GraphQL over HTTP', () => {
  it('is kept in every point without authentication', async () => {
    await using stack = await startStack();
    expect(await notKept(stack.gateway.url)).toEqual([]);
    expect(await notKept(stack.gateway.url, {}, 'long')).toEqual([]);
  });

  it('is kept in every point with authentication, and in none without a token', async () => {
    await using issuer = await startIssuer();
    // Four audits ask for a type by a variable: that is introspection, which is off by default with authentication.
    await using stack = await startStack({ env: { ...issuer.env, INTROSPECTION: 'on' } });
    const authorization = `Bearer ${await issuer.token()}`;
    expect(await notKept(stack.gateway.url, { authorization })).toEqual([]);
    const refused = await notKept(stack.gateway.url);
    expect(refused).toContain(
      'MUST accept application/json and match the content-type: Response status code is not 200',
    );
  });

  it('is kept but for introspection where that is off, as it is with authentication', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env });
    const authorization = `Bearer ${await issuer.token()}`;
    const points = await notKept(stack.gateway.url, { authorization });
    expect(points).toHaveLength(4);
    for (const point of points) expect(point).toMatch(/\{variables\}/);
  });
});
