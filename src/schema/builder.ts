import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { GraphQLError, Kind, valueFromASTUntyped, type ValueNode } from 'graphql';

import { forbiddenBy, grantsOf, reached, type Grant } from './access.ts';
import type { Context } from './context.ts';

export interface Types {
  Context: Context;
  AuthScopes: Record<Grant, boolean>;
  DefaultAuthStrategy: 'all';
  Scalars: {
    ID: { Input: string; Output: string };
    /** In: the text as the client wrote it; the domain checks it. Out: exact text. */
    Decimal: { Input: string; Output: string };
    Currency: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    PhoneNumber: { Input: string; Output: string };
  };
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
}

export const builder = new SchemaBuilder<Types>({
  // The first wraps the others.
  plugins: [ScopeAuthPlugin, RelayPlugin, ComplexityPlugin],
  scopeAuth: {
    authScopes: ({ caller }) => grantsOf(caller),
    defaultStrategy: 'all',
    // A subscription is refused when it is asked for, not at its first event.
    authorizeOnSubscribe: true,
    unauthorizedError: (_parent, _context, _info, { failure }) => forbiddenBy(failure),
  },
  // Only declares what a field costs; src/http/operation-limits.ts adds it up, before anything is executed.
  // A list without a page's size, such as tokens, attempts or accounts, seldom has more entries than this.
  complexity: { disabled: true, defaultListMultiplier: 3 },
  defaultFieldNullability: false,
  relay: {
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'The page, each with its cursor.',
      // The page's size is counted where its argument is.
      complexity: { multiplier: 1 },
    },
    nodeFieldOptions: { nullable: false, description: 'What stands here.' },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: {
      description: 'Something with an id by which it can be read again, with `node`.',
      extensions: reached,
    },
    idFieldOptions: { description: 'Opaque and stable. Give it back as it is; do not take it apart.' },
    pageInfoFieldOptions: { description: 'Where this page stands.' },
    hasNextPageFieldOptions: { description: 'Whether more come after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether more come before this page.' },
    startCursorFieldOptions: { description: 'Of the first on this page; null when it is empty.' },
    endCursorFieldOptions: { description: 'Of the last on this page; null when it is empty.' },
    pageInfoTypeOptions: {
      description: 'Where a page stands in the whole list.',
      extensions: reached,
    },
    cursorFieldOptions: { description: 'Give it back as `after` or `before` to go on from here.' },
  },
});

builder.queryType({ description: 'What can be read.' });
builder.mutationType({ description: 'Validate, confirm and retry a purchase.' });
builder.subscriptionType({
  description: 'What is pushed live, over WebSocket (graphql-ws) or server-sent events.',
});

const textScalar = (name: 'Currency' | 'PhoneNumber', description: string, specifiedByURL?: string) =>
  builder.scalarType(name, {
    description,
    ...(specifiedByURL === undefined ? {} : { specifiedByURL }),
    serialize: (value) => value,
    parseValue: (value) => {
      if (typeof value === 'string') return value;
      throw new GraphQLError(`${name} must be a string.`);
    },
    parseLiteral: (node) => {
      const value = valueFromASTUntyped(node);
      if (typeof value === 'string') return value;
      throw new GraphQLError(`${name} must be a string.`, { nodes: node });
    },
  });

textScalar(
  'Currency',
  'An ISO 4217 currency code, such as `"BWP"` (Botswana pula).',
  'https://www.iso.org/iso-4217-currency-codes.html',
);
textScalar(
  'PhoneNumber',
  'An E.164 phone number with its country code, such as `"+26771436390"`. Accepted with or without the leading +; always returned with it.',
  'https://www.itu.int/rec/T-REC-E.164',
);

builder.scalarType('Decimal', {
  description:
    'An exact decimal number as a string, such as `"102.50"`. Never a float: JSON numbers with a fraction are refused, because they have lost digits before they arrive.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    throw new GraphQLError('Decimal must be a string, such as "102.50": a number loses digits on its way.');
  },
  // A literal in the document is text still: no float comes between.
  parseLiteral: (node: ValueNode) => {
    if (node.kind === Kind.STRING || node.kind === Kind.INT || node.kind === Kind.FLOAT) return node.value;
    throw new GraphQLError('Decimal must be a string, such as "102.50".', { nodes: node });
  },
});

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

builder.scalarType('DateTime', {
  description:
    'An RFC 3339 instant, such as `"2026-11-23T10:15:00.000Z"`. Accepted with any offset; returned in UTC.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => value.toISOString(),
  parseValue: (value) => parseInstant(value),
  parseLiteral: (node: ValueNode) => parseInstant(valueFromASTUntyped(node), node),
});

function parseInstant(value: unknown, node?: ValueNode): Date {
  const day = typeof value === 'string' ? RFC_3339.exec(value)?.[1] : undefined;
  if (typeof value === 'string' && day !== undefined && isDay(day)) {
    const date = new Date(value);
    if (!Number.isNaN(date.getTime())) return date;
  }
  throw new GraphQLError(
    'DateTime must be an RFC 3339 instant with its offset, such as "2026-11-23T10:15:00Z".',
    { nodes: node ?? null },
  );
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
