import { randomUUID } from 'node:crypto';

import { expect } from 'vitest';

import { startStack, type Stack } from '../support/stack.ts';

/** What each client does once: ask what it would cost, buy it, and follow what becomes of it. */
export const documents = {
  validate: `mutation Validate($input: PurchaseInput!) {
    validatePurchase(input: $input) { __typename ... on Quote { id } ... on Problem { code message } }
  }`,
  confirm: `mutation Confirm($input: ConfirmPurchaseInput!) {
    confirmPurchase(input: $input) { __typename ... on Purchase { id status } ... on Problem { code message } }
  }`,
  follow: `subscription Follow($id: ID!) {
    purchaseUpdated(id: $id) { id status tokens { kind formatted } }
  }`,
};

export type Step = keyof typeof documents;
type Data = Record<string, any>;

/** A client, as little as all have in common. */
export interface Client {
  readonly mutate: (step: 'validate' | 'confirm', variables: Data) => Promise<Data | null | undefined>;
  /** What a subscription tells until it completes. */
  readonly follow: (variables: Data) => Promise<(Data | null | undefined)[]>;
}

const details = {
  ...{ productType: 'ELECTRICITY', providerCode: 'BPC', subscriberIdentifier: '04040404040' },
  accountId: Buffer.from('Account:13209').toString('base64'),
  beneficiaryPhoneNumber: '+26771436390',
  amount: { amount: '100.00', currency: 'BWP' },
};

/** The real gateway on a sandbox that takes its time, so that there is something to follow. */
export function startShop(): Promise<Stack> {
  return startStack({ sandbox: { processingMs: 300 } });
}

export async function buy({ mutate, follow }: Client): Promise<void> {
  const quote = (await mutate('validate', { input: details }))?.['validatePurchase'];
  expect(quote).toMatchObject({ __typename: 'Quote' });
  const from = { quoteId: quote.id };
  const input = { idempotencyKey: randomUUID(), from, waitMs: 0 };
  const bought = (await mutate('confirm', { input }))?.['confirmPurchase'];
  expect(bought).toMatchObject({ __typename: 'Purchase' });
  const seen = (await follow({ id: bought.id })).map((data) => data?.['purchaseUpdated']);
  expect(seen.map(({ id }) => id)).toEqual(seen.map(() => bought.id));
  // How much of it is still to come depends on how quick the client is.
  expect(seen.slice(0, -1).filter(({ status }) => status !== 'PENDING')).toEqual([]);
  const token = { kind: 'CREDIT', formatted: expect.stringMatching(/^[\d ]{24}$/) };
  expect(seen.at(-1)).toMatchObject({ status: 'SUCCEEDED', tokens: [token] });
}
