import type { FragmentOf, ResultOf, VariablesOf } from 'gql.tada';

import { graphql } from './graphql.ts';

const ProblemFields = graphql(`
  fragment ProblemFields on Problem {
    __typename
    type
    code
    message
    retryable
    requestId
    fields {
      field
      message
    }
  }
`);

const PurchaseFields = graphql(
  `
    fragment PurchaseFields on Purchase {
      __typename
      id
      reference
      status
      canRetry
      createdAt
      updatedAt
      productType
      provider {
        name
      }
      subscriber {
        identifier
        name
        address
      }
      amount {
        amount
        currency
      }
      charges {
        charge {
          amount
          currency
        }
        total {
          amount
          currency
        }
      }
      units {
        value
        unit
      }
      tokens {
        kind
        digits
        formatted
      }
      receiptNumber
      problem {
        ...ProblemFields
      }
    }
  `,
  [ProblemFields],
);

const QuoteFields = graphql(`
  fragment QuoteFields on Quote {
    __typename
    id
    productType
    provider {
      name
    }
    subscriber {
      identifier
      name
      address
    }
    amount {
      amount
      currency
    }
    charges {
      charge {
        amount
        currency
      }
      total {
        amount
        currency
      }
    }
    account {
      name
    }
  }
`);

export const Shop = graphql(`
  query Shop {
    viewer {
      organisation {
        name
      }
      accounts {
        id
        name
        category
        currency
      }
    }
    products {
      type
      displayName
      subscriberId {
        label
        hint
        minLength
        maxLength
        pattern
      }
      providers {
        code
        name
      }
    }
  }
`);

export const Validate = graphql(
  `
    mutation Validate($input: PurchaseInput!) {
      validatePurchase(input: $input) {
        ...QuoteFields
        ...ProblemFields
      }
    }
  `,
  [QuoteFields, ProblemFields],
);

export const Confirm = graphql(
  `
    mutation Confirm($input: ConfirmPurchaseInput!) {
      confirmPurchase(input: $input) {
        ...PurchaseFields
        ...ProblemFields
      }
    }
  `,
  [PurchaseFields, ProblemFields],
);

export const Retry = graphql(
  `
    mutation Retry($input: RetryPurchaseInput!) {
      retryPurchase(input: $input) {
        ...PurchaseFields
        ...ProblemFields
      }
    }
  `,
  [PurchaseFields, ProblemFields],
);

export const WatchPurchase = graphql(
  `
    subscription WatchPurchase($id: ID!) {
      purchaseUpdated(id: $id) {
        ...PurchaseFields
      }
    }
  `,
  [PurchaseFields],
);

export const WatchBalance = graphql(`
  subscription WatchBalance($id: ID!) {
    accountUpdated(id: $id) {
      balance {
        amount
        currency
      }
    }
  }
`);

export const PurchasesSince = graphql(
  `
    query PurchasesSince($since: DateTime!, $after: String) {
      purchases(first: 20, after: $after, filter: { createdAfter: $since }) {
        edges {
          node {
            ...PurchaseFields
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [PurchaseFields],
);

/** `after` is filled in by `resumable`: it is the last cursor seen. */
export const PurchaseEvents = graphql(
  `
    subscription PurchaseEvents($since: DateTime!, $after: String) {
      purchaseEvents(after: $after, filter: { createdAfter: $since }) {
        cursor
        purchase {
          ...PurchaseFields
        }
      }
    }
  `,
  [PurchaseFields],
);

export type Problem = FragmentOf<typeof ProblemFields>;
export type Purchase = FragmentOf<typeof PurchaseFields>;
export type Quote = FragmentOf<typeof QuoteFields>;
export type Product = ResultOf<typeof Shop>['products'][number];
export type Account = ResultOf<typeof Shop>['viewer']['accounts'][number];
export type PurchaseInput = VariablesOf<typeof Validate>['input'];
export type ProductType = PurchaseInput['productType'];
