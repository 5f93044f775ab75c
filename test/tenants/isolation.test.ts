import { randomUUID } from 'node:crypto';

import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { openSqliteRecord } from '../../src/journal/sqlite.ts';
import { encodeEventCursor } from '../../src/schema/cursor.ts';
import { onTheHappyMeter } from '../attack/harness.ts';
import { purchaseIn } from '../journal/fixtures.ts';
import { command } from '../support/operator.ts';
import {
  confirm,
  purchaseOf,
  PURCHASE,
  retry,
  subscribe,
  until,
  validate,
  type GraphQLCaller,
} from '../support/stack.ts';
import { startTenants, type Tenants } from '../support/tenants.ts';

const EVENTS = 'subscription ($after: String) { purchaseEvents(after: $after) { cursor purchase { id } } }';
const LIST = '{ purchases { edges { node { id } } } }';
const NODES = `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } node(id: "UHVyY2hhc2U6eA==") { id } }`;
const FIND = `query ($by: PurchaseBy!) { purchase(by: $by) { ...Everything } } ${PURCHASE}`;
const entry = z.object({ action: z.string(), actor: z.string(), name: z.string() });
const buy = (graphql: GraphQLCaller, idempotencyKey: string = randomUUID(), change = {}) =>
  confirm(graphql, { idempotencyKey, from: { details: { ...onTheHappyMeter, ...change } } });

