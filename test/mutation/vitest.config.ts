import { defineConfig } from 'vitest/config';

import config from '../../vitest.config.ts';

/**
 * The tests of the domain alone, those that decide what becomes of a purchase, run for each mutant: so they share their
 * modules from one mutant to the next.
 */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    isolate: false,
    include: ['test/purchases/*.test.ts', 'test/datasources/failure.test.ts', 'test/mutation/*.test.ts'],
  },
});
