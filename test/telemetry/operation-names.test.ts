import { parse } from 'graphql';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';

import { CellCounter } from '../../src/telemetry/cells.ts';
import { OperationNames } from '../../src/telemetry/operation-names.ts';
import { keptOf, longName } from '../support/memory.ts';

const named = (names: OperationNames, text: string, operationName?: string) =>
  names.of({ document: parse(text), operationName });

it('an operation has the name that its client gave it, and the kind that it is', () => {
  const names = new OperationNames();
  const two = 'query One { a } mutation Two { b }';
  expect(named(names, two, 'Two')).toEqual({ kind: 'mutation', name: 'Two' });
  expect(named(names, two, 'One')).toEqual({ kind: 'query', name: 'One' });
  expect(named(names, '{ a }')).toEqual({ kind: 'query', name: 'anonymous' });
});

it('is found once for a document that is parsed once', () => {
  const names = new OperationNames();
  const document = parse('subscription S { a }');
  expect(names.of({ document, operationName: 'S' })).toBe(names.of({ document, operationName: 'S' }));
});

it('a hundred names are told apart, however many clients make up', () => {
  const names = new OperationNames();
  const told = new Set(Array.from({ length: 500 }, (_, n) => named(names, `query Q${n} { a }`).name));
  expect(told.size).toBe(100);
  expect(told).toContain('other');
  expect(told).toContain('Q0');
});

it('is the first where the document has none of the name, and the name is not kept', async () => {
  const names = new OperationNames();
  const document = parse('query One { a } mutation Two { b }');
  const kept = await keptOf(() => {
    for (let n = 0; n < 400; n += 1)
      expect(names.of({ document, operationName: longName(n) }).name).toBe('One');
  });
  expect(kept).toBeLessThan(12_000_000);
  expect(names.of({ document, operationName: 'Two' }).name).toBe('Two');
});

it.each([100, 101])('of %d characters is told if they are no more than a hundred', (length) => {
  const name = 'x'.repeat(length);
  const told = length > 100 ? 'other' : name;
  expect(named(new OperationNames(), `query ${name} { a }`).name).toBe(told);
  expect(named(new OperationNames([`query ${name} { a }`]), `query ${name} { a }`).name).toBe(told);
});

it('where operations are persisted, only their names are told', () => {
  const names = new OperationNames(['query Known { a }']);
  expect(named(names, 'query Known { a }').name).toBe('Known');
  expect(named(names, 'query Made { a }').name).toBe('other');
});

it('a counter whose labels are found once counts as any other', async () => {
  const registry = new Registry();
  const counter = new CellCounter({ name: 'sold_total', help: 'Sold', labelNames: ['what'], registry });
  const cell = counter.cell({ what: 'water' });
  expect(await registry.metrics()).toContain('sold_total{what="water"} 0');
  cell.n += 2;
  expect(await registry.metrics()).toContain('sold_total{what="water"} 2');
  cell.n += 1;
  expect(await registry.metrics()).toContain('sold_total{what="water"} 3');
});
