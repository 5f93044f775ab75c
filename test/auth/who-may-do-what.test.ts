import { readFileSync } from 'node:fs';

import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { encodeEventCursor } from '../../src/schema/cursor.ts';
import { schema } from '../../src/schema/index.ts';
import { everyScope, type TokenOptions } from '../support/issuer.ts';
import { confirm, electricity, socketClient, validate, walletId, type Answer } from '../support/stack.ts';
import { startTenants, type Tenants } from '../support/tenants.ts';

/** It holds rands, and is not the wallet that everything is paid from. */
const RAND_ACCOUNT = 13212;

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
  /** What must be in the answer for it to be what was asked for. */
  readonly about?: () => string;
  /** Fresh for each run. */
  readonly variables?: (run: string) => object;
}

let tenants: Tenants;
let account = '';
let purchase = '';
let quote = '';
const cursor = encodeEventCursor('shop', 0);
let details: object = {};

/** Whose things they are that are asked for: those of the integration `shop`, paid from its wallet. */
const relations = {
  'its own': { integration: 'shop' },
  'its own, with another account': { integration: 'shop', accounts: [RAND_ACCOUNT] },
  'of another integration': { integration: 'kiosk' },
  'of none': { integration: undefined },
  'of one that is not served': { integration: 'nowhere' },
} as const;
type Relation = keyof typeof relations;

beforeAll(async () => {
  tenants = await startTenants({ kiosk: { accounts: [RAND_ACCOUNT] } });
  const [shop, kiosk] = [await tenants.as(), await tenants.as({ integration: 'kiosk' })];
  account = await walletId(shop);
  details = await electricity(shop);
  quote = (await validate(shop, details))['id'];
  purchase = (await confirm(shop, { idempotencyKey: 'before', from: { details } }))['id'];
  // Something to be seen by whoever sees none of that.
  const rand = {
    ...(await electricity(shop)),
    ...{ accountId: Buffer.from(`Account:${RAND_ACCOUNT}`).toString('base64') },
    amount: { amount: '10.00', currency: 'ZAR' },
  };
  for (const caller of [shop, kiosk])
    await confirm(caller, { idempotencyKey: 'rand', from: { details: rand } });
});
afterAll(() => tenants[Symbol.asyncDispose]());

const byId = (id: () => string) => () => ({ id: id() });

/** Every root field there is, and what leads from one thing to another. */
const operations: Record<string, Operation> = {
  viewer: { query: '{ viewer { username role organisation { code } surface scopes } }' },
  '… accounts': { query: '{ viewer { accounts { id } } }', about: () => account },
  products: { query: '{ products { type providers { code } subscriberId { hint } } }' },
  accounts: { query: '{ accounts { id name balance { amount } } }', about: () => account },
  account: {
    query: 'query ($id: ID!) { account(id: $id) { id balance { amount } } }',
    variables: byId(() => account),
    about: () => account,
  },
  '… its purchases': {
    query: 'query ($id: ID!) { account(id: $id) { purchases(first: 9) { edges { node { id } } } } }',
    variables: byId(() => account),
  },
  purchases: {
    query: '{ purchases(first: 99) { pageInfo { hasNextPage } edges { cursor node { id status } } } }',
    about: () => purchase,
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
    about: () => purchase,
  },
  accountUpdated: {
    query: 'subscription ($id: ID!) { accountUpdated(id: $id) { balance { amount } } }',
    variables: byId(() => account),
  },
};

/** What an answer says, in a word. */
function wordOf({ data, errors }: Answer, { about }: Operation): string {
  const codes = new Set((errors ?? []).map(({ extensions }) => String(extensions?.['code'])));
  if (codes.size > 0) return [...codes].join(' ');
  const [value] = Object.values(data ?? {});
  const text = JSON.stringify(value);
  if (text.includes('"digits":null')) return 'hidden';
  if (value === null || text === '[null]') return 'null';
  const refused = /^\{"code":"(\w+)"\}$/.exec(text)?.[1];
  if (refused !== undefined) return refused;
  return about === undefined || text.includes(about()) ? 'yes' : 'others';
}

