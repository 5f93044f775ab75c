import { asksByKind, forbidden, grantsOf, rules, type Grant } from './access.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { badArgument } from './errors.ts';
import { accountNumberOf, decode } from './global-id.ts';

const MAX_NODES = 100;

/** What it needs to read one by its id: any of these. */
const needed: Readonly<Record<string, readonly Grant[]>> = {
  Account: ['accounts:read'],
  Quote: ['purchases:read', 'purchases:write'],
  Purchase: ['purchases:read'],
};

/**
 * Reads whatever the id is of; an id that is none, or of something that is not there, gives null. Who may not read its
 * kind is refused before it is looked for, be it there or not.
 */
async function load(globalId: string, { loaders, caller }: Context) {
  const decoded = decode(globalId);
  if (decoded === null) return null;
  const any = Object.hasOwn(needed, decoded.typename) ? (needed[decoded.typename] ?? []) : [];
  const grants = grantsOf(caller);
  if (any.length > 0 && !any.some((one) => grants[one])) throw forbidden(any);
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
    authScopes: rules.anyone,
    extensions: asksByKind,
    description: 'Whatever has this id: an account, a quote or a purchase. Null when nothing has.',
    args: { id: t.arg.id({ required: true, description: 'An opaque id, as it was given out.' }) },
    resolve: (_root, { id }, context) => load(id, context),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    authScopes: rules.anyone,
    extensions: asksByKind,
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
