import { afterAll, beforeAll, expect, it } from 'vitest';

import { CONFIRM, electricity, RETRY, startStack, VALIDATE, type Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  // Nobody asks about a purchase but the test, and nothing of the catalogue is kept.
  const env = { RECONCILE_BASE_DELAY_MS: '60000', RECONCILE_MAX_DELAY_MS: '60000', PRODUCTS_FRESH_MS: '0' };
  stack = await startStack({ env });
});
afterAll(() => stack[Symbol.asyncDispose]());

/** As a client that names its request; returns what the upstream was then called with. */
async function asked(requestId: string, query: string, variables: object = {}) {
  const before = stack.sandbox.calls.length;
  const response = await fetch(`${stack.gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Record<string, any>; errors?: unknown };
  expect(errors).toBeUndefined();
  expect(response.headers.get('x-request-id')).toBe(requestId);
  const calls = stack.sandbox.calls.slice(before).filter(({ endpoint }) => endpoint !== 'login');
  return { data, calls, ids: calls.map((call) => String(call.requestId)) };
}

it('every call upstream begins with the request id of the client that it is made for, and is told apart', async () => {
  const input = await electricity(stack.graphql, { subscriberIdentifier: '04040404040' });
  const confirmation = { idempotencyKey: 'ids', from: { details: input } };
  const seen: string[] = [];
  const steps: [string, string, object, string[]][] = [
    ['till-1', '{ viewer { username } }', {}, ['me']],
    ['till-2', '{ accounts { id } products { type } }', {}, ['accounts', 'products']],
    ['till-3', VALIDATE, { input }, ['accounts', 'products', 'validate']],
    ['till-4', CONFIRM, { input: confirmation }, ['accounts', 'confirm', 'products']],
  ];
  for (const [id, query, variables, endpoints] of steps) {
    const { calls, ids } = await asked(id, query, variables);
    expect([...new Set(calls.map(({ endpoint }) => endpoint))].sort()).toEqual(endpoints);
    for (const one of ids) expect(one).toMatch(new RegExp(`^${id}\\.[0-9a-f-]{36}$`));
    seen.push(...ids);
  }
  expect(new Set(seen).size).toBe(seen.length);
});

it('a purchase keeps that id with each attempt, and the log has it with each call', async () => {
  stack.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
  const input = { idempotencyKey: 'kept', from: { details: await electricity(stack.graphql) } };
  const { data } = await asked('till-5', CONFIRM, { input });
  const { id, attempts } = data['confirmPurchase'];
  expect(attempts[0].requestId).toMatch(/^till-5\./);
  expect(stack.logged()).toContain(`"upstream":{"surface":"V1","endpoint":"confirm","requestId":"till-5.`);
  expect(stack.logged()).toContain(`"requestId":"till-5","caller"`);
  const again = await asked('till-6', RETRY, { input: { id } });
  expect(again.data['retryPurchase']).toMatchObject({ status: 'SUCCEEDED' });
  expect(again.data['retryPurchase'].attempts[1].requestId).toMatch(/^till-6\./);
});

it('the longest id of a client leaves room for what tells the calls apart', async () => {
  const { ids } = await asked('x'.repeat(128), '{ viewer { username } }');
  expect(ids).toHaveLength(1);
  expect(ids[0]).toMatch(/^x{91}\.[0-9a-f-]{36}$/);
});
