import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { startSandbox } from '../../sandbox/sandbox.ts';
import { loadConfig } from '../../src/config.ts';
import { startGateway } from '../../src/gateway.ts';
import {
  confirm,
  electricity,
  environment,
  socketClient,
  startStack,
  subscribe,
  temporaryFolder,
  until,
  walletId,
} from '../support/stack.ts';

/** So many on a busy machine may take longer than a confirm may otherwise. */
const manyAtOnce = { CONFIRM_TIMEOUT_MS: '15000' };

describe('reading', () => {
  it('fifty purchases with their accounts cost at most one accounts call', async () => {
    await using stack = await startStack({ env: manyAtOnce });
    const { graphql, sandbox } = stack;
    const details = await electricity(graphql);
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => confirm(graphql, { idempotencyKey: `p${n}`, from: { details } })),
    );
    const before = sandbox.calls.length;
    const { data, errors } = await graphql(
      '{ purchases(first: 50) { edges { node { id account { name balance { amount } } attempts { number } } } } }',
    );
    expect(errors).toBeUndefined();
    expect(data?.['purchases'].edges).toHaveLength(50);
    expect(sandbox.calls.slice(before).map(({ endpoint }) => endpoint)).toEqual(['accounts']);
  });

  it('pages through all purchases, newest first, each once', async () => {
    await using stack = await startStack();
    const { graphql } = stack;
    const details = await electricity(graphql);
    for (let n = 0; n < 7; n += 1) await confirm(graphql, { idempotencyKey: `p${n}`, from: { details } });
    const ids: string[] = [];
    const times: string[] = [];
    let after: string | null = null;
    do {
      const { data } = await graphql(
        'query ($after: String) { purchases(first: 3, after: $after) { edges { node { id createdAt } } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      for (const { node } of data?.['purchases'].edges) {
        ids.push(node.id);
        times.push(node.createdAt);
      }
      const { hasNextPage, endCursor } = data?.['purchases'].pageInfo;
      after = hasNextPage ? endCursor : null;
    } while (after !== null);
    expect(new Set(ids).size).toBe(7);
    expect(times).toEqual([...times].sort().reverse());
  });

  it('tells who is asking, what may be debited and what is sold', async () => {
    await using stack = await startStack();
    const { data, errors } = await stack.graphql(`{
      viewer { username role roles organisation { code name } surface scopes accounts { id } }
      accounts { id accountNumber balance { amount currency } category }
      products { type displayName subscriberId { hint pattern } providers { code name } surfaces
        checkSubscriberId(value: "123") } }`);
    expect(errors).toBeUndefined();
    expect(data?.['viewer']).toMatchObject({
      surface: 'V1',
      scopes: expect.arrayContaining(['purchases:write']),
    });
    expect(data?.['accounts'][0]).toMatchObject({ balance: { amount: '1000000.00', currency: 'BWP' } });
    expect(data?.['products'].map(({ type }: { type: string }) => type).sort()).toEqual([
      'AIRTIME',
      'ELECTRICITY',
      'WATER',
    ]);
    const [{ id }] = data?.['accounts'];
    const node = await stack.graphql(
      'query ($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id, "x"]) { id } }',
      { id },
    );
    expect(node.data).toMatchObject({ node: { __typename: 'Account', id }, nodes: [{ id }, null] });
  });

  it('an upstream that is down is a clear, retryable error, and the record is still read', async () => {
    await using stack = await startStack();
    await walletId(stack.graphql);
    await stack.sandbox.close();
    const { data, errors } = await stack.graphql('{ purchases { edges { node { id } } } }');
    expect(errors).toBeUndefined();
    expect(data?.['purchases'].edges).toEqual([]);
    const down = await stack.graphql('{ accounts { id } }');
    expect(down.errors?.[0]?.extensions).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });
});

