import {
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

import { asksByKind, reached } from './access.ts';

/** Where a type is a part of something else, its rule is `reached`; else what it is guarded by. */
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

/**
 * Denied by default: a schema with a field that nobody thought about is not served, nor is one with a field that leads
 * past a type's rule.
 */
export function requireRules(schema: GraphQLSchema): GraphQLSchema {
  const without = rulesOf(schema).flatMap(({ field, rule }) => (rule === undefined ? [field] : []));
  if (without.length > 0) throw new Error(`no rule says who may read: ${without.join(', ')}`);
  const past = waysPast(schema);
  if (past.length > 0) throw new Error(`who may not read what it leads to may ask for: ${past.join(', ')}`);
  return schema;
}

/** The fields that lead to a guarded type and ask for less than it does. */
function waysPast(schema: GraphQLSchema): readonly string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    if (isIntrospectionType(type) || !(isObjectType(type) || isInterfaceType(type))) return [];
    return Object.values(type.getFields()).flatMap((field) => {
      const target = getNamedType(field.type);
      if (isInterfaceType(target) && field.extensions['guards'] === asksByKind.guards) return [];
      const led = isAbstractType(target) ? schema.getPossibleTypes(target) : [target];
      const asked = [scopesOf(field), scopesOf(type)];
      const isPast = led.some((one) => {
        const wanted = isObjectType(one) ? one.extensions['guardedBy'] : undefined;
        return wanted !== undefined && !asked.some((rule) => asksFor(rule, wanted));
      });
      return isPast ? [`${type.name}.${field.name}`] : [];
    });
  });
}

/** Whether whoever fulfils the one rule fulfils the other. */
function asksFor(rule: unknown, wanted: unknown): boolean {
  const [own, its] = [alternatives(rule), alternatives(wanted)];
  return own.length > 0 && own.every((all) => its.some((needed) => needed.every((one) => all.includes(one))));
}

/** Which sets of grants fulfil a rule. */
function alternatives(rule: unknown): readonly (readonly string[])[] {
  if (!isObject(rule)) return [];
  return isObject(rule['$any']) ? Object.keys(rule['$any']).map((one) => [one]) : [Object.keys(rule)];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function scopesOf({
  extensions,
}: GraphQLField<unknown, unknown> | GraphQLObjectType | GraphQLInterfaceType): unknown {
  if (extensions['reachedBy'] === reached.reachedBy) return 'reached';
  if (extensions['guardedBy'] !== undefined) return extensions['guardedBy'];
  const options = extensions['pothosOptions'];
  return typeof options === 'object' && options !== null && 'authScopes' in options
    ? options.authScopes
    : undefined;
}
