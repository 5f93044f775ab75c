import type { CloseEvent } from 'ws';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { everyScope, newSigningKey, startIssuer, type Issuer } from '../support/issuer.ts';
import {
  confirm,
  electricity,
  graphqlCaller,
  socketClient,
  startStack,
  subscribe,
  until,
  walletId,
  type Stack,
} from '../support/stack.ts';

const EVENTS =
  'subscription ($after: String) { purchaseEvents(after: $after) { cursor status purchase { id } } }';

interface Raw {
  readonly code: number;
  readonly reason: string;
  readonly messages: readonly string[];
}

/** One connection, told only what it was answered and how it ended. */
function raw(
  url: string,
  first: object,
  headers: Record<string, string> = {},
  onAck?: (socket: WebSocket) => void,
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    const messages: string[] = [];
    socket.on('open', () => socket.send(JSON.stringify(first)));
    socket.on('message', (data: Buffer) => {
      messages.push(data.toString());
      if (JSON.parse(data.toString()).type === 'connection_ack')
        (onAck ?? (() => socket.close(1000, 'seen')))(socket);
    });
    socket.on('error', reject);
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason), messages }));
  });
}

const init = (payload?: object) => ({ type: 'connection_init', ...(payload && { payload }) });

async function guarded(
  env: Record<string, string> = {},
): Promise<{ issuer: Issuer; stack: Stack } & AsyncDisposable> {
  const issuer = await startIssuer();
  const stack = await startStack({ env: { ...issuer.env, ...env } });
  return {
    ...{ issuer, stack },
    [Symbol.asyncDispose]: async () => {
      await stack[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

describe('a WebSocket', () => {
  it('is let in by whatever clients commonly call the token', async () => {
    await using both = await guarded();
    const { url } = both.stack.gateway;
    const bearer = `Bearer ${await both.issuer.token()}`;
    for (const params of [
      { authorization: bearer },
      { Authorization: bearer },
      { AUTHORIZATION: bearer },
      { headers: { Authorization: bearer } },
      { headers: { authorization: bearer }, authorization: bearer },
    ])
      expect((await raw(url, init(params))).code, JSON.stringify(Object.keys(params))).toBe(1000);
    expect((await raw(url, init(), { authorization: bearer })).code).toBe(1000);
    // What is fresher counts: the handshake's may have been sent by a proxy or long ago.
    expect((await raw(url, init({ authorization: bearer }), { authorization: 'Bearer old' })).code).toBe(
      1000,
    );
  });

  it('is closed with 4403 without a good token, and with 4401 when it asks before it said who it is', async () => {
    await using both = await guarded();
    const { url } = both.stack.gateway;
    const good = `Bearer ${await both.issuer.token()}`;
    const expired = `Bearer ${await both.issuer.token({}, { expiresIn: -1 })}`;
    const stranger = `Bearer ${await both.issuer.token({}, { key: newSigningKey('first') })}`;
    for (const params of [
      undefined,
      {},
      { authorization: 'Bearer' },
      { authorization: 'Basic dXNlcjpwYXNz' },
      { authorization: 7 },
      { authorization: [good] },
      { authorization: null },
      { headers: null },
      { headers: 'authorization' },
      { authorization: expired },
      { authorization: stranger },
      { authorization: good, Authorization: stranger },
      { authorization: good, headers: { authorization: expired } },
      { authorization: `Bearer ${'x'.repeat(50_000)}` },
    ]) {
      const { code, reason, messages } = await raw(url, init(params));
      expect([code, reason, messages]).toEqual([4403, 'Forbidden', []]);
    }
    const early = await raw(url, { id: '1', type: 'subscribe', payload: { query: '{ viewer { scopes } }' } });
    expect([early.code, early.reason, early.messages]).toEqual([4401, 'Unauthorized', []]);
    const handshake = await raw(url, init(), { authorization: stranger });
    expect(handshake.code).toBe(4403);
    // R9: neither what was good nor what was not, nor a part of it.
    expect(both.stack.logged()).toContain('"transport":"websocket"');
    for (const part of [good, expired, stranger].flatMap((one) => one.slice(7).split('.')))
      expect(both.stack.logged()).not.toContain(part);
  });

  it('is told to try again (1013) while the issuer’s keys cannot be had', async () => {
    await using both = await guarded();
    both.issuer.answer(500);
    const { code, messages } = await raw(
      both.stack.gateway.url,
      init({ authorization: `Bearer ${await both.issuer.token()}` }),
    );
    expect([code, messages]).toEqual([1013, []]);
  });

  it('that was idle when its token expired is closed with 4403 then, not before', async () => {
    await using both = await guarded();
    const expiresAt = Math.floor(Date.now() / 1_000) + 2;
    const token = await both.issuer.token({ exp: expiresAt });
    const { code, reason } = await raw(
      both.stack.gateway.url,
      init({ authorization: `Bearer ${token}` }),
      {},
      () => undefined,
    );
    expect([code, reason]).toEqual([4403, 'Forbidden']);
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt * 1_000);
  });

  it('whose token expires is closed with 4403; its client comes again with a fresh one and misses nothing', async () => {
    await using both = await guarded();
    const { issuer, stack } = both;
    const graphql = graphqlCaller(stack.gateway.url, await issuer.token());
    const details = await electricity(graphql);
    const query = EVENTS;
    const witness = subscribe(
      socketClient(stack.gateway.url, {
        connectionParams: { authorization: `Bearer ${await issuer.token()}` },
      }),
      query,
    );
    let connections = 0;
    const closed: number[] = [];
    const client = socketClient(stack.gateway.url, {
      retryAttempts: 5,
      retryWait: () => Promise.resolve(),
      // Asked anew for each connection, as a page does it.
      connectionParams: async () => {
        connections += 1;
        return { authorization: `Bearer ${await issuer.token({}, { expiresIn: 2 })}` };
      },
      on: { closed: (event) => void closed.push((event as CloseEvent).code) },
    });
    // The library sends its operation again with each connection, and so with the last cursor.
    const variables: { after?: string } = {};
    const seen: unknown[] = [];
    const stop = client.subscribe<Record<string, any>>(
      { query, variables },
      {
        next: ({ data }) => {
          seen.push(data?.['purchaseEvents']);
          variables.after = data?.['purchaseEvents'].cursor;
        },
        error: (error) => void seen.push(error),
        complete: () => undefined,
      },
    );
    await until(() => connections === 1, 'the first connection');
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let n = 0; n < 16; n += 1) {
      await confirm(graphql, { idempotencyKey: `k${n}`, from: { details } });
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    await until(() => witness.results.length === 32 && seen.length >= 32, 'all events');
    expect(seen).toEqual(witness.results.map(({ data }) => data?.['purchaseEvents']));
    stop();
    await client.dispose();
    await witness.stop();
    expect(connections).toBeGreaterThanOrEqual(3);
    expect(closed.filter((code) => code === 4403).length).toBeGreaterThanOrEqual(2);
  });

  it('that is closed leaves the confirm that it began to go on', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env, sandbox: { processingMs: 900 } });
    const graphql = graphqlCaller(stack.gateway.url, await issuer.token());
    const details = await electricity(graphql);
    const expiresAt = Math.floor(Date.now() / 1_000) + 2;
    const token = await issuer.token({ exp: expiresAt });
    const query = `mutation ($input: ConfirmPurchaseInput!) { confirmPurchase(input: $input) { __typename } }`;
    const { code, messages } = await raw(
      stack.gateway.url,
      init({ authorization: `Bearer ${token}` }),
      {},
      (socket) => {
        const variables = { input: { idempotencyKey: 'in-flight', from: { details } } };
        const late = Math.max(0, expiresAt * 1_000 - 400 - Date.now());
        setTimeout(
          () => socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } })),
          late,
        );
      },
    );
    expect(code).toBe(4403);
    expect(messages.filter((message) => message.includes('"next"'))).toEqual([]);
    const find = '{ purchase(by: { idempotencyKey: "in-flight" }) { status } }';
    await expect
      .poll(async () => (await graphql(find)).data?.['purchase']?.status, { timeout: 10_000 })
      .toBe('SUCCEEDED');
    expect(stack.sandbox.ledger).toHaveLength(1);
  });

  it('does no more than its caller’s scopes allow, and an error of one operation leaves the others', async () => {
    await using both = await guarded();
    const { issuer, stack } = both;
    const token = await issuer.token({ scope: 'accounts:read' });
    const client = socketClient(stack.gateway.url, {
      connectionParams: { authorization: `Bearer ${token}` },
    });
    const id = await walletId(graphqlCaller(stack.gateway.url, await issuer.token()));
    const account = subscribe(
      client,
      'subscription ($id: ID!) { accountUpdated(id: $id) { balance { amount } } }',
      {
        id,
      },
    );
    await until(() => account.results.length === 1, 'the balance');
    const refused = subscribe(client, EVENTS);
    await refused.done.catch(() => undefined);
    expect(JSON.stringify(refused.results)).toContain('FORBIDDEN');
    await confirm(graphqlCaller(stack.gateway.url, await issuer.token({ scope: everyScope })), {
      ...{
        idempotencyKey: 'a',
        from: { details: await electricity(graphqlCaller(stack.gateway.url, await issuer.token())) },
      },
    });
    await until(() => account.results.length === 2, 'the balance after');
    await client.dispose();
  });
});

describe('a stream over HTTP', () => {
  it.each(['text/event-stream', 'multipart/mixed, text/event-stream'])(
    'of %s is cut off when its token expires, so that its client comes again',
    async (accept) => {
      await using both = await guarded();
      const expiresAt = Math.floor(Date.now() / 1_000) + 2;
      const token = await both.issuer.token({ exp: expiresAt });
      const response = await fetch(`${both.stack.gateway.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept,
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify({ query: 'subscription { purchaseEvents { cursor } }' }),
      });
      expect(response.status).toBe(200);
      const ended = await response.text().then(
        (text) => `completed: ${text}`,
        () => 'cut off',
      );
      expect(ended).toBe('cut off');
      expect(Date.now()).toBeGreaterThanOrEqual(expiresAt * 1_000);
    },
  );
});
