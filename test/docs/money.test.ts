import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { mayMove, purchaseStatuses } from '../../src/purchases/purchase.ts';
import { plantedBugs } from '../attack/planted-bugs.ts';

const page = readFileSync('docs/money.md', 'utf8');

describe('docs/money.md', () => {
  it('draws the status machine as the code has it', () => {
    const drawn = [...page.matchAll(/^ {2}([A-Z_]+) --> ([A-Z_]+)$/gm)].map(
      ([, from, to]) => `${from} ${to}`,
    );
    const moves = purchaseStatuses.flatMap((from) =>
      purchaseStatuses.filter((to) => mayMove(from, to)).map((to) => `${from} ${to}`),
    );
    expect(drawn.toSorted()).toEqual(moves.toSorted());
    for (const status of purchaseStatuses) expect(page).toContain(`- ${status}: `);
  });

  it('names tests that there are, and each of the ten rules', () => {
    for (let rule = 1; rule <= 10; rule += 1) expect(page).toMatch(new RegExp(`^\\| R${rule} +\\|`, 'm'));
    const named = new Set([...page.matchAll(/`([\w-]+\.test)`/g)].map(([, name]) => name));
    expect(named.size).toBeGreaterThan(10);
    const files = readdirSync('test', { recursive: true }).map(String);
    for (const name of named)
      expect(
        files.some((file) => file.endsWith(`/${name}.ts`)),
        name,
      ).toBe(true);
  });

  it('counts the planted bugs', () => {
    expect(Object.keys(plantedBugs)).toHaveLength(16);
    expect(page).toContain('puts sixteen bugs into the source');
  });
});
