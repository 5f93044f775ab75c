import { createServer } from 'node:http';

import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';

import { localCaller } from '../../src/auth/caller.ts';
import { clientAddress } from '../../src/http/client-address.ts';
import { Rates, type RateLimits } from '../../src/http/rates.ts';
import { openRateCounts } from '../../src/journal/postgres/rates.ts';
import { newSigningKey, signedToken, startIssuer } from '../support/issuer.ts';
import { noPostgres, temporarySchema } from '../support/postgres.ts';
import { CONFIRM, confirm, electricity, purchaseOf, retry, startStack, validate } from '../support/stack.ts';
import { handshake, overSocket, post, rawSocket } from './support.ts';

const query = '{ __typename }';
const none: RateLimits = { operations: 0, purchases: 0, integration: 0, refused: 0 };
const quiet = { warn: () => undefined };

describe('operations', () => {
  it('are counted, told in the RateLimit headers, and refused beyond the limit with 429', async () => {
    await using stack = await startStack({ env: { RATE_LIMIT_PER_MINUTE: '3' } });
    const first = await post(stack, { query });
    expect(first.headers.get('ratelimit-policy')).toBe('"operations";q=3;w=60');
    expect(first.headers.get('ratelimit')).toMatch(/^"operations";r=2;t=(60|59)$/);
    await post(stack, { query });
    expect((await overSocket(stack, query, {})).results[0]?.data).toEqual({ __typename: 'Query' });
    const refused = await post(stack, { query });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('ratelimit')).toMatch(/^"operations";r=0;t=\d+$/);
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60);
    expect(refused.body['errors'][0].extensions).toEqual({
      code: 'RATE_LIMITED',
      retryable: true,
      retryAfter: wait,
    });
    const { results } = await overSocket(stack, query, {});
    expect(results[0]?.errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED' });
    expect(results[0]?.errors?.[0]?.extensions).not.toHaveProperty('http');
  });

  it('are not counted, nor told, where the limit is 0', async () => {
    await using stack = await startStack({ env: { RATE_LIMIT_PER_MINUTE: '0' } });
    expect((await post(stack, { query })).headers.get('ratelimit')).toBeNull();
  });

  it('of one caller are not another’s', async () => {
    const rates = new Rates({ ...none, operations: 1 });
    const ask = (name: string, integration?: string) =>
      rates.operation({ ...localCaller, name, integration }, () => undefined);
    expect(await ask('a')).toBeUndefined();
    expect(await ask('a')).toBeDefined();
    expect(await ask('b')).toBeUndefined();
    expect(await ask('a', 'other')).toBeUndefined();
  });
});

describe('purchases', () => {
  it('beyond the limit are a retryable Problem, and nothing was recorded nor sent', async () => {
    await using stack = await startStack({ env: { RATE_LIMIT_PURCHASES_PER_MINUTE: '2' } });
    const { graphql, sandbox } = stack;
    const details = await electricity(graphql);
    const first = await confirm(graphql, { idempotencyKey: 'a', from: { details } });
    expect(first).toMatchObject({ __typename: 'Purchase', status: 'SUCCEEDED' });
    expect(await validate(graphql, details)).toMatchObject({ __typename: 'Quote' });

    const before = sandbox.calls.length;
    const variables = { input: { idempotencyKey: 'b', from: { details } } };
    const refused = await post(stack, { query: CONFIRM, variables });
    expect(refused.status).toBe(200);
    expect(refused.body['data'].confirmPurchase).toMatchObject({
      __typename: 'Problem',
      type: 'RATE_LIMITED',
      code: 'rate_limited',
      retryable: true,
      message: expect.stringMatching(/in \d+ seconds?\.$/),
    });
    const { retryAfter, message } = refused.body['data'].confirmPurchase;
    expect(retryAfter).toBeGreaterThan(0);
    expect([refused.headers.get('retry-after'), message]).toEqual([
      String(retryAfter),
      expect.stringMatching(new RegExp(`in ${retryAfter} seconds?\\.$`)),
    ]);
    expect(refused.headers.get('ratelimit-policy')).toBe('"purchases";q=2;w=60');
    for (const problem of [await validate(graphql, details), await retry(graphql, { id: first['id'] })]) {
      expect(problem).toMatchObject({ __typename: 'Problem', type: 'RATE_LIMITED' });
    }
    expect(sandbox.calls).toHaveLength(before);
    const { data } = await graphql('{ purchase(by: { idempotencyKey: "b" }) { id } }');
    expect(data).toEqual({ purchase: null });
  });

  it('whose key is known are answered whatever the rate: nobody is told that nothing was bought', async () => {
    await using stack = await startStack({ env: { RATE_LIMIT_PURCHASES_PER_MINUTE: '1' } });
    const details = await electricity(stack.graphql);
    const input = { idempotencyKey: 'a', from: { details } };
    const { id } = await confirm(stack.graphql, input);
    for (let n = 0; n < 3; n += 1) {
      expect(await confirm(stack.graphql, input)).toMatchObject({ __typename: 'Purchase', id });
    }
    expect(stack.sandbox.ledger).toHaveLength(1);
    expect(await purchaseOf(stack.graphql, { id })).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('of one operation are counted each', async () => {
    await using stack = await startStack({ env: { RATE_LIMIT_PURCHASES_PER_MINUTE: '2' } });
    const aliases = ['a', 'b', 'c'].map(
      (name) => `${name}: retryPurchase(input: { id: "x" }) { ... on Problem { type } }`,
    );
    const { data } = await stack.graphql(`mutation { ${aliases.join(' ')} }`);
    expect([data?.['a'].type, data?.['b'].type, data?.['c'].type]).toEqual([
      'NOT_FOUND',
      'NOT_FOUND',
      'RATE_LIMITED',
    ]);
  });

  it('of all callers of an integration are counted together, and who is over his own limit takes nothing from them', async () => {
    const rates = new Rates({ ...none, purchases: 2, integration: 3 });
    const buy = (name: string, integration?: string) =>
      rates.purchase({ ...localCaller, name, integration }, () => undefined);
    expect([await buy('a'), await buy('a')]).toEqual([undefined, undefined]);
    for (let n = 0; n < 5; n += 1) expect(await buy('a')).toMatchObject({ type: 'RATE_LIMITED' });
    expect(await buy('b')).toBeUndefined();
    expect(await buy('b')).toMatchObject({ type: 'RATE_LIMITED' });
    expect(await buy('b', 'other')).toBeUndefined();
  });
});

describe('refused credentials', () => {
  it('shut an address out, over WebSocket and HTTP, and no other address', async () => {
    await using issuer = await startIssuer();
    const env = { ...issuer.env, RATE_LIMIT_REFUSED_PER_MINUTE: '2', TRUST_PROXY: '1' };
    await using stack = await startStack({ env });
    const from = (address: string, token: string) => ({
      'x-forwarded-for': address,
      authorization: `Bearer ${token}`,
    });
    const good = await issuer.token();
    const wrong = await signedToken(newSigningKey('first'));
    const socket = await rawSocket(stack.gateway.url, { headers: from('203.0.113.1', wrong) });
    expect((await socket.closed).code).toBe(4403);
    expect((await post(stack, { query }, from('203.0.113.1', wrong))).status).toBe(401);
    expect(await handshake(stack.gateway.url, from('203.0.113.1', good))).toBe(429);
    const refused = await post(stack, { query }, from('203.0.113.1', good));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.body['errors'][0].extensions.code).toBe('RATE_LIMITED');
    expect((await post(stack, { query }, from('203.0.113.2', good))).status).toBe(200);
  });

  it('are not those that were never given, nor a socket whose token ends', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: { ...issuer.env, RATE_LIMIT_REFUSED_PER_MINUTE: '1' } });
    expect((await post(stack, { query })).status).toBe(401);
    const short = { authorization: `Bearer ${await issuer.token({}, { expiresIn: 1 })}` };
    const socket = await rawSocket(stack.gateway.url, { headers: short });
    expect((await socket.closed).code).toBe(4403);
    const good = { authorization: `Bearer ${await issuer.token()}` };
    expect((await post(stack, { query }, good)).status).toBe(200);
  });

  it('from very many addresses do not fill the memory: the oldest are let in again', async () => {
    const rates = new Rates({ ...none, refused: 1 });
    for (let n = 0; n <= 10_000; n += 1) await rates.refused(`address ${n}`);
    expect(rates.shutOutFor('address 10000')).toBeGreaterThan(0);
    expect(rates.shutOutFor('address 0')).toBe(0);
  });
});

