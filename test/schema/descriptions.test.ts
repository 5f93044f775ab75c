import { readFileSync } from 'node:fs';

import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  printSchema,
  type GraphQLNamedType,
} from 'graphql';
import { describe, expect, it } from 'vitest';

import { schema } from '../../src/schema/index.ts';

interface Described {
  readonly at: string;
  readonly description: string;
}

/** Every type, field, argument and value of the schema. */
function* described(): Generator<Described> {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    yield { at: type.name, description: type.description ?? '' };
    yield* membersOf(type);
  }
}

function* membersOf(type: GraphQLNamedType): Generator<Described> {
  if (isEnumType(type)) {
    for (const { name, description } of type.getValues())
      yield { at: `${type.name}.${name}`, description: description ?? '' };
  }
  if (isInputObjectType(type)) {
    for (const { name, description } of Object.values(type.getFields()))
      yield { at: `${type.name}.${name}`, description: description ?? '' };
  }
  if (isObjectType(type) || isInterfaceType(type)) {
    for (const field of Object.values(type.getFields())) {
      yield { at: `${type.name}.${field.name}`, description: field.description ?? '' };
      for (const { name, description } of field.args)
        yield { at: `${type.name}.${field.name}(${name})`, description: description ?? '' };
    }
  }
}

describe('the schema', () => {
  it('describes every type, field, argument and value, in sentences', () => {
    const all = [...described()];
    expect(all.length).toBeGreaterThan(150);
    const bad = all.filter(({ description }) => description.length < 8 || !/[.!?]$/.test(description));
    expect(bad).toEqual([]);
  });

  it('is the one in schema.graphql', () => {
    expect(readFileSync('schema.graphql', 'utf8')).toBe(`${printSchema(schema)}\n`);
  });

  it('never gives money or an id as a float', () => {
    const floats = [...described()].filter(({ at }) => /float/i.test(at));
    expect(floats).toEqual([]);
    expect(printSchema(schema)).not.toMatch(/: \[?Float/);
  });
});