describe('two integrations on one gateway', () => {
  let tenants: Tenants;
  let shop: GraphQLCaller;
  let kiosk: GraphQLCaller;
  beforeAll(async () => {
    // Nothing of an upstream is known from before it was away.
    tenants = await startTenants({ env: { PRODUCTS_FRESH_MS: '0' } });
    [shop, kiosk] = [await tenants.as(), await tenants.as({ integration: 'kiosk', sub: 'till' })];
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  it('each buys at its own upstream, and the same key is a purchase in each', async () => {
    const key = randomUUID();
    const [mine, theirs] = [await buy(shop, key), await buy(kiosk, key)];
    expect([mine['status'], theirs['status']]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(mine['id']).not.toBe(theirs['id']);
    const { sandboxes } = tenants;
    const references = (name: 'shop' | 'kiosk') =>
      sandboxes[name].ledger.map(({ externalReference }) => externalReference);
    expect(references('shop')).toContain(mine['reference']);
    expect(references('shop')).not.toContain(theirs['reference']);
    expect(references('kiosk')).toEqual([theirs['reference']]);
    expect((await buy(shop, key))['id']).toBe(mine['id']);
    expect((await purchaseOf(kiosk, { idempotencyKey: key }))['id']).toBe(theirs['id']);
  });

  it('what belongs to another is answered as what was never there', async () => {
    const key = randomUUID();
    const mine = await buy(shop, key);
    const quote = await validate(shop, onTheHappyMeter);
    const ghost = Buffer.from(`Purchase:${randomUUID()}`).toString('base64');
    const ghostQuote = Buffer.from(`Quote:${randomUUID()}`).toString('base64');
    const same = async (ask: (real: boolean) => Promise<unknown>) =>
      expect(await ask(true)).toEqual(await ask(false));
    await same((real) => kiosk(NODES, { ids: [real ? mine['id'] : ghost] }));
    await same((real) => kiosk(NODES, { ids: [real ? quote['id'] : ghostQuote] }));
    await same((real) => kiosk(FIND, { by: { id: real ? mine['id'] : ghost } }));
    await same((real) => kiosk(FIND, { by: { reference: real ? mine['reference'] : 'GW-x' } }));
    await same((real) => kiosk(FIND, { by: { idempotencyKey: real ? key : 'never' } }));
    await same((real) => retry(kiosk, { id: real ? mine['id'] : ghost }));
    await same((real) =>
      confirm(kiosk, { idempotencyKey: randomUUID(), from: { quoteId: real ? quote['id'] : ghostQuote } }),
    );
    const client = await tenants.socketAs({ integration: 'kiosk' });
    await same(async (real) => {
      const watched = subscribe(client, 'subscription ($id: ID!) { purchaseUpdated(id: $id) { id } }', {
        id: real ? mine['id'] : ghost,
      });
      await watched.done.catch(() => undefined);
      return watched.results;
    });
    // And its own owner sees all of it.
    const own = await shop(NODES, { ids: [mine['id'], quote['id']] });
    expect(own.data?.['nodes']).toMatchObject([{ __typename: 'Purchase' }, { __typename: 'Quote' }]);
  });

  it('lists, events and their positions are of one integration alone', async () => {
    const theirs: string[] = [];
    const live = subscribe(await tenants.socketAs({ integration: 'kiosk' }), EVENTS);
    const mine = subscribe(await tenants.socketAs(), EVENTS);
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (let n = 0; n < 3; n += 1) await buy(shop);
    theirs.push((await buy(kiosk))['id']);
    await until(() => live.results.length === 2 && mine.results.length === 6, 'all events');
    const seen = live.results.map(({ data }) => data?.['purchaseEvents']);
    expect(new Set(seen.map(({ purchase }) => purchase.id))).toEqual(new Set(theirs));
    // No gap tells how much another buys: the cursors count on by one.
    const position = (cursor: string) =>
      Number(/\d+$/.exec(Buffer.from(cursor, 'base64url').toString())?.[0]);
    expect(position(seen[1].cursor) - position(seen[0].cursor)).toBe(1);
    const listed = await kiosk(LIST);
    const ids: string[] = listed.data?.['purchases'].edges.map(({ node }: any) => node.id);
    const shops = await shop(LIST);
    for (const { node } of shops.data?.['purchases'].edges) expect(ids).not.toContain(node.id);
    await live.stop();
    await mine.stop();

    // A cursor of another integration is no cursor here, wherever it points to.
    const foreign = mine.results[0]?.data?.['purchaseEvents'].cursor;
    const answers: string[] = [];
    for (const after of [foreign, Buffer.from('event:shop.1').toString('base64url'), 'nonsense']) {
      const refused = subscribe(await tenants.socketAs({ integration: 'kiosk' }), EVENTS, { after });
      await refused.done.catch(() => undefined);
      answers.push(JSON.stringify(refused.results));
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('after is no cursor of this list');
    // Its own resumes.
    const resumed = subscribe(await tenants.socketAs({ integration: 'kiosk' }), EVENTS, {
      after: seen[0].cursor,
    });
    await until(() => resumed.results.length === 1, 'the event after the cursor');
    expect(resumed.results[0]?.data?.['purchaseEvents'].cursor).toBe(seen[1].cursor);
    await resumed.stop();
  });

  it('whoever is shown a token, on whatever way, stands in the audit trail of its integration, once', async () => {
    const key = randomUUID();
    const { id, reference } = await buy(await tenants.as({ sub: 'buyer' }), key);
    await buy(kiosk);
    const [account, tokens] = [onTheHappyMeter.accountId, 'id tokens { digits }'];
    const queries: Record<string, string> = {
      purchase: `{ purchase(by: { reference: "${reference}" }) { ${tokens} } }`,
      formatted: `{ purchase(by: { id: "${id}" }) { id tokens { formatted } } }`,
      node: `{ node(id: "${id}") { ... on Purchase { ${tokens} } } }`,
      nodes: `{ nodes(ids: ["${id}"]) { ... on Purchase { ${tokens} } } }`,
      purchases: `{ purchases(first: 1) { edges { node { ${tokens} } } } }`,
      account: `{ account(id: "${account}") { purchases(first: 1) { edges { node { ${tokens} } } } } }`,
      retry: `mutation { retryPurchase(input: { id: "${id}" }) { ... on Purchase { ${tokens} } } }`,
    };
    const subscriptions: Record<string, string> = {
      updated: `subscription { purchaseUpdated(id: "${id}") { ${tokens} } }`,
      events: `subscription { purchaseEvents(after: "${encodeEventCursor('shop', 0)}") { purchase { ${tokens} } } }`,
    };
    const shows = (answer: unknown) => {
      const text = JSON.stringify(answer);
      return text.includes(id) && /(digits|formatted)\\?":\\?"\d/.test(text);
    };
    for (const [sub, query] of Object.entries(queries))
      for (const _ of [1, 2]) expect(shows(await (await tenants.as({ sub }))(query)), sub).toBe(true);
    expect((await buy(await tenants.as({ sub: 'again' }), key))['tokens']).toMatchObject([
      { digits: expect.stringMatching(/^\d+$/) as string },
    ]);
    const sockets = { ...subscriptions, 'purchase over WebSocket': queries['purchase'] ?? '' };
    for (const [sub, query] of Object.entries(sockets)) {
      const live = subscribe(await tenants.socketAs({ sub }), query);
      await until(() => live.results.some(shows), sub);
      await live.stop();
    }
    const streamed = await fetch(`${tenants.gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', accept: 'text/event-stream' },
        authorization: `Bearer ${await tenants.issuer.token({ integration: 'shop', sub: 'stream' })}`,
      },
      body: JSON.stringify({ query: subscriptions['updated'] }),
    });
    expect(shows(await streamed.text())).toBe(true);
    // Who sees no digits leaves no trace.
    const blind = await tenants.as({ sub: 'blind', scope: 'purchases:read' });
    expect((await blind(queries['purchase'] ?? '')).data?.['purchase'].tokens).toEqual([{ digits: null }]);
    await (
      await tenants.as({ sub: 'kind' })
    )(`{ node(id: "${id}") { ... on Purchase { tokens { kind } } } }`);
    await kiosk(queries['purchase'] ?? '');

    const trail = async (...argv: string[]) => {
      const { out } = await command(
        'purchases',
        ['audit', '--json', '--limit', '999', ...argv],
        tenants.path,
      );
      const { entries } = z.object({ entries: z.array(entry) }).parse(JSON.parse(out));
      return entries.reverse().map(({ action, actor, name }) => `${action} ${actor} ${name}`);
    };
    const shown = [...Object.keys(queries), 'again', ...Object.keys(sockets), 'stream'];
    expect(await trail(reference)).toEqual([
      'CONFIRMED CALLER buyer',
      ...shown.map((sub) => `REVEALED CALLER ${sub}`),
    ]);
    expect(await trail('--integration', 'kiosk')).not.toContainEqual(expect.stringContaining('REVEALED'));

    // What cannot be written is not shown.
    const disk = new Libsql(tenants.path);
    disk.exec(
      `create trigger full before insert on audit begin select raise(abort, 'the disk is full'); end`,
    );
    const late = await (await tenants.as({ sub: 'late' }))(queries['purchase'] ?? '');
    const own = await (await tenants.as({ sub: 'buyer' }))(queries['purchase'] ?? '');
    disk.exec('drop trigger full');
    disk.close();
    expect(late).toMatchObject({
      data: { purchase: { tokens: [{ digits: null }] } },
      errors: [{ extensions: { code: 'UNAVAILABLE', problemCode: 'record_unavailable' } }],
    });
    expect(shows(own)).toBe(true);
    expect(await trail(reference)).toHaveLength(1 + shown.length);
  });

  it('a caller of no integration, or of one that is not served, is told so over HTTP and WebSocket', async () => {
    for (const [integration, message] of [
      [undefined, /Several integrations are served here/],
      ['elsewhere', /not served here/],
      ['__proto__', /not served here/],
    ] as const) {
      const nobody = await tenants.as({ integration });
      const { errors } = await nobody('{ accounts { id } }');
      expect(errors).toMatchObject([
        { message: expect.stringMatching(message) as string, extensions: { code: 'FORBIDDEN' } },
      ]);
      const client = await tenants.socketAs({ integration });
      const refused = subscribe(client, EVENTS);
      await refused.done.catch((error: unknown) => expect(JSON.stringify(error)).toMatch(message));
      for (const result of refused.results) expect(JSON.stringify(result)).toMatch(message);
    }
  });

  it('an upstream that is away is away for its own integration alone', async () => {
    await tenants.sandboxes.kiosk.close();
    const failed = await buy(kiosk);
    expect(failed).toMatchObject({ __typename: 'Problem', retryable: true });
    expect((await buy(shop))['status']).toBe('SUCCEEDED');
    expect((await fetch(`${tenants.gateway.url}/health/ready`)).status).toBe(200);
    expect(tenants.logged()).toMatch(/"integration":"kiosk"/);
  });
});

it('a record with purchases of an integration that is not served is told of at the start, by its name', async () => {
  await using tenants = await startTenants({
    before: async (path) => {
      const record = await openSqliteRecord({ path });
      await purchaseIn(record.of('closed-down'), 'UNRESOLVED');
      await record.close();
    },
  });
  expect(tenants.logged()).toMatch(/"forgotten":\["closed-down"\].*nobody looks after them/);
  const { data } = await (await tenants.as())(LIST);
  expect(data?.['purchases'].edges).toEqual([]);
});