describe('subscriptions', () => {
  it('purchaseUpdated gives the state now, each change, and completes', async () => {
    await using stack = await startStack({ sandbox: { processingMs: 400 } });
    const details = await electricity(stack.graphql);
    const { id } = await confirm(stack.graphql, { idempotencyKey: 'a', waitMs: 0, from: { details } });
    const client = stack.socket();
    const query = 'subscription ($id: ID!) { purchaseUpdated(id: $id) { status tokens { formatted } } }';
    const live = subscribe(client, query, { id });
    await live.done;
    expect(live.results.map(({ data }) => data?.['purchaseUpdated'].status)).toEqual([
      'PENDING',
      'SUCCEEDED',
    ]);
    expect(live.results[1]?.data?.['purchaseUpdated'].tokens[0].formatted).toMatch(/^(\d{4} ){4}\d{4}$/);
    const late = subscribe(client, query, { id });
    await late.done;
    expect(late.results).toHaveLength(1);
  });

  it('R7: purchaseEvents resumes by cursor, none missed and none twice', async () => {
    await using stack = await startStack({ env: manyAtOnce });
    const { graphql } = stack;
    const details = await electricity(graphql);
    const query =
      'subscription ($after: String) { purchaseEvents(after: $after) { cursor status purchase { id } } }';
    const first = subscribe(stack.socket(), query);
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let n = 0; n < 5; n += 1) await confirm(graphql, { idempotencyKey: `a${n}`, from: { details } });
    await until(() => first.results.length === 10, 'ten events');
    const cursors = first.results.map(({ data }) => data?.['purchaseEvents'].cursor);
    const resumed = subscribe(stack.socket(), query, { after: cursors[3] });
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => confirm(graphql, { idempotencyKey: `b${n}`, from: { details } })),
    );
    await until(() => first.results.length === 50 && resumed.results.length === 46, 'all events');
    const all = first.results.map(({ data }) => data?.['purchaseEvents']);
    expect(new Set(all.map(({ cursor }) => cursor)).size).toBe(50);
    expect(resumed.results.map(({ data }) => data?.['purchaseEvents'])).toEqual(all.slice(4));
    const wrong = await collectErrors(stack.gateway.url, query, { after: 'nonsense' });
    expect(wrong).toContain('INVALID_INPUT');
  });

  it('accountUpdated gives the balance now and after each purchase', async () => {
    await using stack = await startStack();
    const { graphql } = stack;
    const id = await walletId(graphql);
    const live = subscribe(
      stack.socket(),
      'subscription ($id: ID!) { accountUpdated(id: $id) { balance { amount } } }',
      { id },
    );
    await until(() => live.results.length === 1, 'the balance now');
    await confirm(graphql, { idempotencyKey: 'a', from: { details: await electricity(graphql) } });
    await until(() => live.results.length === 2, 'the balance after');
    const [before, after] = live.results.map(({ data }) => Number(data?.['accountUpdated'].balance.amount));
    expect(after).toBeLessThan(before ?? 0);
  });

  it('speaks server-sent events too', async () => {
    await using stack = await startStack();
    const details = await electricity(stack.graphql);
    const { id } = await confirm(stack.graphql, { idempotencyKey: 'a', from: { details } });
    const response = await fetch(`${stack.gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        query: 'subscription ($id: ID!) { purchaseUpdated(id: $id) { status } }',
        variables: { id },
      }),
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await response.text()).toContain('"status":"SUCCEEDED"');
  });

  it('one unparsable operation does not close the socket for its siblings', async () => {
    await using stack = await startStack();
    const client = stack.socket();
    const live = subscribe(client, 'subscription { purchaseEvents { status } }');
    await expect(subscribe(client, 'subscription { purchaseEvents {').done).rejects.toBeDefined();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await confirm(stack.graphql, {
      idempotencyKey: 'a',
      from: { details: await electricity(stack.graphql) },
    });
    await until(() => live.results.length === 2, 'the sibling’s events');
  });
});

describe('the process', () => {
  it('is live and ready', async () => {
    await using stack = await startStack();
    const status = async (path: string) => (await fetch(`${stack.gateway.url}${path}`)).status;
    expect([await status('/health/live'), await status('/health/ready')]).toEqual([200, 200]);
  });

  it('starts while the upstream is down, is not ready, and becomes ready by itself', async () => {
    await using folder = await temporaryFolder();
    const first = await startSandbox();
    const port = Number(new URL(first.url).port);
    const env = environment(first, `${folder.path}/gateway.db`);
    await first.close();
    await using gateway = await startGateway(loadConfig(env));
    const ready = async () => (await fetch(`${gateway.url}/health/ready`)).status;
    expect(await ready()).toBe(503);
    await using _sandbox = await startSandbox({ port });
    let last = 0;
    for (let n = 0; n < 50 && last !== 200; n += 1) {
      last = await ready();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(last).toBe(200);
  });

  it('says clearly that the port is in use', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const env = { ...environment(sandbox, `${folder.path}/gateway.db`), PORT: String(port) };
    await expect(startGateway(loadConfig(env))).rejects.toThrow(/port is in use/);
    taken.close();
  });

  it('refuses pages of other sites, over HTTP and over WebSocket', async () => {
    await using stack = await startStack({ env: { ALLOWED_ORIGINS: 'https://shop.example' } });
    const post = (origin: string) =>
      fetch(`${stack.gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin },
        body: '{"query":"{__typename}"}',
      });
    expect((await post('https://evil.example')).status).toBe(403);
    const allowed = await post('https://shop.example');
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    const refused = await new Promise((resolve) => {
      const address = `${stack.gateway.url.replace('http', 'ws')}/graphql`;
      const socket = new WebSocket(address, 'graphql-transport-ws', { origin: 'https://evil.example' });
      socket.once('error', () => resolve('refused'));
      socket.once('open', () => resolve('open'));
    });
    expect(refused).toBe('refused');
  });

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x', ''])(
    'refuses a body of type "%s", which any page may send unasked',
    async (type) => {
      await using stack = await startStack();
      const response = await fetch(`${stack.gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: new TextEncoder().encode('query={__typename}'),
      });
      expect(response.status).toBe(415);
      expect(await response.text()).toContain('application/json');
    },
  );

  it('runs no mutation that came by GET, and no batch', async () => {
    await using stack = await startStack();
    const query = encodeURIComponent('mutation { retryPurchase(input: { id: "x" }) { __typename } }');
    const got = await fetch(`${stack.gateway.url}/graphql?query=${query}`);
    expect(got.status).toBe(405);
    const batch = await fetch(`${stack.gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '[{"query":"{__typename}"}]',
    });
    expect(batch.status).toBe(400);
  });

  it('R9: neither secrets nor tokens nor phones are logged, and each operation has its line', async () => {
    await using stack = await startStack();
    const details = await electricity(stack.graphql);
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'garbage' });
    const purchase = await confirm(stack.graphql, { idempotencyKey: 'a', from: { details } });
    const second = await confirm(stack.graphql, { idempotencyKey: 'b', from: { details } });
    expect(second['tokens']).toHaveLength(1);
    const log = stack.logged();
    expect(log).toContain('"operation":"Confirm"');
    const { clientSecret, password } = stack.sandbox.credentials;
    const digits = stack.sandbox.ledger.flatMap(({ tokens }) => tokens);
    for (const secret of [
      clientSecret,
      password,
      ...digits,
      '71436390',
      purchase['tokens'][0]?.digits ?? password,
    ]) {
      expect(log).not.toContain(secret);
    }
  });

  it('shuts down in order: sockets closed with 1001, the confirm under way concluded', async () => {
    const stack = await startStack({ sandbox: { processingMs: 300 } });
    const details = await electricity(stack.graphql);
    const codes: number[] = [];
    const client = socketClient(stack.gateway.url);
    client.on('closed', (event) => {
      if (typeof event === 'object' && event !== null && 'code' in event) codes.push(Number(event.code));
    });
    const live = subscribe(client, 'subscription { purchaseEvents { status } }');
    live.done.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const buying = confirm(stack.graphql, { idempotencyKey: 'last', from: { details } });
    await until(() => stack.sandbox.calls.some(({ endpoint }) => endpoint === 'confirm'), 'the confirm');
    await stack.gateway.close();
    expect(await buying).toMatchObject({ status: 'SUCCEEDED' });
    expect(codes).toEqual([1001]);
    await stack[Symbol.asyncDispose]();
  });

  it('shuts down in time for the confirm under way beside a client that does not let its socket be closed', async () => {
    const env = { SHUTDOWN_TIMEOUT_MS: '10000' };
    await using stack = await startStack({ sandbox: { processingMs: 500 }, env });
    const details = await electricity(stack.graphql);
    const silent = new WebSocket(
      `${stack.gateway.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
    );
    await once(silent, 'open');
    silent.pause();
    const buying = confirm(stack.graphql, { idempotencyKey: 'last', from: { details } });
    await until(() => stack.sandbox.calls.some(({ endpoint }) => endpoint === 'confirm'), 'the confirm');
    const tooLong = sleep(10_000, 'not in time', { ref: false });
    expect(await Promise.race([stack.gateway.close(), tooLong])).toBeUndefined();
    expect(await buying).toMatchObject({ status: 'SUCCEEDED' });
    expect(stack.logged()).not.toContain('still in flight');
    silent.terminate();
  });
});

async function collectErrors(
  url: string,
  query: string,
  variables: Record<string, unknown>,
): Promise<string> {
  const client = socketClient(url);
  const live = subscribe(client, query, variables);
  const thrown = await live.done.then(
    () => '',
    (error: unknown) => JSON.stringify(error),
  );
  await client.dispose();
  return thrown + JSON.stringify(live.results);
}
