import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { confirm, electricity, startStack, validate, type Stack } from '../support/stack.ts';

/** The contract's table of test meters: what a purchase of the amount on each ends as. */
const meters: [meter: string, amount: string, end: string, tokens: number][] = [
  ['04040404040', '100.00', 'SUCCEEDED', 1],
  ['04040404099', '100.00', 'SUCCEEDED', 1],
  ['04040404107', '100.00', 'SUCCEEDED', 1],
  ['04040404461', '1000.00', 'purchase_amount_too_low', 0],
  ['04040404461', '1500.00', 'SUCCEEDED', 1],
  ['04040404081', '100.00', 'meter_blocked', 0],
  ['04040404057', '100.00', 'meter_purchases_blocked', 0],
  ['04040404065', '100.00', 'meter_debt_outstanding', 0],
  ['04040404073', '100.00', 'meter_transactions_blocked', 0],
  ['04240297236', '100.00', 'meter_not_found', 0],
  ['04040404198', '1500.00', 'SUCCEEDED', 3],
  ['0404040404000', '100.00', 'SUCCEEDED', 1],
  ['09999999999', '100.00', 'refused', 0],
];

describe.each(['v1', 'current'] as const)('the test meters on %s', (surface) => {
  let stack: Stack;
  beforeAll(async () => void (stack = await startStack({ surface })));
  afterAll(() => stack[Symbol.asyncDispose]());

  it.each(meters)('%s for %s ends as %s', async (meter, amount, end, tokens) => {
    const { graphql, sandbox } = stack;
    const before = sandbox.ledger.length;
    const details = await electricity(graphql, {
      subscriberIdentifier: meter,
      amount: { amount, currency: 'BWP' },
    });
    const idempotencyKey = `${meter}-${amount}`;
    const purchase = await confirm(graphql, { idempotencyKey, from: { details } });
    expect(purchase['__typename']).toBe('Purchase');
    expect(purchase['surface']).toBe(surface === 'v1' ? 'V1' : 'CURRENT');
    expect(purchase['tokens']).toHaveLength(tokens);
    if (end === 'SUCCEEDED') {
      expect(purchase['status']).toBe('SUCCEEDED');
      expect(sandbox.ledger.length).toBe(before + 1);
      const digits = purchase['tokens'].map((token: { digits: string }) => token.digits);
      expect(digits.every((one: string) => /^\d{20}$/.test(one))).toBe(true);
      const kinds = purchase['tokens'].map(({ kind }: { kind: string }) => kind);
      expect(kinds).toEqual(tokens === 3 ? ['KEY_CHANGE', 'KEY_CHANGE', 'CREDIT'] : ['CREDIT']);
    } else {
      expect(purchase['status']).toBe('FAILED');
      expect(purchase['problem']).toMatchObject({ type: 'PROVIDER', retryable: false });
      if (end !== 'refused') expect(purchase['problem'].code).toBe(surface === 'v1' ? end : '810');
      expect(sandbox.ledger.length).toBe(before);
    }
  });

  it('validates the happy meter and tells why the blocked one is refused', async () => {
    const { graphql, sandbox } = stack;
    const before = sandbox.ledger.length;
    const good = await validate(graphql, await electricity(graphql));
    expect(good).toMatchObject({ __typename: 'Quote', subscriber: { name: expect.any(String) } });
    const blocked = await validate(
      graphql,
      await electricity(graphql, { subscriberIdentifier: '04040404081' }),
    );
    expect(blocked).toMatchObject({ __typename: 'Problem', type: 'PROVIDER', retryable: false });
    expect(blocked['code']).toBe(surface === 'v1' ? 'meter_blocked' : '810');
    expect(blocked['message']).not.toBe('');
    expect(sandbox.ledger.length).toBe(before);
  });
});
