import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { play } from '../simulation/play.ts';
import { scripts } from '../simulation/script.ts';

/**
 * A few histories, always the same: enough to meet most of what can go wrong, quick enough to be played for each mutant.
 * The thousands, and those that are new each time, are `simulation.test`'s; so is the shrinking.
 */
const histories = fc.sample(scripts, { seed: 20_260_301, numRuns: 48 });

describe('a handful of histories', () => {
  it.each([0, 1, 2, 3])('keeps every promise (part %d)', async (part) => {
    for (const script of histories.filter((_script, n) => n % 4 === part)) {
      const { breaches } = await play(script);
      expect(breaches).toEqual([]);
    }
  });
});
