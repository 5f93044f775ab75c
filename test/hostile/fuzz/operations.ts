import fc, { type GeneratorValue } from 'fast-check';
import {
  GraphQLBoolean,
  GraphQLNonNull,
  getNamedType,
  getNullableType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  OperationTypeNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';

import { schema } from '../../../src/schema/index.ts';

const { QUERY, MUTATION, SUBSCRIPTION } = OperationTypeNode;
const MOST_DEEP = 6;
const MOST_FIELDS = 5;

/** Values that are good here, so that not everything is refused at the first look. */
const known: Readonly<Record<string, readonly unknown[]>> = {
  ID: ['Account:13209', 'Purchase:x', 'Quote:x'].map((id) => Buffer.from(id).toString('base64')),
  String: ['04040404040', 'BPC', '26771436390', 'en-BW', 'cHVyY2hhc2U6eA', 'ZXZlbnQ6MA', 'fuzz'],
  Int: [0, 1, 2, 50, 100, 101],
  Boolean: [true, false],
  Decimal: ['100.00', '0.01', '12.5'],
  Currency: ['BWP', 'bwp'],
  PhoneNumber: ['+26771436390'],
  DateTime: ['2026-11-23T10:15:00Z'],
};
const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(null, true, '', '__proto__', 'a\0b', '\ud800', [], {}, '9'.repeat(50), -1, 2 ** 31),
  fc.jsonValue({ maxDepth: 3 }),
);

const anythingOdd = () => odd;

/** How a variable is declared and given; undefined when it is not given. */
interface Given {
  /** What its name begins with. */
  readonly prefix: string;
  readonly type: string;
  readonly fallback: string | undefined;
  readonly value: unknown;
}

/**
 * Draws an operation of the schema with its variables: mostly valid, at times with values of any kind. A variable within a
 * value is called `$inner…`, and one that may not be null but has a default `$sure…`.
 */
export const operation: fc.Arbitrary<{ query: string; variables: Record<string, unknown> }> = fc
  .gen()
  .map((draw) => {
    const kinds = [QUERY, QUERY, QUERY, MUTATION, SUBSCRIPTION];
    const kind = kinds[draw(fc.nat, kinds.length - 1)] ?? QUERY;
    const root = schema.getRootType(kind);
    const variables: Record<string, unknown> = {};
    const declared: string[] = [];
    const build = new Builder(draw, schema, ({ prefix, type, fallback, value }) => {
      const name = `${prefix}${declared.length}`;
      declared.push(`$${name}: ${type}${fallback === undefined ? '' : ` = ${fallback}`}`);
      if (value !== undefined) variables[name] = value;
      return `$${name}`;
    });
    const selection = root == null ? '{ __typename }' : build.selection(root, 0);
    const head = declared.length === 0 ? '' : `(${declared.join(', ')})`;
    return { query: `${kind} Fuzz${head} ${selection}`, variables };
  });

class Builder {
  constructor(
    readonly draw: GeneratorValue,
    readonly from: GraphQLSchema,
    readonly declare: (given: Given) => string,
  ) {}

  /** By its place: what is drawn from is compared with what was drawn from before, and a schema has no end. */
  pick<T>(from: readonly T[]): T {
    const one = from[this.draw(fc.nat, from.length - 1)];
    if (one === undefined) throw new Error('there is nothing to pick from');
    return one;
  }

  selection(type: GraphQLCompositeType, depth: number): string {
    const parts: string[] = [];
    if (isObjectType(type) || !isUnionType(type)) {
      const all = Object.values(type.getFields());
      const count = this.draw(fc.nat, MOST_FIELDS) + 1;
      for (let n = 0; n < count; n += 1) {
        const field = this.pick(all);
        const text = this.field(field, depth);
        if (text !== undefined) parts.push(text);
      }
    }
    if (!isObjectType(type) && depth < MOST_DEEP) {
      const possible = this.pick(this.from.getPossibleTypes(type));
      parts.push(`... on ${possible.name} ${this.selection(possible, depth + 1)}`);
    }
    return `{ ${['__typename', ...parts].join(' ')} }`;
  }

  field(field: GraphQLField<unknown, unknown>, depth: number): string | undefined {
    const type = getNamedType(field.type);
    if (isCompositeType(type) && depth >= MOST_DEEP) return undefined;
    const args = field.args.flatMap((arg) => {
      const needed = isNonNullType(arg.type) && arg.defaultValue === undefined;
      if (!needed && !this.draw(fc.boolean)) return [];
      return [`${arg.name}: ${this.argument(arg.type)}`];
    });
    const alias = this.draw(fc.nat, 3) === 0 ? `a${this.draw(fc.nat, 5)}: ` : '';
    const directive = this.directive();
    const inner = isCompositeType(type) ? ` ${this.selection(type, depth + 1)}` : '';
    return `${alias}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}${directive}${inner}`;
  }

  directive(): string {
    const lot = this.draw(fc.nat, 20);
    if (lot === 0) return ' @include(if: true)';
    const asked = new GraphQLNonNull(GraphQLBoolean);
    return lot === 1 ? ` @skip(if: ${this.variable(asked, this.value(asked, 0))})` : '';
  }

