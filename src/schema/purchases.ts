import type { PurchaseFilter } from '../purchases/journal.ts';
import type { Purchase } from '../purchases/purchase.ts';
import { guardedBy, rules } from './access.ts';
import { AccountRef } from './account.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { ProductTypeEnum } from './enums.ts';
import { badArgument } from './errors.ts';
import { accountNumberOf } from './global-id.ts';
import { PurchaseRef, PurchaseStatusEnum } from './purchase.ts';

export const PurchaseFilterInput = builder.inputType('PurchaseFilter', {
  description: 'Which purchases. What is left out does not restrict; what is given must all hold.',
  fields: (t) => ({
    status: t.field({ type: [PurchaseStatusEnum], description: 'In one of these.' }),
    productType: t.field({ type: [ProductTypeEnum], description: 'Of one of these.' }),
    accountId: t.id({ description: 'Paid from this account (its opaque id).' }),
    subscriberIdentifier: t.string({ description: 'For exactly this meter or phone number.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Recorded at this instant or later.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Recorded before this instant.' }),
  }),
});

type FilterInput = typeof PurchaseFilterInput.$inferInput;

/** The domain's filter; an account id that is none is refused. */
export function filterOf(input: FilterInput | null | undefined): PurchaseFilter {
  const { accountId: globalId, ...rest } = input ?? {};
  if (globalId == null) return rest;
  const accountId = accountNumberOf(globalId);
  if (accountId === null) throw badArgument('filter.accountId', 'filter.accountId is no account’s id.');
  return { ...rest, accountId };
}

const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;

interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

function sizeOf({ first, last }: PageArgs): number {
  if (first != null && last != null) throw badArgument('last', 'Give first or last, not both.');
  for (const [name, value] of [
    ['first', first],
    ['last', last],
  ] as const) {
    if (value != null && (value < 0 || value > MAX_PAGE)) {
      throw badArgument(name, `${name} must be between 0 and ${MAX_PAGE}; go on with a cursor for more.`);
    }
  }
  return first ?? last ?? DEFAULT_PAGE;
}

/** A page costs what is asked of each on it, as often as there may be any. */
function pageCost({ first, last }: PageArgs): { multiplier: number } {
  const size = first ?? last ?? DEFAULT_PAGE;
  return { multiplier: Math.min(Math.max(size, 1), MAX_PAGE) };
}

/** One page, newest first, as the Relay specification has it. */
async function pageOf(args: PageArgs, filter: PurchaseFilter, { domain }: Context) {
  const size = sizeOf(args);
  const inverted = args.last != null;
  const after = args.after == null ? undefined : decodeCursor('purchase', args.after, 'after');
  const before = args.before == null ? undefined : decodeCursor('purchase', args.before, 'before');
  // One more than asked for tells whether there are more.
  const found = await domain.journal.page({ filter, after, before, limit: size + 1, inverted });
  const more = found.length > size;
  const page = found.slice(0, size);
  if (inverted) page.reverse();
  const edges = page.map((node: Purchase) => ({ cursor: encodeCursor('purchase', node.id), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: inverted ? before !== undefined : more,
      hasPreviousPage: inverted ? more : after !== undefined,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

const PurchaseEdge = builder.edgeObject({
  type: PurchaseRef,
  name: 'PurchaseEdge',
  description: 'A purchase and its place in the list.',
  extensions: guardedBy(rules.readPurchases),
});
const PurchaseConnection = builder.connectionObject(
  {
    type: PurchaseRef,
    name: 'PurchaseConnection',
    description: 'A page of purchases.',
    extensions: guardedBy(rules.readPurchases),
  },
  PurchaseEdge,
);

const pageArgs = {
  first: 'How many from the beginning, at most 100. Default 20.',
  after: 'Only what comes after this cursor.',
  last: 'How many from the end instead, at most 100.',
  before: 'Only what comes before this cursor.',
} as const;

builder.queryField('purchases', (t) =>
  t.field({
    type: PurchaseConnection,
    authScopes: rules.readPurchases,
    description: 'The purchases, newest first.',
    args: {
      first: t.arg.int({ description: pageArgs.first }),
      after: t.arg.string({ description: pageArgs.after }),
      last: t.arg.int({ description: pageArgs.last }),
      before: t.arg.string({ description: pageArgs.before }),
      filter: t.arg({ type: PurchaseFilterInput, description: 'Only these.' }),
    },
    complexity: pageCost,
    resolve: (_root, { filter, ...page }, context) => pageOf(page, filterOf(filter), context),
  }),
);

builder.objectField(AccountRef, 'purchases', (t) =>
  t.field({
    type: PurchaseConnection,
    authScopes: rules.readPurchases,
    description: 'The purchases that this account pays for, newest first.',
    args: {
      first: t.arg.int({ description: pageArgs.first }),
      after: t.arg.string({ description: pageArgs.after }),
      last: t.arg.int({ description: pageArgs.last }),
      before: t.arg.string({ description: pageArgs.before }),
      filter: t.arg({ type: PurchaseFilterInput, description: 'Only these.' }),
    },
    complexity: pageCost,
    resolve: (account, { filter, ...page }, context) => {
      const wanted = filterOf(filter);
      const accountId = account.id;
      // Another account's purchases among this one's: there are none.
      const none = wanted.accountId != null && wanted.accountId !== accountId;
      return pageOf(page, none ? { ...wanted, accountId, status: [] } : { ...wanted, accountId }, context);
    },
  }),
);
