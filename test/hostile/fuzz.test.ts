import { randomInt } from 'node:crypto';

import { expect, it } from 'vitest';

import { fuzz } from './fuzz/campaign.ts';

/** CI takes two minutes; `npm run fuzz` takes as long as it is told. */
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 10);

it(
  `generated and spoilt requests of ${seconds} s crash nothing, hang nothing and learn no secret`,
  { timeout: seconds * 1_000 + 60_000 },
  async () => {
    const seed = randomInt(2 ** 30);
    const { cases, answers, faults } = await fuzz({ seed, seconds });
    expect(faults, `seed ${seed}`).toEqual([]);
    expect(cases).toBeGreaterThan(seconds);
    // It reaches the inside, the limits and the protocols' own refusals.
    expect(Object.keys(answers)).toEqual(
      expect.arrayContaining(['HTTP/1.1 200', 'HTTP/1.1 400', 'closed 1002']),
    );
  },
);
