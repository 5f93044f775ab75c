import {
  buildSchema,
  getNamedType,
  isNonNullType,
  isObjectType,
  isUnionType,
  type GraphQLNamedType,
} from 'graphql';
import { describe, expect, it } from 'vitest';

import { guardedBy, rules } from '../../src/schema/access.ts';
import { schema } from '../../src/schema/index.ts';
import { requireRules, rulesOf } from '../../src/schema/require-rules.ts';

const all = rulesOf(schema);
const ruleOf = (field: string) => all.find((one) => one.field === field)?.rule;

/** What a field leads to: through lists, unions, pages and edges. */
function* reached(type: GraphQLNamedType, seen = new Set<string>()): Generator<string> {
  if (seen.has(type.name)) return;
  seen.add(type.name);
  yield type.name;
  if (isUnionType(type)) for (const one of type.getTypes()) yield* reached(one, seen);
  if (isObjectType(type) && /(Connection|Edge|Event)$/.test(type.name))
    for (const field of Object.values(type.getFields())) yield* reached(getNamedType(field.type), seen);
}

describe('the rules', () => {
  it('are there for every field of every type, interfaces and roots included', () => {
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter(({ rule }) => rule === undefined)).toEqual([]);
    for (const field of ['Node.id', 'PageInfo.hasNextPage', 'Query.node', 'Query.nodes', 'VendToken.digits'])
      expect(ruleOf(field), field).toBeDefined();
  });

  it('are the field’s own at the roots, and each is the one that it should be', () => {
    const roots = Object.fromEntries(
      all.flatMap(({ field, rule }) =>
        /^(Query|Mutation|Subscription)\./.test(field) ? [[field, rule?.field]] : [],
      ),
    );
    expect(roots).toEqual({
      'Query.viewer': { authenticated: true },
      'Query.products': { authenticated: true },
      'Query.node': { authenticated: true },
      'Query.nodes': { authenticated: true },
      'Query.account': { 'accounts:read': true },
      'Query.accounts': { 'accounts:read': true },
      'Query.purchase': { 'purchases:read': true },
      'Query.purchases': { 'purchases:read': true },
      'Mutation.validatePurchase': { 'purchases:write': true },
      'Mutation.confirmPurchase': { 'purchases:write': true },
      'Mutation.retryPurchase': { 'purchases:write': true },
      'Subscription.accountUpdated': { 'accounts:read': true },
      'Subscription.purchaseEvents': { 'purchases:read': true },
      'Subscription.purchaseUpdated': { 'purchases:read': true },
    });
  });

  it('lead to a purchase only through purchases:read, but for what a mutation has made; to an account only through accounts:read', () => {
    const leading = (wanted: string) =>
      Object.values(schema.getTypeMap()).flatMap((type) =>
        isObjectType(type) && !type.name.startsWith('__')
          ? Object.values(type.getFields()).flatMap((field) =>
              [...reached(getNamedType(field.type))].includes(wanted) ? [`${type.name}.${field.name}`] : [],
            )
          : [],
      );
    const toPurchase = leading('Purchase');
    expect(toPurchase).toEqual(
      expect.arrayContaining(['Query.purchases', 'Account.purchases', 'Mutation.confirmPurchase']),
    );
    for (const field of toPurchase) {
      const { type, field: own } = ruleOf(field) ?? {};
      const needs = JSON.stringify([type, own]);
      expect(needs, field).toContain(
        field.startsWith('Mutation.') ? '"purchases:write"' : '"purchases:read"',
      );
      expect(needs, field).not.toContain('$any');
    }
    // The type itself asks: wherever one comes from.
    expect(ruleOf('Account.name')).toEqual({ type: { 'accounts:read': true } });
    expect(leading('Account').length).toBeGreaterThan(4);
  });

  it('never take a purchase that was made away from who made it: what may be denied within it is nullable', () => {
    const taking: string[] = [];
    const seen = new Set<string>();
    const walk = (type: GraphQLNamedType) => {
      if (!isObjectType(type) || seen.has(type.name)) return;
      seen.add(type.name);
      for (const field of Object.values(type.getFields())) {
        const target = getNamedType(field.type);
        const name = `${type.name}.${field.name}`;
        const ofTarget = isObjectType(target)
          ? ruleOf(`${target.name}.${Object.keys(target.getFields())[0]}`)
          : {};
        const needs = JSON.stringify([ruleOf(name)?.field, ofTarget?.type]).replaceAll(
          /"reached"|\{"(authenticated":true|\$any":[^}]*"purchases:write":true\})\}/g,
          '',
        );
        const free = !needs.includes('"');
        if (isNonNullType(field.type) && !free) taking.push(name);
        if (free) walk(target);
      }
    };
    for (const type of Object.values(schema.getTypeMap()))
      if (['Purchase', 'Quote', 'Problem'].includes(type.name)) walk(type);
    expect(seen.size).toBeGreaterThan(8);
    expect(taking).toEqual([]);
  });

  it('a schema with a field that leads past the rule of a type is not served', () => {
    const made = (extensions: object) => {
      const wild = buildSchema(
        'type Account { id: ID } union Any = Account type Query { a: [Account], b: Any }',
      );
      const rule = { pothosOptions: { authScopes: { 'accounts:read': true } } };
      const query = wild.getQueryType();
      Object.assign(wild.getType('Account')?.extensions ?? {}, guardedBy({ 'accounts:read': true }));
      Object.assign(query?.getFields()['a']?.extensions ?? {}, rule);
      Object.assign(query?.getFields()['b']?.extensions ?? {}, extensions);
      return () => requireRules(wild);
    };
    expect(made({ pothosOptions: { authScopes: { 'accounts:read': true } } })).not.toThrow();
    expect(made({ pothosOptions: { authScopes: rules.anyone } })).toThrow('may ask for: Query.b');
    expect(made({ pothosOptions: { authScopes: rules.readOrBuy } })).toThrow('may ask for: Query.b');
    expect(
      made({ pothosOptions: { authScopes: { $any: { 'accounts:read': true, 'purchases:read': true } } } }),
    ).toThrow('may ask for: Query.b');
  });

  it('hide digits and nothing else by tokens:read', () => {
    const fields = all
      .filter(({ rule }) => JSON.stringify(rule).includes('tokens:read'))
      .map(({ field }) => field);
    expect(fields).toEqual(['VendToken.digits', 'VendToken.formatted']);
  });

  it('a schema with a field that has none is not served', () => {
    expect(() => requireRules(buildSchema('type Query { balance: Int }'))).toThrow(
      'no rule says who may read: Query.balance',
    );
    expect(() => requireRules(buildSchema('interface Node { id: ID } type Query { a: Node }'))).toThrow(
      'Node.id',
    );
  });
});
