import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { confirm, electricity, startStack, validate, type Stack } from '../support/stack.ts';

describe.each(['v1', 'current'] as const)('bad input on %s', (surface) => {
  let stack: Stack;
  beforeAll(async () => void (stack = await startStack({ surface })));
  afterAll(() => stack[Symbol.asyncDispose]());

  const sent = () =>
    stack.sandbox.calls.filter(({ endpoint }) => ['validate', 'confirm', 'retry'].includes(endpoint)).length;

  it.each<[string, object, string[]]>([
    ['a meter too short', { subscriberIdentifier: '123' }, ['subscriberIdentifier']],
    ['an amount of zero', { amount: { amount: '0', currency: 'BWP' } }, ['amount.amount']],
    ['a wrong currency', { amount: { amount: '5', currency: 'ZAR' } }, ['amount.currency']],
    ['an unknown account', { accountId: 'QWNjb3VudDox' }, ['accountId']],
    ['no account id at all', { accountId: 'nonsense' }, ['accountId']],
    ['an unknown provider', { providerCode: 'X' }, ['providerCode']],
    ['a bad phone', { beneficiaryPhoneNumber: '12' }, ['beneficiaryPhoneNumber']],
    [
      'everything wrong',
      {
        subscriberIdentifier: '1',
        amount: { amount: '-1', currency: 'BWP' },
        beneficiaryPhoneNumber: 'x',
        providerCode: '?',
      },
      ['amount.amount', 'beneficiaryPhoneNumber', 'providerCode', 'subscriberIdentifier'],
    ],
  ])('%s is a Problem that names each field, and nothing is sent', async (_name, change, fields) => {
    const before = sent();
    const input = await electricity(stack.graphql, change);
    const problem = await validate(stack.graphql, input);
    expect(problem).toMatchObject({ __typename: 'Problem', type: 'INVALID_INPUT', retryable: false });
    expect(problem['fields'].map(({ field }: { field: string }) => field).sort()).toEqual(fields);
    const refused = await confirm(stack.graphql, { idempotencyKey: 'unused', from: { details: input } });
    expect(refused['fields'].map(({ field }: { field: string }) => field).sort()).toEqual(
      fields.map((field) => `from.details.${field}`),
    );
    expect(sent()).toBe(before);
  });

  it.each(['', 'x'.repeat(256), '   '])('an idempotency key of %j is refused', async (idempotencyKey) => {
    const details = await electricity(stack.graphql);
    const problem = await confirm(stack.graphql, { idempotencyKey, from: { details } });
    expect(problem).toMatchObject({ type: 'INVALID_INPUT', fields: [{ field: 'idempotencyKey' }] });
  });

  it.each([-1, 60_001])('a waitMs of %d is refused', async (waitMs) => {
    const details = await electricity(stack.graphql);
    const problem = await confirm(stack.graphql, { idempotencyKey: 'w', waitMs, from: { details } });
    expect(problem).toMatchObject({ type: 'INVALID_INPUT', fields: [{ field: 'waitMs' }] });
  });

  it('an unknown quote is refused', async () => {
    const problem = await confirm(stack.graphql, { idempotencyKey: 'q', from: { quoteId: 'nonsense' } });
    expect(problem).toMatchObject({ code: 'quote_not_found', fields: [{ field: 'from.quoteId' }] });
  });

  it('a product that the surface does not sell is refused before anything is sent', async () => {
    const before = sent();
    const input = await electricity(stack.graphql, {
      productType: surface === 'v1' ? 'WATER' : 'AIRTIME',
      providerCode: 'NOBODY',
    });
    expect(await validate(stack.graphql, input)).toMatchObject({ type: 'INVALID_INPUT' });
    expect(sent()).toBe(before);
  });
});