/** Over HTTP; a subscription as server-sent events. */
async function overHttp(operation: Operation, token: string | undefined, run: string): Promise<string> {
  const gone = new AbortController();
  const response = await fetch(`${tenants.gateway.url}/graphql`, {
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
  if (response.status === 401) return '401';
  return wordOf(JSON.parse(/^data: (\{.*\})$/m.exec(text)?.[1] ?? text), operation);
}

/** Over WebSocket, the first result; or how the socket was closed. */
async function overWebSocket(operation: Operation, token: string | undefined, run: string): Promise<string> {
  const client = socketClient(tenants.gateway.url, {
    ...(token !== undefined && { connectionParams: { authorization: `Bearer ${token}` } }),
  });
  try {
    const results = client.iterate({ query: operation.query, variables: { ...operation.variables?.(run) } });
    const { value } = await results.next();
    await results.return?.();
    return wordOf(value as Answer, operation);
  } catch (error) {
    if (Array.isArray(error)) return wordOf({ errors: error }, operation);
    return String((error as { code: number }).code);
  } finally {
    await client.dispose();
  }
}

const cells = new Map<string, string>();
const cell = (name: string, caller: string, relation: Relation = 'its own') =>
  cells.get(`${name} | ${caller} | ${relation}`) ?? 'not tried';
const closedWith: Record<string, string> = { '401': '4403' };
const everyone = Object.keys(callers);

describe('who may do what', () => {
  describe.each(Object.entries(relations))('with things that are %s', (relation, claims) => {
    it.each(everyone)('%s, over HTTP and over WebSocket alike', async (caller) => {
      const [own, options] = callers[caller] ?? [];
      const token = own && (await tenants.issuer.token({ ...claims, ...own }, options));
      for (const [name, operation] of Object.entries(operations)) {
        const run = `${caller} ${relation}`;
        const http = await overHttp(operation, token, `${run} http`);
        const webSocket = await overWebSocket(operation, token, `${run} ws`);
        expect(webSocket, name).toBe(closedWith[http] ?? http);
        cells.set(`${name} | ${caller} | ${relation}`, http);
      }
    });
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

  it('a scope that is wanting is wanting in every integration, and none opens another', () => {
    for (const name of Object.keys(operations)) {
      for (const caller of everyone) {
        const own = cell(name, caller);
        for (const relation of Object.keys(relations) as Relation[]) {
          const there = cell(name, caller, relation);
          const what = `${name}, ${caller}, ${relation}`;
          if (own === '401') expect(there, what).toBe('401');
          else if (['of none', 'of one that is not served'].includes(relation))
            expect(there, what).toBe('FORBIDDEN');
          else if (own === 'FORBIDDEN') {
            // What is not there is found out first; what is there is not told.
            expect(['FORBIDDEN', cell(name, 'every', relation)], what).toContain(there);
            expect(['yes', 'others'], what).not.toContain(there);
          } else if (own === 'yes') expect(there, what).toBe(cell(name, 'every', relation));
        }
      }
    }
  });

  it('who was refused moved no money', () => {
    const allowed = everyone.filter((caller) => cell('confirmPurchase', caller) === 'yes');
    expect(allowed).toEqual(['purchases: write', 'every']);
    const { shop, kiosk } = tenants.sandboxes;
    // Three purchases over each entrance, and the two from before.
    expect(shop.ledger).toHaveLength(allowed.length * 3 * 2 + 2);
    expect(kiosk.ledger).toHaveLength(1);
  });

  it('are the tables of docs/security.md', async () => {
    const table = (head: readonly string[], of: (name: string) => readonly string[]) =>
      [
        `| | ${head.join(' | ')} |`,
        `| --- |${head.map(() => ' --- |').join('')}`,
        ...Object.keys(operations).map(
          (name) => `| ${name.trim()} | ${of(name).join(' | ').replaceAll('FORBIDDEN', '–')} |`,
        ),
      ].join('\n');
    const whose = Object.keys(relations) as Relation[];
    const tables = {
      'who may do what': table(everyone, (name) => everyone.map((caller) => cell(name, caller))),
      'whose things': table(whose, (name) => whose.map((relation) => cell(name, 'every', relation))),
    };
    let page = readFileSync('docs/security.md', 'utf8');
    for (const [title, text] of Object.entries(tables)) {
      page = page.replace(
        new RegExp(`(<!-- the table of ${title} -->)[^]*?(<!-- its end -->)`),
        (_, begin: string, end: string) => `${begin}\n\n${text}\n\n${end}`,
      );
      expect(page).toContain(text);
    }
    const options = await resolveConfig('docs/security.md');
    await expect(await format(page, { ...options, parser: 'markdown' })).toMatchFileSnapshot(
      '../../docs/security.md',
    );
  });
});
