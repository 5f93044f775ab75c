import { randomUUID } from 'node:crypto';

/** One caller is all the load there is: counted as any other, and never too much. */
export const UNLIMITED = {
  RATE_LIMIT_PER_MINUTE: '100000000',
  RATE_LIMIT_PURCHASES_PER_MINUTE: '100000000',
  RATE_LIMIT_INTEGRATION_PER_MINUTE: '100000000',
};

/** Each operation by itself: no answer and no call upstream is shared. */
export const ALONE = { UPSTREAM_COALESCING: 'off', PRODUCTS_FRESH_MS: '0' };

const CONFIRM = `mutation Confirm($input: ConfirmPurchaseInput!) {
  confirmPurchase(input: $input) {
    __typename
    ... on Purchase { id status reference subscriber { identifier } amount { amount currency } tokens { kind formatted } }
  }
}`;

/** A purchase for the smallest sum, with a key of its own. */
export function confirmation(): string {
  const details = {
    ...{ productType: 'ELECTRICITY', providerCode: 'BPC', subscriberIdentifier: '04040404040' },
    accountId: Buffer.from('Account:13209').toString('base64'),
    beneficiaryPhoneNumber: '+26771436390',
    amount: { amount: '0.01', currency: 'BWP' },
  };
  return JSON.stringify({
    query: CONFIRM,
    variables: { input: { idempotencyKey: randomUUID(), from: { details } } },
  });
}

export const isWhole = (answer: string): boolean => !answer.includes('"errors"');
export const isSuccess = (body: string): boolean => body.includes('"status":"SUCCEEDED"');

export function pageOf(first: number): string {
  return JSON.stringify({
    query: `query FirstPage {
      purchases(first: ${first}) {
        edges { node { id createdAt status reference subscriber { identifier } amount { amount currency } tokens { formatted } } }
        pageInfo { hasNextPage endCursor }
      }
    }`,
  });
}
export const FIRST_PAGE = pageOf(50);

export const isFirstPage = (body: string): boolean => body.includes('"hasNextPage":true') && isWhole(body);

const ACCOUNT = 'id name category currency balance { amount currency }';
export const ACCOUNTS = JSON.stringify({ query: `query Accounts { accounts { ${ACCOUNT} } }` });
export const HOME = JSON.stringify({
  query: `query Home {
    viewer { username role organisation { code name } }
    accounts { ${ACCOUNT} }
    products { type displayName subscriberId { label hint minLength maxLength pattern } providers { code name } }
  }`,
});
export const PAGE_WITH_ACCOUNTS = JSON.stringify({
  query: `query Page {
    purchases(first: 50) {
      edges { node {
        id createdAt status reference subscriber { identifier name } amount { amount currency }
        tokens { kind formatted } account { id name balance { amount currency } }
      } }
    }
  }`,
});

/** The message by which a socket asks to be told of each purchase that has succeeded. */
export const LIVE = JSON.stringify({
  id: '1',
  type: 'subscribe',
  payload: {
    query: `subscription Live {
      purchaseEvents(filter: { status: [SUCCEEDED] }) {
        cursor at status
        purchase { id reference status subscriber { identifier } amount { amount currency } tokens { kind formatted } }
      }
    }`,
  },
});
