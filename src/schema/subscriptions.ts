import { matchesFilter } from '../purchases/filter.ts';
import { ProblemError } from '../purchases/problem.ts';
import type { PurchaseEvent } from '../purchases/purchase.ts';
import { guardedBy, rules } from './access.ts';
import { AccountRef } from './account.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { decodeEventCursor, encodeEventCursor } from './cursor.ts';
import { badArgument } from './errors.ts';
import { accountNumberOf, resolveGlobal } from './global-id.ts';
import { mapIterator, startWith } from './iterate.ts';
import { PurchaseRef, PurchaseStatusEnum } from './purchase.ts';
import { filterOf, PurchaseFilterInput } from './purchases.ts';

const PurchaseEventRef = builder.objectRef<PurchaseEvent>('PurchaseEvent').implement({
  extensions: guardedBy(rules.readPurchases),
  description: 'One change of a purchase, in an order that never changes.',
  fields: (t) => ({
    cursor: t.string({
      description: 'Give it back as `after`, to go on from here.',
      resolve: ({ position }, _args, { domain }) => encodeEventCursor(domain.journal.integration, position),
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it changed.' }),
    status: t.field({
      type: PurchaseStatusEnum,
      description: 'What it became.',
      resolve: ({ purchase }) => purchase.status,
    }),
    purchase: t.field({
      type: PurchaseRef,
      description:
        'The purchase as it was right after this change: an older event tells an older one. A cache that keeps objects by their `id` would take it for the purchase as it is now and show what is settled as `PENDING`: select no `id` here, or keep these out of the cache.',
      resolve: ({ purchase }) => purchase,
    }),
  }),
});

function unknown(what: string): ProblemError {
  const message = `There is no such ${what}.`;
  return new ProblemError({
    type: 'NOT_FOUND',
    code: `${what}_unknown`,
    message,
    fields: [{ field: 'id', message }],
  });
}

/** Where to begin: after the cursor, or now. */
async function positionOf(after: string | null | undefined, { domain }: Context): Promise<number> {
  const last = await domain.journal.lastPosition();
  if (after == null) return last;
  const position = decodeEventCursor(domain.journal.integration, after, 'after');
  if (position <= last) return position;
  throw badArgument('after', 'after is a cursor of events that are not recorded here.', 'cursor_unknown');
}

// The arguments choose the events. What is told of one depends on the event itself, and on who asks, no further than
// src/http/shared-execution.ts knows: there it is executed once for many, with a context of its own.
builder.subscriptionFields((t) => ({
  purchaseUpdated: t.field({
    type: PurchaseRef,
    authScopes: rules.readPurchases,
    description: 'The purchase as it is now, then at every change; completes once it is SUCCEEDED or FAILED.',
    args: { id: t.arg.id({ required: true, description: 'The opaque id of the purchase.' }) },
    subscribe: async (_root, { id: globalId }, context) => {
      const id = resolveGlobal('Purchase', globalId);
      const updates = id === null ? undefined : await context.domain.feed.watch(id, context.signal);
      if (updates === undefined) throw unknown('purchase');
      return updates;
    },
    resolve: (purchase) => purchase,
  }),
  purchaseEvents: t.field({
    type: PurchaseEventRef,
    authScopes: rules.readPurchases,
    description:
      'Every change of every purchase that you may see, from now on. With `after`: all since that cursor first, none missed, none twice.',
    args: {
      after: t.arg.string({ description: 'The cursor of the last event that you have seen.' }),
      filter: t.arg({
        type: PurchaseFilterInput,
        description: 'Only changes after which the purchase is one of these.',
      }),
    },
    subscribe: async (_root, { after, filter }, context) => {
      const wanted = filterOf(filter);
      return context.domain.feed.follow({
        after: await positionOf(after, context),
        ...(filter != null && { sees: (purchase) => matchesFilter(purchase, wanted) }),
        signal: context.signal,
      });
    },
    resolve: (event) => event,
  }),
  accountUpdated: t.field({
    type: AccountRef,
    authScopes: rules.readAccounts,
    description: 'The account with its balance now, and again after each purchase that debits it.',
    args: { id: t.arg.id({ required: true, description: 'The opaque id of the account.' }) },
    subscribe: async (_root, { id: globalId }, context) => {
      const { domain, loaders, signal } = context;
      // Before the first balance is read: a purchase in between is then told again, not missed.
      const position = await domain.journal.lastPosition();
      const id = accountNumberOf(globalId);
      const account = id === null ? undefined : await loaders.account.load(id);
      if (account === undefined) throw unknown('account');
      const events = domain.feed.follow({ after: position, signal });
      const after = mapIterator(events, ({ purchase }) => {
        if (purchase.status !== 'SUCCEEDED' || purchase.order.accountId !== account.id) return undefined;
        loaders.clear();
        return loaders.account.load(account.id);
      });
      return startWith(account, after);
    },
    resolve: (account) => account,
  }),
}));
