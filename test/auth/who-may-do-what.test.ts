import { readFileSync } from 'node:fs';

import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { schema } from '../../src/schema/index.ts';
import { everyScope, startIssuer, type Issuer, type TokenOptions } from '../support/issuer.ts';
import {
  confirm,
  electricity,
  graphqlCaller,
  socketClient,
  startStack,
  validate,
  walletId,
  type Answer,
  type Stack,
} from '../support/stack.ts';

/** Who calls: the claims and the making of the token; undefined: without one. */
const callers: Record<string, [claims: object, options?: TokenOptions] | undefined> = {
  'no token': undefined,
  expired: [{}, { expiresIn: -1 }],
  'wrong audience': [{ aud: 'another' }],
  'no scope': [{ scope: '' }],
  'accounts: read': [{ scope: 'accounts:read' }],
  'purchases: read': [{ scope: 'purchases:read' }],
  'purchases: write': [{ scope: 'purchases:write' }],
  'purchases: read, tokens: read': [{ scope: 'purchases:read tokens:read' }],
  'tokens: read': [{ scope: 'tokens:read' }],
  every: [{ scope: everyScope }],
};

interface Operation {
  readonly query: string;
  /** Fresh for each run. */
  readonly variables?: (run: string) => object;
}

let issuer: Issuer;
let stack: Stack;
let account = '';
let purchase = '';
let quote = '';
let cursor = '';
let details: object = {};