  /** A variable, or a value in which there may be some. */
  argument(type: GraphQLInputType): string {
    return this.draw(fc.nat, 3) > 0
      ? this.variable(type, this.value(type, 0))
      : this.literal(type, this.value(type, 0, false), true);
  }

  /** Mostly declared as it is used, without a default, and given. */
  variable(type: GraphQLInputType, value: unknown, prefix = 'v'): string {
    const how = this.draw(fc.nat, 11);
    const given = how === 0 ? undefined : how === 1 ? null : value;
    if (this.draw(fc.nat, 5) > 0)
      return this.declare({ prefix, type: String(type), fallback: undefined, value: given });
    const nullable = getNullableType(type);
    const sure = this.draw(fc.nat, 3) === 0;
    return this.declare({
      prefix: sure && prefix === 'v' ? 'sure' : prefix,
      type: `${String(nullable)}${sure ? '!' : ''}`,
      fallback: this.literal(type, this.value(type, 0, false), false),
      value: given,
    });
  }

  /** A value that is in order, as it stands in a document. */
  literal(type: GraphQLInputType, value: unknown, holdsVariables: boolean): string {
    const within = (inner: GraphQLInputType, one: unknown) =>
      holdsVariables && this.draw(fc.nat, 2) === 0
        ? this.variable(inner, one, 'inner')
        : this.literal(inner, one, holdsVariables);
    const nullable = getNullableType(type);
    if (isListType(nullable) && Array.isArray(value))
      return `[${value.map((one) => within(nullable.ofType, one)).join(', ')}]`;
    if (isInputObjectType(nullable)) {
      const fields = nullable.getFields();
      const parts = Object.entries(Object(value) as object).flatMap(([name, one]) => {
        const field = fields[name];
        return field === undefined ? [] : [`${name}: ${within(field.type, one)}`];
      });
      return `{ ${parts.join(', ')} }`;
    }
    return isEnumType(nullable) ? String(value) : JSON.stringify(value);
  }

  value(type: GraphQLInputType, depth: number, mayBeOdd = true): unknown {
    if (mayBeOdd && this.draw(fc.nat, 30) === 0) return this.draw(anythingOdd);
    if (isNonNullType(type)) return this.value(getNullableType(type), depth, mayBeOdd);
    if (isListType(type)) {
      const count = this.draw(fc.nat, 3);
      return Array.from({ length: count }, () => this.value(type.ofType, depth + 1, mayBeOdd));
    }
    if (isEnumType(type)) return this.pick(type.getValues()).name;
    if (isInputObjectType(type)) return this.input(type.name, depth, mayBeOdd);
    return this.pick(known[getNamedType(type).name] ?? ['x']);
  }

  input(name: string, depth: number, mayBeOdd: boolean): Record<string, unknown> {
    const type = this.from.getType(name);
    if (!isInputObjectType(type)) return {};
    const fields = Object.values(type.getFields());
    const chosen = type.isOneOf
      ? [this.pick(fields)]
      : fields.filter(
          ({ type: one, defaultValue }) =>
            (isNonNullType(one) && defaultValue === undefined) || this.draw(fc.boolean),
        );
    return Object.fromEntries(
      chosen.map((field) => {
        if (field.name === 'waitMs') return [field.name, this.draw(fc.nat, 500)];
        // Few keys, so that they meet again.
        if (field.name === 'idempotencyKey') return [field.name, `fuzz-${this.draw(fc.nat, 200)}`];
        if (field.name === 'beneficiaryPhoneNumber') return [field.name, '+26771436390'];
        if (field.name === 'subscriberIdentifier') return [field.name, '04040404040'];
        if (field.name === 'providerCode') return [field.name, 'BPC'];
        if (field.name === 'accountId') return [field.name, known['ID']?.[0]];
        return [field.name, this.value(field.type, depth + 1, mayBeOdd)];
      }),
    );
  }
}

const fragments = [
  '{',
  '}',
  '...F',
  '@skip(if:$v0)',
  '"""',
  '\\u{',
  '$',
  '#',
  '\0',
  '__schema{types{name}}',
  'fragment F on Query{...F}',
  '&',
  '\ufeff',
  '99999999999999999999',
];

/** Spoils a text or bytes at a few places: cut, doubled, turned, or with something put in. */
export const spoil = (bytes: Buffer): fc.Arbitrary<Buffer> =>
  fc
    .array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        length: fc.nat(30),
        how: fc.constantFrom('cut', 'double', 'flip', 'insert', 'random'),
        what: fc.constantFrom(...fragments),
        random: fc.uint8Array({ maxLength: 16 }),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map((changes) =>
      changes.reduce((spoilt, { at, length, how, what, random }) => {
        const from = Math.floor(at * (spoilt.length + 1));
        const [before, part, after] = [
          spoilt.subarray(0, from),
          spoilt.subarray(from, from + length),
          spoilt.subarray(from + length),
        ];
        switch (how) {
          case 'cut':
            return Buffer.concat([before, after]);
          case 'double':
            return Buffer.concat([before, part, part, after]);
          case 'flip':
            return Buffer.concat([
              before,
              Buffer.from(part.map((byte) => byte ^ (1 << (length % 8)))),
              after,
            ]);
          case 'insert':
            return Buffer.concat([before, Buffer.from(what), part, after]);
          case 'random':
            return Buffer.concat([before, random, part, after]);
        }
      }, bytes),
    );
