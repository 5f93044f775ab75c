import {
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

import { reached } from './access.ts';

/** Where a type is a part of something else, its rule is `reached`. */
interface Ruled {
  /** As in `Query.accounts`. */
  readonly field: string;
  /** What is asked for, of the type and of the field itself; undefined where there is no rule. */
  readonly rule: { readonly type?: unknown; readonly field?: unknown } | undefined;
}

/** Every field there is, with its rule: Pothos leaves what was declared in the `extensions` of the built schema. */
export function rulesOf(schema: GraphQLSchema): readonly Ruled[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    if (isIntrospectionType(type) || !(isObjectType(type) || isInterfaceType(type))) return [];
    // What can be asked for at the root has little in common: each says for itself.
    const ofType = roots.some((root) => root === type) ? undefined : scopesOf(type);
    return Object.values(type.getFields()).map((field) => {
      const own = scopesOf(field);
      const rule = {
        ...(ofType !== undefined && { type: ofType }),
        ...(own !== undefined && { field: own }),
      };
      return {
        field: `${type.name}.${field.name}`,
        rule: Object.keys(rule).length === 0 ? undefined : rule,
      };
    });
  });
}

/** Denied by default: a schema with a field that nobody thought about is not served. */
export function requireRules(schema: GraphQLSchema): GraphQLSchema {
  const without = rulesOf(schema).flatMap(({ field, rule }) => (rule === undefined ? [field] : []));
  if (without.length > 0) throw new Error(`no rule says who may read: ${without.join(', ')}`);
  return schema;
}

function scopesOf({
  extensions,
}: GraphQLField<unknown, unknown> | GraphQLObjectType | GraphQLInterfaceType): unknown {
  if (extensions['reachedBy'] === reached.reachedBy) return 'reached';
  const options = extensions['pothosOptions'];
  return typeof options === 'object' && options !== null && 'authScopes' in options
    ? options.authScopes
    : undefined;
}
