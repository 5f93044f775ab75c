import type { Journal } from '../../src/purchases/journal.ts';
import type { Purchase } from '../../src/purchases/purchase.ts';

/** What the workloads ask for, in the shapes of the gateway's own schema. */
export const typeDefs = /* GraphQL */ `
  type Query {
    viewer: Viewer!
    accounts: [Account!]!
    products: [Product!]!
    purchases(first: Int!): PurchaseConnection!
  }
  type Mutation {
    confirmPurchase(input: ConfirmPurchaseInput!): Purchase!
  }
  type Viewer {
    username: String!
    role: String
    organisation: Organisation
  }
  type Organisation {
    code: String!
    name: String
  }
  type Money {
    amount: String!
    currency: String!
  }
  type Account {
    id: ID!
    name: String!
    category: String!
    currency: String!
    balance: Money
  }
  type SubscriberIdFormat {
    label: String
    hint: String
    minLength: Int
    maxLength: Int
    pattern: String
  }
  type Provider {
    code: String!
    name: String!
  }
  type Product {
    type: String!
    displayName: String!
    subscriberId: SubscriberIdFormat!
    providers: [Provider!]!
  }
  type PurchaseConnection {
    edges: [PurchaseEdge!]!
  }
  type PurchaseEdge {
    node: Purchase!
  }
  type Subscriber {
    identifier: String!
    name: String
  }
  type VendToken {
    kind: String!
    formatted: String
  }
  type Purchase {
    id: ID!
    createdAt: String!
    status: String!
    reference: String!
    subscriber: Subscriber!
    amount: Money!
    tokens: [VendToken!]!
    account: Account
  }
  input ConfirmPurchaseInput {
    idempotencyKey: String!
    from: ConfirmSource!
  }
  input ConfirmSource {
    details: PurchaseInput!
  }
  input MoneyInput {
    amount: String!
    currency: String!
  }
  input PurchaseInput {
    productType: String!
    providerCode: String!
    accountId: ID!
    subscriberIdentifier: String!
    beneficiaryPhoneNumber: String!
    amount: MoneyInput!
  }
`;

/** The upstream's v1, as a server that is put together in an afternoon calls it. */
export interface Upstream {
  get(path: string): Promise<any>;
  post(path: string, body: object): Promise<any>;
}

export interface PeerContext {
  readonly upstream: Upstream;
  /** Of the record that the gateway has written, read by the gateway's own code. */
  readonly journal: Pick<Journal, 'page'>;
  /** One call an operation, however many purchases ask. */
  accounts?: Promise<any[]> | undefined;
}

interface ConfirmArgs {
  readonly input: { readonly idempotencyKey: string; readonly from: { readonly details: any } };
}

export const resolvers = {
  Query: {
    viewer: (_root: unknown, _args: unknown, { upstream }: PeerContext) => upstream.get('/auth/me'),
    accounts: (_root: unknown, _args: unknown, context: PeerContext) => accountsOf(context),
    products: async (_root: unknown, _args: unknown, { upstream }: PeerContext) =>
      (await upstream.get('/vas-products')).map(productOf),
    purchases: async (_root: unknown, { first }: { first: number }, { journal }: PeerContext) => {
      const page = await journal.page({ limit: first, inverted: false });
      return { edges: page.map((purchase) => ({ node: nodeOf(purchase) })) };
    },
  },
  Purchase: {
    account: async ({ accountId }: { accountId: number }, _args: unknown, context: PeerContext) =>
      (await accountsOf(context)).find(({ number }) => number === accountId),
  },
  Mutation: {
    confirmPurchase: async (_root: unknown, { input }: ConfirmArgs, { upstream }: PeerContext) => {
      const { details } = input.from;
      const answer = await upstream.post('/purchases/confirm', {
        ...{ source_channel: 'WEB', language: 'en-BW', comment: null, charges_on_top_flag: true },
        ...{ product_type: details.productType, provider_code: details.providerCode },
        debited_account_id: Number(
          Buffer.from(details.accountId, 'base64').toString().replace('Account:', ''),
        ),
        beneficiary_phone_number: details.beneficiaryPhoneNumber.replace('+', ''),
        subscriber_identifier: details.subscriberIdentifier,
        ...{ currency: details.amount.currency, amount: Number(details.amount.amount) },
        external_reference: input.idempotencyKey,
      });
      return {
        ...{ id: input.idempotencyKey, createdAt: '', status: 'SUCCEEDED', reference: input.idempotencyKey },
        subscriber: { identifier: details.subscriberIdentifier },
        amount: details.amount,
        tokens: tokensOf(answer),
      };
    },
  },
};

async function accountsOf(context: PeerContext): Promise<any[]> {
  context.accounts ??= context.upstream.get('/accounts').then((all) =>
    all
      .toSorted((one: any, other: any) => one.rank - other.rank)
      .map(({ id, name, category, currency, balance }: any) => ({
        ...{ id: globalId('Account', id), number: id, name, category, currency },
        // On the wire: "BWP 1000000.00".
        balance: { currency: balance.split(' ')[0], amount: balance.split(' ')[1] },
      })),
  );
  return context.accounts;
}

function productOf(wire: any) {
  return {
    type: wire.product_type,
    displayName: wire.display_name,
    subscriberId: {
      label: wire.subscriber_id_label,
      hint: wire.subscriber_id_hint ?? hintOf(wire),
      minLength: wire.subscriber_id_min_length,
      maxLength: wire.subscriber_id_max_length,
      pattern: wire.subscriber_id_pattern,
    },
    providers: wire.providers,
  };
}

function hintOf({ subscriber_id_label: label, ...wire }: any): string {
  const [min, max] = [wire.subscriber_id_min_length, wire.subscriber_id_max_length];
  return `${label}: ${min === max ? min : `${min} to ${max}`} characters`;
}

function nodeOf({ id, createdAt, status, reference, subscriber, order, tokens }: Purchase) {
  return {
    ...{ id: globalId('Purchase', id), createdAt: createdAt.toISOString(), status, reference, subscriber },
    amount: { amount: order.amount.amount.toFixed(2), currency: order.amount.currency },
    tokens: tokens.map(({ kind, digits }) => ({ kind, formatted: inFours(digits) })),
    accountId: order.accountId,
  };
}

function tokensOf(answer: any) {
  const text: string = JSON.stringify(answer);
  return [...text.matchAll(/\b\d{20}\b/g)].map(([digits]) => ({
    kind: 'CREDIT',
    formatted: inFours(digits),
  }));
}

const inFours = (digits: string) => digits.replace(/(\d{4})(?=\d)/g, '$1 ');
const globalId = (type: string, id: string | number) => Buffer.from(`${type}:${id}`).toString('base64');
