import { defineConfig } from 'vitest/config';

import config from '../../vitest.config.ts';

/** The tests of the domain alone, those that decide what becomes of a purchase, run for each mutant. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['test/purchases/*.test.ts', 'test/datasources/failure.test.ts', 'test/mutation/*.test.ts'],
  },
});
