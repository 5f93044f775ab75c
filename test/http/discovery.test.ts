import { getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';

import { startIssuer } from '../support/issuer.ts';
import { graphqlCaller, socketClient, startStack, subscribe, type Answer } from '../support/stack.ts';

const WRONG = [
  '{ viewer { usernam } }',
  '{ vieweR { username } }',
  'query ($a: PurchaseInpt!) { viewer { username } }',
  '{ account(idd: "x") { id } }',
  '{ products(type: ELECTRICTY) { type } }',
  '{ viewer { username @skp(if: true) } }',
];
const VARIABLES = {
  query: 'mutation ($input: PurchaseInput!) { validatePurchase(input: $input) { __typename } }',
  variables: { input: { productTyp: 'ELECTRICITY', productType: 'ELECTRICTY' } },
};

/** All that an API which hides its schema might let slip. */
async function told(url: string, token: string): Promise<string> {
  const graphql = graphqlCaller(url, token);
  const client = socketClient(url, { connectionParams: { authorization: `Bearer ${token}` } });
  const answers: unknown[] = [];
  for (const query of WRONG) {
    answers.push(await graphql(query));
    answers.push(await subscribe(client, query).done.catch((error: unknown) => error));
  }
  answers.push(await graphql(VARIABLES.query, VARIABLES.variables));
  const live = subscribe(client, VARIABLES.query, VARIABLES.variables);
  answers.push(await live.done.catch((error: unknown) => error), live.results);
  await client.dispose();
  return JSON.stringify(answers);
}

const introspected = ({ data }: Answer) => data?.['__schema']?.types?.length ?? 0;
const page = (url: string) => fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });

describe('with authentication', () => {
  it('the schema is not told, neither by introspection nor by errors; what is valid works', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env });
    const { url } = stack.gateway;
    const token = await issuer.token();
    const graphql = graphqlCaller(url, token);
    const { data, errors } = await graphql(getIntrospectionQuery());
    expect([data, errors?.[0]?.message]).toEqual([
      undefined,
      expect.stringContaining('introspection has been disabled'),
    ]);
    expect((await graphql('{ __type(name: "Purchase") { name } }')).errors).toHaveLength(1);
    const slips = await told(url, token);
    expect(slips).toContain('Cannot query field \\"usernam\\"');
    expect(slips).toContain('Field \\"productTyp\\" is not defined');
    expect(slips).not.toContain('Did you mean');
    expect(slips).not.toMatch(/\busername\b|"ELECTRICITY"/);
    expect((await graphql('{ __typename viewer { __typename username } }')).errors).toBeUndefined();
  });

  it('the playground is not there unless it is asked for; then its page needs no token, and what it asks does', async () => {
    await using issuer = await startIssuer();
    await using closed = await startStack({ env: issuer.env });
    const refused = await page(closed.gateway.url);
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      401,
      'application/json; charset=utf-8',
    ]);
    await using open = await startStack({ env: { ...issuer.env, GRAPHIQL: 'on', INTROSPECTION: 'on' } });
    const { url } = open.gateway;
    const html = await page(url);
    expect(html.status).toBe(200);
    expect(await html.text()).toContain('Bearer TOKEN');
    // A query beside it is not answered by the page's way in.
    const query = await fetch(`${url}/graphql?query=${encodeURIComponent('{ viewer { username } }')}`, {
      headers: { accept: 'text/html' },
    });
    expect(await query.text()).not.toContain('"username"');
    const asked = await fetch(`${url}/graphql?query=${encodeURIComponent('{ viewer { username } }')}`, {
      headers: { accept: 'application/json, text/html;q=0' },
    });
    expect(await asked.text()).not.toContain('"username"');
    expect((await graphqlCaller(url)(getIntrospectionQuery())).errors?.[0]?.extensions?.['code']).toBe(
      'UNAUTHENTICATED',
    );
    const token = await issuer.token({ scope: '' });
    expect(introspected(await graphqlCaller(url, token)(getIntrospectionQuery()))).toBeGreaterThan(30);
    expect(await told(url, token)).toContain('Did you mean');
  });

  it('a page of another site is told what it may send without a token, and reads why it is refused', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: { ...issuer.env, ALLOWED_ORIGINS: 'https://shop.example' } });
    const { url } = stack.gateway;
    const preflight = await fetch(`${url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
    const refused = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { origin: 'https://shop.example', 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([
      401,
      'https://shop.example',
    ]);
  });

  it('answers in the media type that a client of GraphQL over HTTP asks for', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env });
    const type = 'application/graphql-response+json';
    const { status, headers } = await fetch(`${stack.gateway.url}/graphql`, {
      method: 'POST',
      headers: { accept: type, 'content-type': 'application/json' },
      // Not read at all: it is no JSON.
      body: '{{{',
    });
    expect([status, headers.get('content-type')]).toEqual([401, `${type}; charset=utf-8`]);
  });
});

describe('without authentication', () => {
  it('both are there unless they are switched off', async () => {
    await using stack = await startStack();
    expect((await page(stack.gateway.url)).status).toBe(200);
    expect(introspected(await stack.graphql(getIntrospectionQuery()))).toBeGreaterThan(30);
    await using closed = await startStack({ env: { GRAPHIQL: 'off', INTROSPECTION: 'off' } });
    expect((await page(closed.gateway.url)).status).not.toBe(200);
    expect(introspected(await closed.graphql(getIntrospectionQuery()))).toBe(0);
  });

  it('a value of the client’s is not cut, whatever it says', async () => {
    await using stack = await startStack({ env: { INTROSPECTION: 'off' } });
    const query = 'query ($type: ProductType) { products(type: $type) { type } }';
    const type = 'ELECTRICTY? Did you mean something? Did you mean that?';
    const { errors } = await stack.graphql(query, { type });
    expect(errors?.[0]?.message).toBe(
      `Variable "$type" got invalid value "${type}"; Value "${type}" does not exist in "ProductType" enum.`,
    );
  });
});
