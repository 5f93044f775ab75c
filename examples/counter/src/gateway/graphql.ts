import { initGraphQLTada } from 'gql.tada';

import type { introspection } from './graphql-env.d.ts';

/** Operations typed from schema.graphql as they are written: `npm run example:types` after the schema has changed. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { Currency: string; DateTime: string; Decimal: string; PhoneNumber: string };
}>();
