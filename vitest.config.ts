import { createRequire } from 'node:module';

import { defineConfig } from 'vitest/config';

const require = createRequire(import.meta.url);

export default defineConfig({
  // As Node resolves it: through the `module` field the tests would get a second copy, and `instanceof` would lie.
  resolve: { alias: [{ find: /^graphql$/, replacement: require.resolve('graphql') }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/bundle.ts',
    // Left to itself vitest keeps one processor free, which of two is half.
    maxWorkers: '100%',
    // Two files of three load the whole gateway: once in each worker is enough.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/**', 'sandbox/**', 'probe/**'],
      reporter: ['text-summary', 'html'],
    },
  },
});
