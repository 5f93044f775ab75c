import type { GraphiQLOptions } from 'graphql-yoga';

/**
 * The tabs with which GraphiQL opens: a purchase from beginning to end. `key` is a fresh idempotency key. For callers who
 * must show who they are there is a place for their token, which the browser does not keep.
 */
export function graphiqlOptions(key: string, authenticates: boolean): GraphiQLOptions {
  const headers = authenticates ? JSON.stringify({ Authorization: 'Bearer TOKEN' }, null, 2) : null;
  return {
    title: 'ScratchPower GraphQL',
    // Its headers do not reach the parameters of a WebSocket's connection.
    subscriptionsProtocol: authenticates ? 'SSE' : 'WS',
    defaultTabs: tabs(key).map(({ query, variables }) => ({
      query: `${authenticates ? TOKEN_GOES : ''}${query.trim()}\n`,
      variables: variables === undefined ? null : JSON.stringify(variables, null, 2),
      headers,
    })),
    ...(headers !== null && { headers, defaultHeaders: headers, shouldPersistHeaders: false }),
    defaultEditorToolsVisibility: authenticates ? 'headers' : 'variables',
    schemaDescription: true,
  };
}

/**
 * At the first press GraphiQL moves a tab to where it does not stand, away from the pointer, and the click is lost: it stays
 * where it is, and can still be dragged to another place. On a narrow screen the answer stands below the editors.
 */
const STYLE = `<style>
.graphiql-tab { transform: none !important }
@media (max-width: 700px) {
  .graphiql-logo, .graphiql-horizontal-drag-bar { display: none }
  #graphiql-session { flex-direction: column }
  #graphiql-session > * { min-width: 0 !important; min-height: 0 }
}
</style>`;

/** GraphiQL's page with what is ours. The first of such tags is the page's own; what else looks like one is its script's text. */
export function ownPage(page: string, nonce = ''): string {
  return page.replace('</head>', `${STYLE}</head>`).replace('<script>', `<script nonce="${nonce}">`);
}

/** Each tab has headers of its own; the schema was asked for before the token was there. */
const TOKEN_GOES = `# Your token goes into Headers below, in each tab.
# For Docs press "Re-fetch GraphQL schema" then.
`;

/** The wallet of the sandbox. On another environment take an id from the "AccountsAndProducts" tab. */
const SANDBOX_ACCOUNT_ID = Buffer.from('Account:13209').toString('base64');

const purchase = (subscriberIdentifier: string) => ({
  productType: 'ELECTRICITY',
  providerCode: 'BPC',
  accountId: SANDBOX_ACCOUNT_ID,
  subscriberIdentifier,
  beneficiaryPhoneNumber: '+26771436390',
  amount: { amount: '100.00', currency: 'BWP' },
});

function tabs(key: string): { query: string; variables?: object }[] {
  return [
    {
      query: `
# 1. Who am I? Press the play button (Ctrl-Enter).
#    The next tabs tell the story of a purchase.
query WhoAmI {
  viewer {
    username
    role
    organisation { code name }
    surface
    scopes
  }
}`,
    },
    {
      query: `
# 2. What can I pay with, and what is there to buy?
#    Take an account's id from here.
query AccountsAndProducts {
  accounts { id name category balance { amount currency } }
  products {
    type
    displayName
    subscriberId { label hint minLength maxLength pattern }
    providers { code name }
    surfaces
  }
}`,
    },
    {
      query: `
# 3. Check the meter and price the purchase.
#    Changes nothing; repeat it freely.
mutation Validate($input: PurchaseInput!) {
  validatePurchase(input: $input) {
    __typename
    ... on Quote {
      id
      subscriber { name address }
      charges { total { amount currency } charge { amount currency } }
      expiresAt
    }
    ... on Problem { type code message fields { field message } }
  }
}`,
      variables: { input: purchase('04040404040') },
    },
    {
      query: `
# 4. Watch it live: press play here, then buy in a
#    second window (tab 5).
subscription WatchLive {
  purchaseEvents {
    cursor
    at
    status
    purchase {
      reference
      subscriber { identifier name }
      tokens { kind formatted }
      units { value unit }
      problem { message }
    }
  }
}`,
    },
    {
      query: `
# 5. Buy. The same idempotencyKey always returns the
#    same purchase: change it to buy again. To buy what
#    tab 3 quoted: "from": { "quoteId": "its id" }
mutation Confirm($input: ConfirmPurchaseInput!) {
  confirmPurchase(input: $input) {
    __typename
    ... on Purchase {
      id
      status
      reference
      tokens { kind formatted }
      units { value unit }
      charges { total { amount currency } }
      receiptNumber
      problem { code message }
    }
    ... on Problem { type code message retryable fields { field message } }
  }
}`,
      variables: { input: { idempotencyKey: key, from: { details: purchase('04040404040') } } },
    },
    {
      query: `
# 6. What went wrong? This meter is blocked: a Problem,
#    with a sentence for the customer.
mutation Blocked($input: PurchaseInput!) {
  validatePurchase(input: $input) {
    __typename
    ... on Quote { id }
    ... on Problem { type code message retryable docUrl requestId fields { field message } }
  }
}`,
      variables: { input: purchase('04040404081') },
    },
    {
      query: `
# 7. The latest purchases, newest first.
query PurchasesOfToday($since: DateTime) {
  purchases(first: 20, filter: { createdAfter: $since }) {
    edges {
      node {
        createdAt
        status
        reference
        subscriber { identifier name }
        amount { amount currency }
        tokens { formatted }
        account { name balance { amount currency } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}`,
      variables: { since: `${new Date().toISOString().slice(0, 10)}T00:00:00Z` },
    },
  ];
}
