import { describe, expect, it } from 'vitest';

import { confirm, electricity, startStack, validate } from '../support/stack.ts';

const EVERYTHING = `{
  viewer { username role roles organisation { code name } accounts { id } }
  accounts { id name currency category type status rank balance { amount } }
  products { type displayName subscriberId { label minLength maxLength pattern hint } providers { code name } surfaces } }`;

describe.each(['v1', 'current'] as const)('an upstream on %s whose answers', (surface) => {
  it('hold fields that nobody knows is read as before', async () => {
    await using stack = await startStack({ surface });
    stack.sandbox.addFault({ endpoint: '*', kind: 'extra_fields', count: null });
    const read = await stack.graphql(EVERYTHING);
    expect(read.errors).toBeUndefined();
    const quote = await validate(stack.graphql, await electricity(stack.graphql));
    expect(quote).toMatchObject({ __typename: 'Quote', charges: { total: { amount: '102.50' } } });
    const from = { quoteId: quote['id'] };
    const purchase = await confirm(stack.graphql, { idempotencyKey: 'extra', from });
    expect(purchase).toMatchObject({ status: 'SUCCEEDED', receiptNumber: expect.any(String) });
  });

  it('lack every optional field loses nothing that was there', async () => {
    await using stack = await startStack({ surface });
    const details = await electricity(stack.graphql);
    stack.sandbox.addFault({ endpoint: '*', kind: 'missing_optional', count: null });
    const read = await stack.graphql(EVERYTHING);
    expect(read.errors).toBeUndefined();
    expect(read.data?.['accounts'].length).toBeGreaterThan(0);
    for (const { subscriberId } of read.data?.['products']) expect(subscriberId.hint).not.toBe('');
    const quote = await validate(stack.graphql, details);
    expect(quote).toMatchObject({ __typename: 'Quote', subscriber: { name: null } });
    const purchase = await confirm(stack.graphql, { idempotencyKey: 'less', from: { details } });
    expect(purchase).toMatchObject({ status: 'SUCCEEDED', units: null, receiptNumber: null });
    expect(purchase['tokens']).toHaveLength(1);
    expect(stack.sandbox.ledger).toHaveLength(1);
  });
});

describe('airtime and water on v1', () => {
  it.each([
    ['AIRTIME', 'MASCOM', '71436390', 0],
    ['WATER', 'WUC', '5000001', 1],
  ] as const)(
    '%s is validated and bought',
    async (productType, providerCode, subscriberIdentifier, tokens) => {
      await using stack = await startStack();
      const input = await electricity(stack.graphql, { productType, providerCode, subscriberIdentifier });
      const quote = await validate(stack.graphql, input);
      expect(quote).toMatchObject({ __typename: 'Quote' });
      const purchase = await confirm(stack.graphql, {
        idempotencyKey: productType,
        from: { quoteId: quote['id'] },
      });
      expect(purchase['status']).toBe('SUCCEEDED');
      expect(purchase['tokens']).toHaveLength(tokens);
      expect(stack.sandbox.ledger).toMatchObject([{ productType, subscriber: subscriberIdentifier }]);
    },
  );

  it.each([
    ['AIRTIME', 'MASCOM', '79999999'],
    ['WATER', 'WUC', '5000002'],
  ] as const)(
    '%s for a blocked number is FAILED with the provider’s sentence',
    async (type, code, number) => {
      await using stack = await startStack();
      const details = await electricity(stack.graphql, {
        productType: type,
        providerCode: code,
        subscriberIdentifier: number,
      });
      const purchase = await confirm(stack.graphql, { idempotencyKey: type, from: { details } });
      expect(purchase).toMatchObject({ status: 'FAILED', problem: { type: 'PROVIDER' } });
      expect(purchase['problem'].message).toMatch(/blocked/);
      expect(stack.sandbox.ledger).toHaveLength(0);
    },
  );
});

describe('one gateway with both surfaces', () => {
  it('buys on the surface that the input names', async () => {
    await using stack = await startStack();
    const details = await electricity(stack.graphql, { surface: 'CURRENT' });
    const purchase = await confirm(stack.graphql, { idempotencyKey: 'c', from: { details } });
    expect(purchase).toMatchObject({ status: 'SUCCEEDED', surface: 'CURRENT' });
    expect(stack.sandbox.ledger).toMatchObject([{ surface: 'current' }]);
    const airtime = { ...details, productType: 'AIRTIME', providerCode: 'MASCOM' };
    const refused = await validate(stack.graphql, airtime);
    expect(refused).toMatchObject({ type: 'INVALID_INPUT', fields: [{ field: 'productType' }] });
  });
});
