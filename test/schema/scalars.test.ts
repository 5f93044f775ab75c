import { isScalarType, parse, parseValue, validate, type GraphQLScalarType } from 'graphql';
import { describe, expect, it } from 'vitest';

import { schema } from '../../src/schema/index.ts';

function scalar(name: string): GraphQLScalarType {
  const type = schema.getType(name);
  if (!isScalarType(type)) throw new Error(`${name} is no scalar`);
  return type;
}
const read = (name: string, value: unknown) => scalar(name).parseValue(value);
const readLiteral = (name: string, literal: string) => scalar(name).parseLiteral(parseValue(literal), {});

describe('Decimal', () => {
  it.each(['100', '100.10', '-1', '0.000000000000000001', '123456789012345678901234.56'])(
    'keeps %s digit for digit',
    (text) => {
      expect(read('Decimal', text)).toBe(text);
      expect(readLiteral('Decimal', `"${text}"`)).toBe(text);
      expect(readLiteral('Decimal', text)).toBe(text);
      expect(scalar('Decimal').serialize(text)).toBe(text);
    },
  );

  it('takes a whole JSON number, whose digits are all there', () => {
    expect(read('Decimal', 100)).toBe('100');
  });

  it.each([100.1, 1e21, Number.NaN, 2 ** 53, true, null, {}, ['1']])('refuses the JSON value %s', (value) => {
    expect(() => read('Decimal', value)).toThrow(/Decimal must be a string/);
  });

  it.each(['true', '{ a: 1 }', '["1"]'])('refuses the literal %s', (literal) => {
    expect(() => readLiteral('Decimal', literal)).toThrow(/Decimal must be a string/);
  });
});

describe('DateTime', () => {
  it.each([
    ['2026-11-23T10:15:00Z', '2026-11-23T10:15:00.000Z'],
    ['2026-11-23T12:15:00+02:00', '2026-11-23T10:15:00.000Z'],
    ['2026-11-23t10:15:00.123456z', '2026-11-23T10:15:00.123Z'],
    ['2028-02-29t23:59:59z', '2028-02-29T23:59:59.000Z'],
    ['2026-03-01T01:00:00+02:00', '2026-02-28T23:00:00.000Z'],
    ['0000-02-29T10:00:00Z', '0000-02-29T10:00:00.000Z'],
  ])('reads %s as %s', (text, instant) => {
    expect(scalar('DateTime').serialize(read('DateTime', text))).toBe(instant);
    expect(scalar('DateTime').serialize(readLiteral('DateTime', `"${text}"`))).toBe(instant);
  });

  it.each(['2026-11-23', '2026-11-23T10:15:00', '2026-13-01T00:00:00Z', 'now', '', 1_700_000_000, null])(
    'refuses %s',
    (value) => {
      expect(() => read('DateTime', value)).toThrow(/RFC 3339/);
    },
  );
});

describe('a DateTime on a day that there is not', () => {
  it.each([
    ...['2026-02-30T10:00:00Z', '2026-02-29T10:00:00Z', '2026-04-31t10:00:00+02:00', '2026-00-10T10:00:00Z'],
    ...['2100-02-29T10:00:00z', '2026-01-32T10:00:00Z', '2026-11-23T24:00:00Z'],
  ])('is refused and not taken for another: %s', (text) => {
    expect(() => read('DateTime', text)).toThrow(/RFC 3339/);
    expect(() => readLiteral('DateTime', `"${text}"`)).toThrow(/RFC 3339/);
  });
});

describe.each(['Currency', 'PhoneNumber'])('%s', (name) => {
  it.each([26771436390, true, null, ['BWP'], {}])('refuses %s, which is no string', (value) => {
    expect(() => read(name, value)).toThrow(`${name} must be a string`);
  });
});

describe('a wrong literal is refused with its place', () => {
  it.each([
    ['a DateTime', '{ purchases(filter: { createdAfter: "now" }) { edges { cursor } } }', 37],
    [
      'a PhoneNumber',
      'mutation { validatePurchase(input: { beneficiaryPhoneNumber: 7, productType: WATER, providerCode: "x", accountId: "x", subscriberIdentifier: "x", amount: { amount: "1", currency: "BWP" } }) { __typename } }',
      62,
    ],
  ])('%s', (_what, query, column) => {
    const errors = validate(schema, parse(query));
    expect(errors.map(({ locations }) => locations)).toEqual([[{ line: 1, column }]]);
  });
});
