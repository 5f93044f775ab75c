import { describe, expect, it } from 'vitest';

import { priced as pricedOnCurrent } from '../../src/datasources/current/wire.ts';
import { jsonWith } from '../../src/datasources/json.ts';
import { priced } from '../../src/datasources/v1/wire.ts';
import { parseMoney, parseTokens } from '../../src/datasources/wire-values.ts';
import { bwp } from '../support/domain.ts';
import { TOKEN } from './reading.ts';

describe('tokens', () => {
  const other = '09876543210987654321';

  it.each<[string, unknown, [kind: string, digits: string][] | null]>([
    ['one', TOKEN, [['CREDIT', TOKEN]]],
    ['one in groups of four', '1234 5678 9012 3456 7890', [['CREDIT', TOKEN]]],
    ['one with dashes', '1234-5678-9012-3456-7890', [['CREDIT', TOKEN]]],
    ['one with a label', `Token: ${TOKEN}`, [['CREDIT', TOKEN]]],
    ['leading zeros', '00000000000000000001', [['CREDIT', '00000000000000000001']]],
    [
      'a key change',
      `${other}|${other}|${TOKEN}`,
      [
        ['KEY_CHANGE', other],
        ['KEY_CHANGE', other],
        ['CREDIT', TOKEN],
      ],
    ],
    [
      'labels that tell the kind',
      `Credit Token: ${TOKEN} | KeyChange Token 1: ${other}`,
      [
        ['CREDIT', TOKEN],
        ['KEY_CHANGE', other],
      ],
    ],
    [
      'two that nobody explains',
      `${TOKEN}|${other}`,
      [
        ['OTHER', TOKEN],
        ['OTHER', other],
      ],
    ],
    ['none', null, []],
    ['an absent one', undefined, []],
    ['an empty one', '  ', []],
    ['only a separator', ' | ', null],
    ['one of three missing', `${other}||${TOKEN}`, null],
    ['words', 'please call', null],
    ['a label without a token', 'Token 1:', null],
    ['digits of another script', '١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠', null],
    ['a token among words', `Your token is ${TOKEN}`, null],
    ['a decimal', '1234567890123456789.0', null],
    ['a list', [TOKEN], null],
    ['true', true, null],
    ['one of two broken', `${TOKEN}|?`, null],
    ['a number, whose digits a float has lost', Number(TOKEN), null],
    ['an object', {}, null],
  ])('%s', (_what, field, expected) => {
    const tokens = parseTokens(field, 'ELECTRICITY');
    expect(tokens?.map(({ kind, digits }) => [kind, digits]) ?? null).toEqual(expected);
  });

  it.each(['KeyChange', 'Key Change Token 1', 'KEY - CHANGE', 'key-change', 'key  change'])(
    'labelled %j is of a key change',
    (label) => {
      expect(parseTokens(`${label}: ${TOKEN}`, 'ELECTRICITY')).toEqual([
        { kind: 'KEY_CHANGE', digits: TOKEN },
      ]);
    },
  );

  it.each([' ', '-', 'key ', 'key-', ' :', '| '])('are read in no time, of however many %j', (part) => {
    const began = performance.now();
    parseTokens(`key${part.repeat(60_000)}x:${TOKEN}`, 'ELECTRICITY');
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe('money', () => {
  it.each([
    ['BWP 2878.86', 'BWP', '2878.86'],
    ['BWP 1,000,000.00', 'BWP', '1000000'],
    ['ZAR -5', 'ZAR', '-5'],
    ['BWP123.4', 'BWP', '123.4'],
    ['BWP 1 000 000.50', 'BWP', '1000000.5'],
    ['BWP 0.10', 'BWP', '0.1'],
    ['BWP 12345678901234567890.12', 'BWP', '12345678901234567890.12'],
  ])('%s', (text, currency, amount) => {
    const money = parseMoney(text);
    expect([money?.currency, money?.amount.toFixed()]).toEqual([currency, amount]);
  });

  it.each([
    ...[
      '2878.86',
      'P 5',
      'BWP',
      'BWP x',
      'BWP 1.2.3',
      'bwp 5',
      '',
      'BWP .5',
      'BWP 5.',
      'BWP 1e3',
      'BWP 0x10',
    ],
    ...['5 BWP', 'BWP NaN', 'BWP --5', 'BWP ,', 'BWP 1.234,56', 'BWP 1,23,456.00', 'BWP 1000,000.00'],
  ])('%j is none', (text) => {
    expect(parseMoney(text)).toBeNull();
  });

  it('with a decimal comma is none: it must not become a hundred times as much', () => {
    expect(parseMoney('BWP 2878,86')).toBeNull();
    expect(parseMoney('BWP 2 878,86')).toBeNull();
  });

  it.each([[100], [true], [{}], [[]], [null], [undefined], ['BWP ?']])(
    '%j as a charge is absent',
    (entry) => {
      for (const shape of [priced, pricedOnCurrent])
        expect(shape.parse({ transaction: { entry, net: 'BWP 0.30' } }).transaction).toMatchObject({
          ...{ entry: null, net: bwp('0.30') },
        });
    },
  );

  it('goes out digit for digit', () => {
    expect(jsonWith({ a: 'x', none: null, gone: undefined }, { amount: '123456789012.34' })).toBe(
      '{"a":"x","amount":123456789012.34}',
    );
  });
});
