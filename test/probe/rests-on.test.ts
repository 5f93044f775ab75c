import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { assumptions } from '../../probe/catalogue.ts';
import { restsOn, restsOnKeys } from '../../probe/rests-on.ts';

describe('what in the gateway rests on an assumption', () => {
  it('is told for each, and for none that there is not', () => {
    const used = new Set(assumptions.map(({ id }) => restsOn(id)));
    expect(used.size).toBe(restsOnKeys.length);
    expect(() => restsOn('v1.nothing.at-all')).toThrow('v1.nothing.at-all');
  });

  it.each([...new Set(assumptions.flatMap(({ id }) => restsOn(id).where))])(
    'is where it says: %s',
    (where) => {
      const [file = '', name = ''] = where.split(' ');
      expect(name).not.toBe('');
      expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`(^|[^\\w-])${name}\\b`, 'm'));
    },
  );

  it('is asked by an id of its own', () => {
    const ids = assumptions.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
