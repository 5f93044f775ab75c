import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { badArgument } from './errors.ts';
import { accountNumberOf, decode } from './global-id.ts';

const MAX_NODES = 100;

/** Reads whatever the id is of; an id that is none, or of something that is not there, gives null. */
async function load(globalId: string, { loaders }: Context) {
  const decoded = decode(globalId);
  if (decoded === null) return null;
  switch (decoded.typename) {
    case 'Account': {
      const id = accountNumberOf(globalId);
      return id === null ? null : ((await loaders.account.load(id)) ?? null);
    }
    case 'Quote':
      return (await loaders.quote.load(decoded.id)) ?? null;
    case 'Purchase':
      return (await loaders.purchase.load(decoded.id)) ?? null;
    default:
      return null;
  }
}

builder.queryFields((t) => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'Whatever has this id: an account, a quote or a purchase. Null when nothing has.',
    args: { id: t.arg.id({ required: true, description: 'An opaque id, as it was given out.' }) },
    resolve: (_root, { id }, context) => load(id, context),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description: 'The same for several ids: one answer each, in their order.',
    args: { ids: t.arg.idList({ required: true, description: `Opaque ids, at most ${MAX_NODES}.` }) },
    complexity: ({ ids }) => ({ field: ids.length, multiplier: Math.max(ids.length, 1) }),
    resolve: (_root, { ids }, context) => {
      if (ids.length > MAX_NODES) throw badArgument('ids', `Ask for at most ${MAX_NODES} ids at once.`);
      return Promise.all(ids.map((id) => load(id, context)));
    },
  }),
}));