describe('an address', () => {
  it('is told by the connection, whatever a header says that nobody vouches for', async () => {
    const told: string[] = [];
    const server = createServer((request, response) => {
      told.push(...[0, 1, 2].map((proxies) => clientAddress(proxies)(request)));
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await fetch(`http://127.0.0.1:${port}`, { headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' } });
    expect(told).toEqual(['127.0.0.1', '203.0.113.9', '198.51.100.1']);
    told.length = 0;
    await fetch(`http://127.0.0.1:${port}`, { headers: { 'x-forwarded-for': 'nonsense, "><script>' } });
    expect(told[0]).toBe('127.0.0.1');
  });
});

describe.skipIf(noPostgres !== undefined)('on PostgreSQL', () => {
  it('instances count purchases together', async () => {
    await using schema = await temporarySchema();
    const env = { DATABASE_URL: schema.url, RATE_LIMIT_PURCHASES_PER_MINUTE: '3' };
    await using one = await startStack({ env });
    await using other = await startStack({ env });
    const ask = async ({ graphql }: typeof one) => (await retry(graphql, { id: 'x' }))['type'];
    expect([await ask(one), await ask(other), await ask(one)]).toEqual([
      'NOT_FOUND',
      'NOT_FOUND',
      'NOT_FOUND',
    ]);
    expect([await ask(one), await ask(other)]).toEqual(['RATE_LIMITED', 'RATE_LIMITED']);
    const [table] = await schema.query(
      `select relpersistence from pg_class where oid = '${schema.name}.rate_limits'::regclass`,
    );
    expect(table).toEqual({ relpersistence: 'u' });
  });

  it('an instance that cannot reach the counts counts for itself', async () => {
    await using schema = await temporarySchema();
    const counts = await openRateCounts(schema.url, quiet);
    onTestFinished(() => counts.close());
    const rates = new Rates({ ...none, purchases: 2 }, counts);
    await schema.query('drop table rate_limits');
    const buy = () => rates.purchase(localCaller, () => undefined);
    expect([await buy(), await buy()]).toEqual([undefined, undefined]);
    expect(await buy()).toMatchObject({ type: 'RATE_LIMITED' });
  });

  it('a count whose server is silent does not hold a purchase up', async () => {
    await using schema = await temporarySchema();
    const counts = await openRateCounts(schema.url, quiet);
    onTestFinished(() => counts.close());
    const rates = new Rates({ ...none, purchases: 100 }, counts);
    const holder = new Pool({ connectionString: schema.url, max: 1 });
    onTestFinished(() => holder.end());
    const client = await holder.connect();
    await client.query('begin; lock table rate_limits');
    const startedAt = Date.now();
    expect(await rates.purchase(localCaller, () => undefined)).toBeUndefined();
    expect(Date.now() - startedAt).toBeLessThan(4_000);
    await client.query('rollback');
    client.release();
  });
});