beforeAll(async () => {
  issuer = await startIssuer();
  stack = await startStack({ env: issuer.env });
  const graphql = graphqlCaller(stack.gateway.url, await issuer.token());
  account = await walletId(graphql);
  details = await electricity(graphql);
  quote = (await validate(graphql, details))['id'];
  purchase = (await confirm(graphql, { idempotencyKey: 'before', from: { details } }))['id'];
  cursor = Buffer.from('event:0').toString('base64url');
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

const byId = (id: () => string) => () => ({ id: id() });

/** Every root field there is, and what leads from one thing to another. */
const operations: Record<string, Operation> = {
  viewer: { query: '{ viewer { username role organisation { code } surface scopes } }' },
  '… accounts': { query: '{ viewer { accounts { id } } }' },
  products: { query: '{ products { type providers { code } subscriberId { hint } } }' },
  accounts: { query: '{ accounts { id name balance { amount } } }' },
  account: {
    query: 'query ($id: ID!) { account(id: $id) { balance { amount } } }',
    variables: byId(() => account),
  },
  '… its purchases': {
    query: 'query ($id: ID!) { account(id: $id) { purchases(first: 1) { edges { node { id } } } } }',
    variables: byId(() => account),
  },
  purchases: {
    query: '{ purchases(first: 1) { pageInfo { hasNextPage } edges { cursor node { id status } } } }',
  },
  purchase: {
    query: 'query ($id: ID!) { purchase(by: { id: $id }) { status attempts { outcome } tokens { kind } } }',
    variables: byId(() => purchase),
  },
  '… its account': {
    query: 'query ($id: ID!) { purchase(by: { id: $id }) { account { name } } }',
    variables: byId(() => purchase),
  },
  '… its tokens’ digits': {
    query: 'query ($id: ID!) { purchase(by: { id: $id }) { tokens { digits formatted } } }',
    variables: byId(() => purchase),
  },
  'node, an account': { query: 'query ($id: ID!) { node(id: $id) { id } }', variables: byId(() => account) },
  'node, a purchase': { query: 'query ($id: ID!) { node(id: $id) { id } }', variables: byId(() => purchase) },
  'node, a purchase that is none': {
    query: 'query ($id: ID!) { node(id: $id) { id } }',
    variables: byId(() => Buffer.from('Purchase:nobody').toString('base64')),
  },
  'node, a quote': { query: 'query ($id: ID!) { node(id: $id) { id } }', variables: byId(() => quote) },
  'nodes, a purchase': {
    query: 'query ($id: ID!) { nodes(ids: [$id]) { id } }',
    variables: byId(() => purchase),
  },
  validatePurchase: {
    query: `mutation ($input: PurchaseInput!) { validatePurchase(input: $input) {
      ... on Quote { id charges { total { amount } } } ... on Problem { code } } }`,
    variables: () => ({ input: details }),
  },
  confirmPurchase: {
    query: `mutation ($input: ConfirmPurchaseInput!) { confirmPurchase(input: $input) {
      ... on Purchase { id status reference problem { code } } ... on Problem { code } } }`,
    variables: (run) => ({ input: { idempotencyKey: run, from: { details } } }),
  },
  '… its account ': {
    query: `mutation ($input: ConfirmPurchaseInput!) { confirmPurchase(input: $input) {
      ... on Purchase { account { name } } ... on Problem { code } } }`,
    variables: (run) => ({ input: { idempotencyKey: `account ${run}`, from: { details } } }),
  },
  '… its tokens’ digits ': {
    query: `mutation ($input: ConfirmPurchaseInput!) { confirmPurchase(input: $input) {
      ... on Purchase { tokens { digits } } ... on Problem { code } } }`,
    variables: (run) => ({ input: { idempotencyKey: `digits ${run}`, from: { details } } }),
  },
  retryPurchase: {
    query: `mutation ($input: RetryPurchaseInput!) { retryPurchase(input: $input) {
      ... on Purchase { status } ... on Problem { code } } }`,
    variables: () => ({ input: { id: purchase } }),
  },
  purchaseUpdated: {
    query: 'subscription ($id: ID!) { purchaseUpdated(id: $id) { status } }',
    variables: byId(() => purchase),
  },
  purchaseEvents: {
    query: 'subscription ($after: String) { purchaseEvents(after: $after) { status purchase { id } } }',
    variables: () => ({ after: cursor }),
  },
  accountUpdated: {
    query: 'subscription ($id: ID!) { accountUpdated(id: $id) { balance { amount } } }',
    variables: byId(() => account),
  },
};

/** What an answer says, in a word. */
function wordOf({ data, errors }: Answer): string {
  const codes = new Set((errors ?? []).map(({ extensions }) => String(extensions?.['code'])));
  if (codes.size > 0) return [...codes].join(' ');
  const [value] = Object.values(data ?? {});
  const text = JSON.stringify(value);
  if (text.includes('"digits":null')) return 'hidden';
  return value === null ? 'null' : 'yes';
}

/** Over HTTP; a subscription as server-sent events. */
async function overHttp(operation: Operation, token: string | undefined, run: string): Promise<string> {
  const gone = new AbortController();
  const response = await fetch(`${stack.gateway.url}/graphql`, {
    method: 'POST',
    signal: gone.signal,
    headers: {
      'content-type': 'application/json',
      ...(operation.query.startsWith('subscription') && { accept: 'text/event-stream' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: operation.query, variables: operation.variables?.(run) }),
  });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (/^data: \{.*\}$/m.test(text)) break;
  }
  gone.abort();
  if (response.status !== 200) return String(response.status);
  return wordOf(JSON.parse(/^data: (\{.*\})$/m.exec(text)?.[1] ?? text));
}

/** Over WebSocket, the first result; or how the socket was closed. */
async function overWebSocket(operation: Operation, token: string | undefined, run: string): Promise<string> {
  const client = socketClient(stack.gateway.url, {
    ...(token !== undefined && { connectionParams: { authorization: `Bearer ${token}` } }),
  });
  try {
    const results = client.iterate({ query: operation.query, variables: { ...operation.variables?.(run) } });
    const { value } = await results.next();
    await results.return?.();
    return wordOf(value as Answer);
  } catch (error) {
    if (Array.isArray(error)) return wordOf({ errors: error });
    return String((error as { code: number }).code);
  } finally {
    await client.dispose();
  }
}

const cells = new Map<string, string>();
const closedWith: Record<string, string> = { '401': '4403' };

describe('who may do what', () => {
  it.each(Object.keys(callers))('%s, over HTTP and over WebSocket alike', async (caller) => {
    const made = callers[caller];
    const token = made === undefined ? undefined : await issuer.token(...made);
    for (const [name, operation] of Object.entries(operations)) {
      const http = await overHttp(operation, token, `${caller} http`);
      const webSocket = await overWebSocket(operation, token, `${caller} ws`);
      expect(webSocket, name).toBe(closedWith[http] ?? http);
      cells.set(`${name} ${caller}`, http);
    }
  });

  it('was asked of every root field there is', () => {
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const fields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}));
    for (const field of fields)
      expect(
        Object.values(operations).some(({ query }) => new RegExp(`\\b${field}\\b`).test(query)),
        field,
      ).toBe(true);
  });

  it('who was refused moved no money', () => {
    const allowed = Object.keys(callers).filter((caller) => cells.get(`confirmPurchase ${caller}`) === 'yes');
    expect(allowed).toEqual(['purchases: write', 'every']);
    // Three purchases over each entrance, and the one from before.
    expect(stack.sandbox.ledger).toHaveLength(allowed.length * 3 * 2 + 1);
  });

  it('is the table of docs/security.md', async () => {
    const names = Object.keys(callers);
    const table = [
      `| | ${names.join(' | ')} |`,
      `| --- |${names.map(() => ' --- |').join('')}`,
      ...Object.keys(operations).map((name) => {
        const row = names.map((caller) => cells.get(`${name} ${caller}`)?.replace('FORBIDDEN', '–'));
        return `| ${name.trim()} | ${row.join(' | ')} |`;
      }),
    ].join('\n');
    const page = readFileSync('docs/security.md', 'utf8').replace(
      /(<!-- the table of who may do what -->)[^]*(<!-- its end -->)/,
      (_, begin: string, end: string) => `${begin}\n\n${table}\n\n${end}`,
    );
    expect(page).toContain(table);
    const options = await resolveConfig('docs/security.md');
    await expect(await format(page, { ...options, parser: 'markdown' })).toMatchFileSnapshot(
      '../../docs/security.md',
    );
  });
});
