import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { electricity, startStack, walletId, type Stack } from '../support/stack.ts';

let stack: Stack;
let account = '';
let details: object = {};
beforeAll(async () => {
  stack = await startStack({ env: { ALLOWED_ORIGINS: 'https://shop.example' } });
  account = await walletId(stack.graphql);
  details = await electricity(stack.graphql);
});
afterAll(() => stack[Symbol.asyncDispose]());

/** A type with a parameter that says nothing is left to Yoga. */
const ways = { short: 'application/json', long: 'application/json;v=1' };

async function ask(way: keyof typeof ways, body: string, headers: Readonly<Record<string, string>>) {
  const response = await fetch(`${stack.gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': ways[way], 'x-request-id': 'both-ways', ...headers },
    body,
  });
  // Of each request and each connection.
  const own = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'ratelimit'];
  // What a preflight is told, which Yoga tells again and a browser does not read here.
  const preflight = [
    'access-control-allow-methods',
    'access-control-allow-headers',
    'access-control-max-age',
  ];
  const kept = [...response.headers].filter(([name]) => ![...own, ...preflight].includes(name));
  return { status: response.status, headers: Object.fromEntries(kept), body: await response.text() };
}

const accepts = {
  json: 'application/json',
  graphql: 'application/graphql-response+json',
  anything: '*/*',
  both: 'application/graphql-response+json, application/json;q=0.9',
  browser: 'multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9',
  latin: 'application/json;charset=iso-8859-1, application/graphql-response+json',
  page: 'text/html, application/xhtml+xml',
  'anything that is called JSON': '*/json, application/graphql-response+json',
  'more parts than two': 'application/json/x, application/graphql-response+json',
  'too much': `application/json${', text/html'.repeat(100)}`,
};

const bodies: Readonly<Record<string, () => unknown>> = {
  'a query': () => ({ query: '{ accounts { name balance { amount } } }' }),
  'its fields in another order': () => ({
    query: '{ accounts { balance { amount } name } products { type } }',
  }),
  'variables, a name and extensions': () => ({
    query: 'query A($id: ID!) { account(id: $id) { name } } query B { __typename }',
    variables: { id: account },
    operationName: 'A',
    extensions: { clientLibrary: { name: 'x' } },
  }),
  'nulls for what is not needed': () => ({
    query: '{ __typename }',
    variables: null,
    operationName: null,
    extensions: null,
  }),
  'the same confirm again': () => ({
    query: `mutation ($input: ConfirmPurchaseInput!) { confirmPurchase(input: $input) { ... on Purchase { id status } } }`,
    variables: { input: { idempotencyKey: 'both-ways', from: { details } } },
  }),
  'a mutation that is refused': () => ({
    query: 'mutation { retryPurchase(input: { id: "x" }) { ... on Problem { code message } } }',
  }),
  'an error at a field': () => ({ query: '{ a: __typename purchases(first: -1) { edges { cursor } } }' }),
  'a field that there is not': () => ({ query: '{ nothing }' }),
  'no syntax': () => ({ query: '{' }),
  'two operations and no name': () => ({ query: 'query A { __typename } query B { __typename }' }),
  'a name that there is not': () => ({ query: 'query A { __typename }', operationName: 'B' }),
  'a wrong variable': () => ({
    query: 'query ($id: ID!) { account(id: $id) { name } }',
    variables: { id: {} },
  }),
  'a missing variable': () => ({ query: 'query ($id: ID!) { account(id: $id) { name } }' }),
  'variables that are a list': () => ({ query: '{ __typename }', variables: [] }),
  'a query that is a number': () => ({ query: 7 }),
  'an empty query': () => ({ query: '' }),
  'no query': () => ({}),
  'a parameter that is none': () => ({ query: '{ __typename }', operation: 'A' }),
  'a prototype': () => JSON.parse('{"query":"{ __typename }","__proto__":{"x":1}}') as unknown,
  'a list of operations': () => [{ query: '{ __typename }' }],
  'a word': () => 'query',
  'an operation that is too deep': () => ({
    query: `{ accounts { purchases { edges { node { account { purchases { edges { node { account { purchases { edges { node { id } } } } } } } } } } } } }`,
  }),
  'a subscription': () => ({ query: 'subscription { accountUpdated(id: "x") { name } }' }),
  'a variable with half a character': () => ({
    query: 'query ($id: ID!) { account(id: $id) { name } }',
    variables: { id: '\ud800' },
  }),
};

describe('a JSON POST is answered the short way as Yoga answers it', () => {
  it.each(Object.keys(accepts) as (keyof typeof accepts)[])('with what accepts %s', async (name) => {
    for (const [what, body] of Object.entries(bodies)) {
      // Often enough that it is compiled.
      for (let time = 0; time < 5; time += 1) {
        const text = JSON.stringify(body());
        const headers = { accept: accepts[name] };
        expect(await ask('short', text, headers), what).toEqual(await ask('long', text, headers));
      }
    }
  });

  it.each([
    ['no name with two operations', 'query A { __typename } query B { __typename }', 'B', undefined],
    ['a null with two operations', 'query A { __typename } query B { viewer { username } }', 'B', null],
    ['a name that there is not', 'query A { __typename }', 'A', 'B'],
    ['a name without a letter', 'query A { viewer { username } }', 'A', ''],
    ['a name without a letter for one that has none', '{ viewer { username } }', undefined, ''],
  ])('however often the document was executed before: %s', async (_what, query, good, operationName) => {
    const headers = { accept: accepts.graphql };
    for (let time = 0; time < 5; time += 1) {
      const text = JSON.stringify({ query, operationName: good });
      expect((await ask('short', text, headers)).status).toBe(200);
    }
    const text = JSON.stringify({ query, operationName });
    const answered = await ask('short', text, headers);
    expect(answered).toEqual(await ask('long', text, headers));
    expect(answered.status).toBe(400);
    expect(answered.body).toContain('OPERATION_RESOLUTION_FAILURE');
  });

  it.each(['{', 'null', '7', '\u0000', '{"query":"{ __typename }"}'])(
    'whatever the body: %j',
    async (text) => {
      const headers = { accept: accepts.json };
      expect(await ask('short', text, headers)).toEqual(await ask('long', text, headers));
    },
  );

  it('to pages of allowed origins, with what they may read', async () => {
    const text = JSON.stringify({ query: '{ __typename }' });
    const headers = { accept: accepts.json, origin: 'https://shop.example' };
    const answered = await ask('short', text, headers);
    expect(answered).toEqual(await ask('long', text, headers));
    expect(answered.headers).toMatchObject({
      'access-control-allow-origin': 'https://shop.example',
      'access-control-expose-headers': expect.stringContaining('x-request-id') as string,
    });
  });
});
