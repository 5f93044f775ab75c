import { expect, it } from 'vitest';

import { Kept } from '../../src/purchases/kept.ts';

const never = () => Promise.reject(new Error('it is fresh'));

it('what was read last is kept, whichever of two answers comes first', async () => {
  const clock = { ms: 0 };
  const kept = new Kept<string>({ monotonic: () => clock.ms }, 1_000);
  const answers: ((value: string) => void)[] = [];
  const keep = () => kept.keep(() => new Promise((resolve) => answers.push(resolve)));
  const older = keep();
  clock.ms = 1;
  const newer = keep();
  answers[1]?.('new');
  expect(await newer).toBe('new');
  answers[0]?.('old');
  // Who asked for it gets it.
  expect(await older).toBe('old');
  expect(kept.fresh(never)).toBe('new');
  const newest = keep();
  answers[2]?.('newest');
  await newest;
  expect(kept.fresh(never)).toBe('newest');
});
