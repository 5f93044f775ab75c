import { readdirSync, readFileSync } from 'node:fs';

import { getIntrospectionQuery, parse, type ExecutionResult } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadConfig } from '../../src/config.ts';
import { graphiqlOptions } from '../../src/http/graphiql.ts';
import { operationLimits } from '../../src/http/operation-limits.ts';
import { schema } from '../../src/schema/index.ts';
import {
  CONFIRM,
  environment,
  PURCHASE,
  RETRY,
  startStack,
  subscribe,
  VALIDATE,
  type Stack,
} from '../support/stack.ts';
import { overSocket, post } from './support.ts';

/** Half of each default: what the docs show passes with room. */
const half = {
  LIMIT_TOKENS: '500',
  LIMIT_DEPTH: '8',
  LIMIT_ALIASES: '15',
  LIMIT_DIRECTIVES: '15',
  LIMIT_LIST_ITEMS: '100',
  LIMIT_COST: '10000',
};

const pages = [
  'README.md',
  ...readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];
const shown = pages.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/```graphql\n([^]*?)```/g)].map(
    ([, text = '']) => [page, text] as const,
  ),
);
type Shown = readonly [name: string, query: string, variables: string | undefined];
const tabs = (graphiqlOptions('key', false).defaultTabs ?? []).map(({ query, variables }): Shown => [
  /\w+ (\w+)/.exec(query?.replaceAll(/#.*/g, '') ?? '')?.[1] ?? '',
  query ?? '',
  variables ?? undefined,
]);

describe('with half of each limit', () => {
  let stack: Stack;
  beforeAll(async () => void (stack = await startStack({ env: half })));
  afterAll(() => stack[Symbol.asyncDispose]());

  it('the docs show operations at all', () => expect(shown.length).toBeGreaterThan(2));

  it.each<Shown>([
    ...shown.map(([page, text], index): Shown => [`${page} ${index}`, text, undefined]),
    ...tabs,
    ['Confirm with everything', CONFIRM, '{"input":{"idempotencyKey":"k","from":{"quoteId":"x"}}}'],
    ['Retry with everything', RETRY, '{"input":{"id":"x"}}'],
    ['Validate', VALIDATE, undefined],
    ['a full page', `{ purchases(first: 100) { edges { node { ...Everything } } } } ${PURCHASE}`, undefined],
  ])('%s passes', async (_name, query, variables) => {
    const { results, errors } = await overSocket(stack, query, JSON.parse(variables ?? '{}'));
    expect(JSON.stringify([results, errors])).not.toMatch(/OPERATION_TOO_COMPLEX|SYNTAX/i);
  });
});

const times = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');
/** The known bombs, each with the limit that it dies of. */
const bombs: readonly [
  name: string,
  query: string,
  variables: object,
  limit: string | undefined,
  actual?: number,
][] = [
  ['too many tokens', `{ ${'__typename '.repeat(1_000)} }`, {}, 'LIMIT_TOKENS'],
  [
    'too deep',
    `{ purchases(first: 1) { edges { node { account { purchases(first: 1) { edges { node { account { purchases(first: 1) {
      edges { node { account { purchases(first: 1) { edges { node { account { name } } } } } } } } } } } } } } } } }`,
    {},
    'LIMIT_DEPTH',
    17,
  ],
  [
    'too deep by fragments',
    `{ purchases(first: 1) { edges { node { ...A } } } } fragment A on Purchase { account { purchases(first: 1) { edges { node { ...B } } } } }
     fragment B on Purchase { account { purchases(first: 1) { edges { node { ...C } } } } }
     fragment C on Purchase { account { purchases(first: 1) { edges { node { account { purchases(first: 1) { edges { node { id } } } } } } } } }`,
    {},
    'LIMIT_DEPTH',
    20,
  ],
  ['aliases', `{ ${times(31, (n) => `a${n}: __typename`)} }`, {}, 'LIMIT_ALIASES', 31],
  [
    'confirms by alias',
    `mutation { ${times(31, (n) => `a${n}: retryPurchase(input: { id: "x" }) { __typename }`)} }`,
    {},
    'LIMIT_ALIASES',
    31,
  ],
  ['directives', `{ __typename ${'@skip(if: false) '.repeat(31)} }`, {}, 'LIMIT_DIRECTIVES', 31],
  [
    'pages of pages',
    '{ purchases(first: 100) { edges { node { account { purchases(first: 100) { edges { node { id } } } } } } } }',
    {},
    'LIMIT_COST',
  ],
  [
    'pages of pages by variables',
    'query ($n: Int) { purchases(first: $n) { edges { node { account { purchases(last: $n) { edges { node { id } } } } } } } }',
    { n: 100 },
    'LIMIT_COST',
  ],
  [
    'pages of pages from the end of a fragment',
    '{ ...P } fragment P on Query { purchases(last: 100) { edges { node { account { ...A } } } } } fragment A on Account { purchases(last: 100) { edges { node { id } } } }',
    {},
    'LIMIT_COST',
  ],
  [
    'fragments that double at each step',
    `{ accounts { ...F0 } } ${times(30, (n) => `fragment F${n} on Account { ...F${n + 1} ...F${n + 1} }`)} fragment F30 on Account { id }`,
    {},
    'LIMIT_COST',
  ],
  [
    'the schema, over and over',
    `{ ${times(20, (n) => `s${n}: __schema { types { name } }`)} }`,
    {},
    'LIMIT_COST',
  ],
  [
    'a field repeated, which validation compares in pairs',
    `{ ${'accounts { id } '.repeat(200)} }`,
    {},
    undefined,
    200,
  ],
  [
    'a fragment repeated',
    `{ ${'...F '.repeat(200)} } fragment F on Query { __typename }`,
    {},
    undefined,
    200,
  ],
  [
    'a long list in the document',
    `{ nodes(ids: [${'"x" '.repeat(201)}]) { id } }`,
    {},
    'LIMIT_LIST_ITEMS',
    201,
  ],
  [
    'a long list in the variables',
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    { ids: Array(201).fill('x') },
    'LIMIT_LIST_ITEMS',
    201,
  ],
  [
    'a long list deep in the variables',
    'query ($f: PurchaseFilter) { purchases(filter: $f) { edges { cursor } } }',
    { f: { status: Array(500).fill('FAILED') } },
    'LIMIT_LIST_ITEMS',
    500,
  ],
];

describe('the known bombs', () => {
  let stack: Stack;
  beforeAll(async () => void (stack = await startStack()));
  afterAll(() => stack[Symbol.asyncDispose]());

  it.each(bombs)(
    '%s: dies before it is executed, over HTTP',
    async (_name, query, variables, limit, actual) => {
      const before = stack.sandbox.calls.length;
      const answer = await post(stack, { query, variables });
      expect(answer.status).toBe(400);
      expect(answer.body).not.toHaveProperty('data');
      const [error] = answer.body['errors'];
      expect(error.extensions).toMatchObject({
        code: 'OPERATION_TOO_COMPLEX',
        allowed: expect.any(Number),
        ...(limit !== undefined && { limit }),
        ...(actual !== undefined && { actual }),
      });
      expect(error.message).toMatch(/^The operation has .*\d.*\. [A-Z].*\.$/);
      expect(error.extensions).not.toHaveProperty('http');
      expect(stack.sandbox.calls).toHaveLength(before);
    },
  );

  it.each(bombs)('%s: dies before it is executed, over WebSocket', async (_name, query, variables) => {
    const before = stack.sandbox.calls.length;
    const { errors, results } = await overSocket(stack, query, variables);
    const error = errors[0] ?? results[0]?.errors?.[0];
    expect(error.extensions.code).toBe('OPERATION_TOO_COMPLEX');
    expect(error.extensions).not.toHaveProperty('http');
    expect(results.every(({ data }) => data == null)).toBe(true);
    expect(stack.sandbox.calls).toHaveLength(before);
  });

  it('a subscription is limited as a query is', async () => {
    const query = `subscription { purchaseEvents { purchase { account { purchases(first: 100) { edges { node { account { purchases(first: 100) { edges { node { id } } } } } } } } } } }`;
    const { errors, results } = await overSocket(stack, query, {});
    expect(JSON.stringify([errors, results])).toContain('OPERATION_TOO_COMPLEX');
  });

  it('what a client may not send cannot buy a cheaper count for what it may', async () => {
    const query =
      'query ($z: String, $n: Int) { purchase(by: { reference: $z }) { id } purchases(first: $n) { edges { node { account { purchases(first: $n) { edges { node { id } } } } } } } }';
    // As if the first of these were remembered under the name of the second.
    await post(stack, { query, variables: { 'z string\nn 100 ': 1, z: 'x', n: 1 } });
    await post(stack, { query, variables: { z: '\nn 100', n: 1 } });
    const answer = await post(stack, { query, variables: { z: 'x', n: 100 } });
    expect(answer.body['errors'][0].extensions.limit).toBe('LIMIT_COST');
  });

  it('an argument that cannot be read does not hide the cost of the rest', async () => {
    const query =
      'query ($id: ID = "x") { account(id: $id) { id } purchases(first: 100) { edges { node { account { purchases(first: 100) { edges { node { id } } } } } } } }';
    const before = stack.sandbox.calls.length;
    const answer = await post(stack, { query, variables: { id: null } });
    expect(answer.body).not.toHaveProperty('data');
    expect(stack.sandbox.calls).toHaveLength(before);
  });

  it.each(['', 'Other'])('%j for a name does not hide what a known document costs', async (operationName) => {
    const query =
      'query Pages($n: Int) { purchases(first: $n) { edges { node { account { purchases(first: $n) { edges { node { id } } } } } } } }';
    for (let time = 0; time < 6; time += 1)
      expect((await post(stack, { query, variables: { n: 1 } })).status).toBe(200);
    const answer = await post(stack, { query, variables: { n: 100 }, operationName });
    expect(answer.status).toBe(400);
    expect(answer.body).not.toHaveProperty('data');
  });

  it('an operation that there is not is executed by nobody, whoever lets it through', async () => {
    const { onExecute } = operationLimits(loadConfig(environment(stack.sandbox, 'x.db')).limits.operation);
    const refused: ExecutionResult[] = [];
    const event = {
      args: { schema, document: parse('query A { __typename }'), operationName: '' },
      setResultAndStopExecution: (result: ExecutionResult) => refused.push(result),
    };
    // What of Envelop's event the plugin looks at.
    await onExecute?.(event as never);
    expect(refused[0]?.errors?.[0]?.extensions['code']).toBe('OPERATION_RESOLUTION_FAILURE');
  });

  const overHttp =
    (headers: Readonly<Record<string, string>>) => async (query: string, variables: object) => {
      const { status, text } = await post(stack, { query, variables }, headers);
      return { status, text };
    };
  it.each<[string, (query: string, variables: object) => Promise<unknown>]>([
    ['HTTP', overHttp({})],
    ['HTTP, as plain JSON', overHttp({ accept: 'application/json' })],
    ['HTTP by way of Yoga', overHttp({ 'content-type': 'application/json;v=1' })],
    ['an event stream', overHttp({ accept: 'text/event-stream' })],
    ['WebSocket', (query, variables) => overSocket(stack, query, variables)],
  ])('a wrong variable is told alike whatever was asked before, over %s', async (entrance, ask) => {
    const name = entrance.replaceAll(/\W/g, '');
    const query = `query ${name}($f: PurchaseFilter) { purchases(filter: $f) { edges { cursor } } }`;
    const wrong = { f: { createdAfter: 'x' } };
    const first = await ask(query, wrong);
    // It costs what the wrong one would.
    expect(JSON.stringify(await ask(query, { f: {} }))).not.toContain('BAD_USER_INPUT');
    expect(await ask(query, wrong)).toEqual(first);
    expect(JSON.stringify(first)).toContain('BAD_USER_INPUT');
  });

  it.each([
    ['query Twice($n: Int!) { purchases(first: $n) { edges { cursor } } }', 1, '2'],
    ['query Twice($ids: [ID!]!) { nodes(ids: $ids) { id } }', ['x'], [{}]],
  ])('%s is answered for %j, and refused for %j with 400', async (query, right, wrong) => {
    const [, name = ''] = /\$(\w+)/.exec(query) ?? [];
    // More often than it takes to be compiled.
    for (let time = 0; time < 5; time += 1) await post(stack, { query, variables: { [name]: right } });
    const answer = await post(stack, { query, variables: { [name]: wrong } });
    expect(answer.status).toBe(400);
    expect(answer.body['errors'][0]).toMatchObject({
      locations: [{ line: 1 }],
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });

  it('a wrong variable of a subscription is told alike too', async () => {
    const query = 'subscription ($f: PurchaseFilter) { purchaseEvents(filter: $f) { cursor } }';
    const wrong = { f: { createdAfter: 'x' } };
    const first = await overSocket(stack, query, wrong);
    expect(await overSocket(stack, query, { f: {} })).toEqual({ results: [], errors: [] });
    expect(await overSocket(stack, query, wrong)).toEqual(first);
    expect(JSON.stringify(first)).toContain('BAD_USER_INPUT');
  });

  it('variables nested without end are refused', async () => {
    const nested = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    const answer = await post(stack, `{"query":"{ __typename }","variables":${nested}}`);
    expect(answer.body['errors'][0].extensions.code).toBe('OPERATION_TOO_COMPLEX');
  });

  it('GraphiQL may ask for the schema', async () => {
    const query = getIntrospectionQuery({
      schemaDescription: true,
      specifiedByUrl: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    const answer = await post(stack, { query });
    expect(answer.body['errors']).toBeUndefined();
    expect(answer.body['data'].__schema.types.length).toBeGreaterThan(30);
  });

  it('the schema’s own cycles are cut', async () => {
    const query =
      '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }';
    expect((await post(stack, { query })).body['errors'][0].message).toMatch(/introspection depth/i);
  });

  it('fragments in a circle are refused, not followed', async () => {
    const query = '{ accounts { ...A } } fragment A on Account { ...B } fragment B on Account { ...A }';
    const answer = await post(stack, { query });
    expect(answer.status).toBe(400);
    expect(answer.body['errors'][0].message).toContain('Cannot spread fragment');
  });

  it('no batch is run, over HTTP or over WebSocket', async () => {
    const batch = await post(stack, [{ query: '{ __typename }' }, { query: '{ __typename }' }]);
    expect(batch.status).toBe(400);
    expect(batch.body['errors'][0].message).toMatch(/batch/i);
  });

  it('what is refused is logged with its code', async () => {
    await overSocket(stack, bombs[6]?.[1] ?? '', {});
    expect(stack.logged()).toContain('"outcome":"OPERATION_TOO_COMPLEX"');
  });
});

it('a limit is what the environment says', async () => {
  await using stack = await startStack({ env: { LIMIT_ALIASES: '1', LIMIT_DEPTH: '2' } });
  const code = async (query: string) => (await post(stack, { query })).body['errors']?.[0].extensions.limit;
  expect(await code('{ a: __typename }')).toBeUndefined();
  expect(await code('{ a: __typename b: __typename }')).toBe('LIMIT_ALIASES');
  expect(await code('{ products { type } }')).toBeUndefined();
  expect(await code('{ products { providers { code } } }')).toBe('LIMIT_DEPTH');
});

it('a caller’s subscriptions are limited over every socket and event stream, and one that ends makes room', async () => {
  await using stack = await startStack({ env: { LIMIT_SUBSCRIPTIONS_PER_CALLER: '2' } });
  const query = 'subscription { purchaseEvents { cursor } }';
  const first = subscribe(stack.socket(), query);
  const stream = await fetch(`${stack.gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query }),
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const refused = await overSocket(stack, query, {});
  expect(JSON.stringify([refused.errors, refused.results])).toContain('TOO_MANY_SUBSCRIPTIONS');
  const overHttp = await post(stack, { query }, { accept: 'text/event-stream' });
  expect(overHttp.text).toContain('TOO_MANY_SUBSCRIPTIONS');
  await stream.body?.cancel();
  await first.stop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const again = subscribe(stack.socket(), query);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await again.stop();
  await again.done;
});
