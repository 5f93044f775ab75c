import { defineConfig } from 'vitest/config';

import config from '../../vitest.config.ts';

/**
 * The tests of the domain alone, those that decide what becomes of a purchase, run for each mutant. Its files share one
 * worker, so that each module is loaded once a mutant.
 */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    isolate: false,
    // Where nothing ever comes, the test has failed; Stryker's own time limit is for what turns in a circle.
    testTimeout: 10_000,
    include: ['test/purchases/*.test.ts', 'test/datasources/failure.test.ts', 'test/mutation/*.test.ts'],
  },
});
