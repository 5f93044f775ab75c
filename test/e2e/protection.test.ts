import { describe, expect, it } from 'vitest';

import {
  confirm,
  electricity,
  eventually,
  isSettled,
  retry,
  startStack,
  until,
  validate,
} from '../support/stack.ts';

describe.each(['v1', 'current'] as const)('an upstream on %s that is not available', (surface) => {
  it('is left alone after so many calls, and found again by a harmless one before anything is charged', async () => {
    const env = { CIRCUIT_FAILURES: '3', CIRCUIT_OPEN_MS: '1500' };
    await using stack = await startStack({ surface, env });
    const { graphql, sandbox } = stack;
    const quote = await validate(graphql, await electricity(graphql));
    sandbox.addFault({ endpoint: '*', kind: 'html_error', status: 503, processed: false, count: null });
    for (let n = 0; n < 3; n += 1) await graphql('{ viewer { username } }');
    const before = sandbox.calls.length;
    const { errors } = await graphql('{ viewer { username } }');
    expect(errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE', problemCode: 'circuit_open' } }]);
    const refused = await confirm(graphql, { idempotencyKey: 'k', from: { quoteId: quote['id'] } });
    expect(refused).toMatchObject({
      status: 'FAILED',
      canRetry: true,
      problem: { code: 'circuit_open', retryable: true },
      attempts: [{ kind: 'CONFIRM', outcome: 'NOT_SENT' }],
    });
    expect((await fetch(`${stack.gateway.url}/health/ready`)).status).toBe(503);
    expect(sandbox.calls.length).toBe(before);

    sandbox.clearFaults();
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    const bought = await retry(graphql, { id: refused['id'] });
    expect(bought).toMatchObject({ status: 'SUCCEEDED' });
    const after = sandbox.calls.slice(before).map(({ endpoint }) => endpoint);
    expect(after).toEqual(['me', 'confirm']);
    expect((await fetch(`${stack.gateway.url}/health/ready`)).status).toBe(200);
    expect(sandbox.ledger).toHaveLength(1);
    expect(stack.logged()).toContain('the circuit is open');
    expect(stack.logged()).toContain('the circuit is closed');
  });

  it('is not ready while whoever is found there answers with errors of a proxy', async () => {
    await using stack = await startStack({ surface, env: { CIRCUIT_FAILURES: '1', CIRCUIT_OPEN_MS: '1' } });
    const ready = async () => (await fetch(`${stack.gateway.url}/health/ready`)).status;
    expect(await ready()).toBe(200);
    stack.sandbox.addFault({ endpoint: '*', kind: 'html_error', status: 503, processed: false, count: null });
    await stack.graphql('{ viewer { username } }');
    for (let n = 0; n < 5; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await ready()).toBe(503);
    }
    stack.sandbox.clearFaults();
    await expect.poll(ready).toBe(200);
  });

  it('is not what one is that refuses', async () => {
    await using stack = await startStack({ surface, env: { CIRCUIT_FAILURES: '2' } });
    const blocked = await electricity(stack.graphql, { subscriberIdentifier: '04040404081' });
    stack.sandbox.addFault({
      ...{ endpoint: 'confirm', kind: 'error', status: 500, count: null, message: 'no' },
      ...{ type: 'provider_error', code: surface === 'v1' ? 'provider_refused' : '810' },
    });
    for (let n = 0; n < 5; n += 1) {
      expect(await validate(stack.graphql, blocked)).toMatchObject({ type: 'PROVIDER' });
      const details = await electricity(stack.graphql);
      const refused = await confirm(stack.graphql, { idempotencyKey: `k${n}`, from: { details } });
      expect(refused).toMatchObject({ status: 'FAILED', problem: { type: 'PROVIDER' } });
    }
  });

  it('costs an unresolved purchase nothing but time', async () => {
    const env = { CIRCUIT_FAILURES: '2', CIRCUIT_OPEN_MS: '100' };
    await using stack = await startStack({ surface, env });
    const details = await electricity(stack.graphql);
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    stack.sandbox.addFault({ endpoint: 'retry', kind: 'drop_before', count: 6 });
    const lost = await confirm(stack.graphql, { idempotencyKey: 'k', from: { details } });
    expect(lost['status']).toBe('UNRESOLVED');
    const end = await eventually(stack.graphql, { id: lost['id'] }, isSettled);
    expect(end['status']).toBe('SUCCEEDED');
    expect(stack.sandbox.ledger).toHaveLength(1);
  });
});

describe('too much at once', () => {
  it('waits its turn: the upstream sees no more than it may', async () => {
    const env = { UPSTREAM_CONCURRENCY: '4', UPSTREAM_MAX_WAIT_MS: '20000', CONFIRM_TIMEOUT_MS: '15000' };
    await using stack = await startStack({ env, sandbox: { processingMs: 20 } });
    const { graphql, sandbox } = stack;
    const details = await electricity(graphql);
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, sandbox.calls.filter(({ status }) => status === null).length);
    }, 1);
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, n) => confirm(graphql, { idempotencyKey: `k${n}`, from: { details } })),
    );
    clearInterval(watching);
    expect(all.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
    expect(sandbox.ledger).toHaveLength(40);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('is refused clearly before anything is recorded, and the same key works later', async () => {
    const env = { UPSTREAM_CONCURRENCY: '2', UPSTREAM_QUEUE: '0' };
    await using stack = await startStack({ env, sandbox: { processingMs: 500 } });
    const { graphql, sandbox } = stack;
    const first = await validate(graphql, await electricity(graphql));
    const from = { quoteId: first['id'] };
    const buying = ['one', 'two'].map((key) => confirm(graphql, { idempotencyKey: key, from }));
    const confirms = () => sandbox.calls.filter(({ endpoint }) => endpoint === 'confirm').length;
    await until(() => confirms() === 2, 'both confirms');
    const refused = await confirm(graphql, { idempotencyKey: 'third', from });
    expect(refused).toMatchObject({ __typename: 'Problem', code: 'gateway_busy', retryable: true });
    const { data } = await graphql('{ purchase(by: { idempotencyKey: "third" }) { id } }');
    expect(data).toEqual({ purchase: null });
    await Promise.all(buying);
    const bought = await confirm(graphql, { idempotencyKey: 'third', from });
    expect(bought).toMatchObject({ status: 'SUCCEEDED' });
    expect(sandbox.ledger).toHaveLength(3);
  });

  it('Retry-After is honoured: what would wait too long is refused, and nothing is sent', async () => {
    await using stack = await startStack({ env: { UPSTREAM_MAX_WAIT_MS: '100' } });
    const { graphql, sandbox } = stack;
    const quote = await validate(graphql, await electricity(graphql));
    sandbox.addFault({ endpoint: 'me', kind: 'rate_limit', retryAfterSeconds: 2 });
    const { errors } = await graphql('{ viewer { username } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', retryable: true, retryAfter: 2 });
    const before = sandbox.calls.length;
    const from = { quoteId: quote['id'] };
    const refused = await confirm(graphql, { idempotencyKey: 'k', from });
    expect(refused).toMatchObject({ type: 'RATE_LIMITED', code: 'upstream_rate_limited', retryable: true });
    expect(refused['message']).toContain(`in ${refused['retryAfter']} s.`);
    expect([1, 2]).toContain(refused['retryAfter']);
    expect(sandbox.calls.length).toBe(before);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await confirm(graphql, { idempotencyKey: 'k', from })).toMatchObject({ status: 'SUCCEEDED' });
  });
});
