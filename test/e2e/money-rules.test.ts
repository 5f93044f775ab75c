import { describe, expect, it } from 'vitest';

import { startSandbox } from '../../sandbox/sandbox.ts';
import {
  confirm,
  electricity,
  eventually,
  isSettled,
  purchaseOf,
  retry,
  startStack,
  subscribe,
  until,
  validate,
  walletId,
  type Stack,
} from '../support/stack.ts';

const confirms = ({ sandbox }: Stack) => sandbox.calls.filter(({ endpoint }) => endpoint === 'confirm');
const buy = async ({ graphql }: Stack, idempotencyKey: string, more: object = {}) =>
  confirm(graphql, { idempotencyKey, from: { details: await electricity(graphql) }, ...more });

describe.each(['v1', 'current'] as const)('money on %s', (surface) => {
  it('buys what was quoted, once, for the quoted price', async () => {
    await using stack = await startStack({ surface });
    const quote = await validate(
      stack.graphql,
      await electricity(stack.graphql, { subscriberIdentifier: '04040404099' }),
    );
    const purchase = await confirm(stack.graphql, { idempotencyKey: 'k', from: { quoteId: quote['id'] } });
    expect(purchase).toMatchObject({ status: 'SUCCEEDED', canRetry: false, problem: null });
    expect(purchase['charges'].total.amount).toBe(quote['charges'].total.amount);
    expect(stack.sandbox.ledger).toHaveLength(1);
    expect(stack.sandbox.ledger[0]?.externalReference).toBe(purchase['reference']);
    expect(purchase['attempts']).toMatchObject([{ number: 1, kind: 'CONFIRM', outcome: 'SUCCEEDED' }]);
  });

  it('R8: a hundred concurrent confirms with one key are one confirm, one debit, one purchase', async () => {
    await using stack = await startStack({ surface, sandbox: { processingMs: 50 } });
    const details = await electricity(stack.graphql);
    const all = await Promise.all(
      Array.from({ length: 100 }, () => confirm(stack.graphql, { idempotencyKey: 'one', from: { details } })),
    );
    expect(new Set(all.map(({ id }) => id))).toHaveProperty('size', 1);
    expect(all.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
    expect(confirms(stack)).toHaveLength(1);
    expect(stack.sandbox.ledger).toHaveLength(1);
  });

  it('R4: an answer lost after processing is UNRESOLVED, then SUCCEEDED, one debit, each step seen', async () => {
    await using stack = await startStack({ surface });
    const seen = subscribe(
      stack.socket(),
      'subscription { purchaseEvents { status purchase { status tokens { digits } } } }',
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    const purchase = await buy(stack, 'lost');
    expect(purchase).toMatchObject({
      status: 'UNRESOLVED',
      canRetry: true,
      problem: { code: 'outcome_unknown', retryable: false },
    });
    const end = await eventually(stack.graphql, { idempotencyKey: 'lost' }, isSettled);
    expect(end['status']).toBe('SUCCEEDED');
    expect(end['tokens']).toHaveLength(1);
    expect(stack.sandbox.ledger).toHaveLength(1);
    expect(confirms(stack)).toHaveLength(1);
    await until(() => seen.results.length >= 3, 'three events');
    const events = seen.results.map(({ data }) => data?.['purchaseEvents']);
    expect(events.map(({ status }) => status)).toEqual(['PENDING', 'UNRESOLVED', 'SUCCEEDED']);
    expect(events.map((event) => event.purchase.status)).toEqual(['PENDING', 'UNRESOLVED', 'SUCCEEDED']);
  });

  it.each(['garbage', 'empty', 'cut_off', 'html_error', 'trickle', 'pending', 'huge', 'drop_after'] as const)(
    'R1, R4: after %s exactly one confirm was sent, and the purchase ends as the ledger says',
    async (kind) => {
      await using stack = await startStack({ surface });
      stack.sandbox.addFault({ endpoint: 'confirm', kind, ...(kind === 'trickle' ? { delayMs: 100 } : {}) });
      await buy(stack, kind);
      const end = await eventually(stack.graphql, { idempotencyKey: kind }, isSettled);
      expect(confirms(stack)).toHaveLength(1);
      const debits = stack.sandbox.ledger.filter(
        ({ externalReference }) => externalReference === end['reference'],
      );
      expect(debits).toHaveLength(end['status'] === 'SUCCEEDED' ? 1 : 0);
      if (end['status'] === 'SUCCEEDED') expect(end['tokens']).toHaveLength(1);
    },
  );

  it('R5: a confirm dropped before processing is FAILED only after two late "not found" in a row', async () => {
    await using stack = await startStack({ surface });
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_before' });
    expect(await buy(stack, 'dropped')).toMatchObject({ status: 'UNRESOLVED' });
    const end = await eventually(stack.graphql, { idempotencyKey: 'dropped' }, isSettled);
    expect(end).toMatchObject({ status: 'FAILED', problem: { code: 'purchase_not_found' } });
    expect(stack.sandbox.calls.filter(({ endpoint }) => endpoint === 'retry').length).toBeGreaterThanOrEqual(
      2,
    );
    const [first] = end['attempts'];
    expect(Date.parse(end['settledAt']) - Date.parse(first.startedAt)).toBeGreaterThanOrEqual(1_500);
    expect(stack.sandbox.ledger).toHaveLength(0);
  });

  it('R4: after a success that was cut off no "not found" is believed, however often it comes', async () => {
    await using stack = await startStack({ surface });
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'cut_off' });
    const code = surface === 'v1' ? 'purchase_not_found' : '102';
    const denial = { kind: 'error', status: 404, type: 'not_found_error', code, count: 12 } as const;
    stack.sandbox.addFault({ endpoint: 'retry', ...denial });
    await buy(stack, 'told');
    const purchase = await eventually(stack.graphql, { idempotencyKey: 'told' }, isSettled);
    expect(purchase).toMatchObject({ status: 'SUCCEEDED' });
    expect(purchase['attempts'].length).toBeGreaterThan(12);
    expect(stack.sandbox.ledger).toHaveLength(1);
  });

  it('R5: a confirm that lands late, after early "not found" answers, is found', async () => {
    await using stack = await startStack({ surface });
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'late_landing', delayMs: 1_200 });
    await buy(stack, 'late');
    const end = await eventually(stack.graphql, { idempotencyKey: 'late' }, isSettled);
    expect(end['status']).toBe('SUCCEEDED');
    expect(stack.sandbox.ledger).toHaveLength(1);
    expect(confirms(stack)).toHaveLength(1);
  });

  it('a 401 is answered by one new session, and the confirm is made again: one debit', async () => {
    await using stack = await startStack({ surface });
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'unauthorized' });
    expect(await buy(stack, 'expired')).toMatchObject({ status: 'SUCCEEDED' });
    expect(stack.sandbox.ledger).toHaveLength(1);
  });

  it('a confirm that was rate-limited is FAILED, retryable, and never charged', async () => {
    await using stack = await startStack({ surface });
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'rate_limit' });
    const purchase = await buy(stack, 'limited');
    const end = await eventually(stack.graphql, { id: purchase['id'] }, isSettled);
    expect(end['status']).toBe('FAILED');
    expect(stack.sandbox.ledger).toHaveLength(0);
  });

  it('a confirm goes on when its client has gone', async () => {
    await using stack = await startStack({ surface, sandbox: { processingMs: 300 } });
    const leaving = new AbortController();
    const body = JSON.stringify({
      query: 'mutation ($input: ConfirmPurchaseInput!) { confirmPurchase(input: $input) { __typename } }',
      variables: { input: { idempotencyKey: 'gone', from: { details: await electricity(stack.graphql) } } },
    });
    const headers = { 'content-type': 'application/json' };
    const url = `${stack.gateway.url}/graphql`;
    const sent = fetch(url, { method: 'POST', headers, body, signal: leaving.signal }).catch(() => undefined);
    await until(() => confirms(stack).length > 0, 'the confirm');
    leaving.abort();
    await sent;
    const end = await eventually(stack.graphql, { idempotencyKey: 'gone' }, isSettled);
    expect(end['status']).toBe('SUCCEEDED');
    expect(stack.sandbox.ledger).toHaveLength(1);
  });

  it('returns PENDING after waitMs and goes on', async () => {
    await using stack = await startStack({ surface, sandbox: { processingMs: 400 } });
    expect(await buy(stack, 'slow', { waitMs: 0 })).toMatchObject({ status: 'PENDING', tokens: [] });
    const end = await eventually(stack.graphql, { idempotencyKey: 'slow' }, isSettled);
    expect(end['status']).toBe('SUCCEEDED');
  });

  it('an upstream that is down at confirm is NOT_SENT: FAILED, retryable; retryPurchase then sends the first confirm', async () => {
    await using stack = await startStack({ surface });
    const quote = await validate(stack.graphql, await electricity(stack.graphql));
    // Every connection is refused from here on, as when the upstream's process is down.
    const port = Number(new URL(stack.sandbox.url).port);
    await stack.sandbox.close();
    // Until the gateway has seen that its idle connections were closed: what it writes on one of them may have gone out.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const failed = await confirm(stack.graphql, { idempotencyKey: 'down', from: { quoteId: quote['id'] } });
    expect(failed).toMatchObject({
      status: 'FAILED',
      canRetry: true,
      problem: { retryable: true },
      attempts: [{ outcome: 'NOT_SENT' }],
    });
    await using again = await startSandbox({ port });
    const bought = await retry(stack.graphql, { id: failed['id'] });
    expect(bought).toMatchObject({ __typename: 'Purchase', status: 'SUCCEEDED' });
    expect(bought['attempts'].map(({ kind }: { kind: string }) => kind)).toEqual(['CONFIRM', 'CONFIRM']);
    expect(again.ledger).toHaveLength(1);
  });

  it('retryPurchase leaves a success alone and refuses what was refused for good', async () => {
    await using stack = await startStack({ surface });
    const bought = await buy(stack, 'fine');
    expect(await retry(stack.graphql, { id: bought['id'] })).toMatchObject({
      id: bought['id'],
      status: 'SUCCEEDED',
    });
    const details = await electricity(stack.graphql, { subscriberIdentifier: '04040404081' });
    const refused = await confirm(stack.graphql, { idempotencyKey: 'blocked', from: { details } });
    expect(await retry(stack.graphql, { id: refused['id'] })).toMatchObject({
      code: 'purchase_not_retryable',
    });
    expect(await retry(stack.graphql, { id: 'nonsense' })).toMatchObject({ type: 'NOT_FOUND' });
    expect(stack.sandbox.ledger).toHaveLength(1);
  });

  it('retryPurchase finds out about an unresolved purchase at once', async () => {
    const env = { RECONCILE_BASE_DELAY_MS: '60000', RECONCILE_MAX_DELAY_MS: '60000' };
    await using stack = await startStack({ surface, env });
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    const lost = await buy(stack, 'lost');
    expect(lost['status']).toBe('UNRESOLVED');
    expect(await retry(stack.graphql, { id: lost['id'] })).toMatchObject({ status: 'SUCCEEDED' });
    expect(stack.sandbox.ledger).toHaveLength(1);
  });

  it('gives up to NEEDS_ATTENTION, from where retryPurchase goes on', async () => {
    // A circuit that is still open would answer the retry with UNRESOLVED: that is tested with the protection.
    const env = { RECONCILE_GIVE_UP_AFTER_MS: '500', CIRCUIT_FAILURES: '1000' };
    await using stack = await startStack({ surface, env });
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    stack.sandbox.addFault({ endpoint: 'retry', kind: 'html_error', count: null });
    const lost = await buy(stack, 'hopeless');
    const by = { id: lost['id'] };
    const stuck = await eventually(stack.graphql, by, ({ status }) => status === 'NEEDS_ATTENTION');
    expect(stuck).toMatchObject({ canRetry: true, problem: { code: 'needs_attention' } });
    stack.sandbox.clearFaults();
    expect(await retry(stack.graphql, by)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('several purchases in one operation', () => {
  it('tell each the balance that is left after it', async () => {
    await using stack = await startStack();
    const { graphql } = stack;
    const details = await electricity(graphql);
    const bought = '{ ... on Purchase { status account { balance { amount } } } }';
    const query = `mutation ($a: ConfirmPurchaseInput!, $b: ConfirmPurchaseInput!) {
      a: confirmPurchase(input: $a) ${bought} b: confirmPurchase(input: $b) ${bought} }`;
    // More often than it takes to be compiled.
    for (let time = 0; time < 5; time += 1) {
      const input = (name: string) => ({ idempotencyKey: `${name}${time}`, from: { details } });
      const { data } = await graphql(query, { a: input('a'), b: input('b') });
      expect(data).toMatchObject({ a: { status: 'SUCCEEDED' }, b: { status: 'SUCCEEDED' } });
      const now = await graphql('query ($id: ID!) { account(id: $id) { balance { amount } } }', {
        id: await walletId(graphql),
      });
      expect(data?.['b'].account).toEqual(now.data?.['account']);
      expect(Number(data?.['a'].account.balance.amount)).toBeGreaterThan(
        Number(now.data?.['account'].balance.amount),
      );
    }
  });
});

describe('the idempotency key', () => {
  it('returns the same purchase for the same details, for ever, and is a CONFLICT for others', async () => {
    await using stack = await startStack();
    const { graphql } = stack;
    const first = await buy(stack, 'key');
    expect(await buy(stack, 'key')).toMatchObject({ id: first['id'] });
    const other = await electricity(graphql, { amount: { amount: '100.01', currency: 'BWP' } });
    const conflict = await confirm(graphql, { idempotencyKey: 'key', from: { details: other } });
    expect(conflict).toMatchObject({ __typename: 'Problem', type: 'CONFLICT' });
    expect(stack.sandbox.ledger).toHaveLength(1);
    expect(await purchaseOf(graphql, { idempotencyKey: 'key' })).toMatchObject({ id: first['id'] });
    expect(await purchaseOf(graphql, { reference: first['reference'] })).toMatchObject({ id: first['id'] });
  });

  it('returns the purchase of a quote even when the quote has expired since', async () => {
    await using stack = await startStack({ env: { QUOTE_TTL_MS: '300' } });
    const { graphql } = stack;
    const quote = await validate(graphql, await electricity(graphql));
    const from = { quoteId: quote['id'] };
    const first = await confirm(graphql, { idempotencyKey: 'quoted', from });
    expect(first['status']).toBe('SUCCEEDED');
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect(await confirm(graphql, { idempotencyKey: 'quoted', from })).toMatchObject({ id: first['id'] });
    const expired = await confirm(graphql, { idempotencyKey: 'another', from });
    expect(expired).toMatchObject({ code: 'quote_expired', fields: [{ field: 'from.quoteId' }] });
    expect(stack.sandbox.ledger).toHaveLength(1);
  });
});
