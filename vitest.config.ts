import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const require = createRequire(import.meta.url);

/** Each takes a minute or more: were one begun last, the other workers would wait for it. */
const longest = [
  'attack/planted-bugs',
  'journal/postgres',
  'attack/kills',
  'browser/counter',
  'attack/instances',
  'attack/broken',
  'simulation/simulation',
  'hostile/fuzz',
  'attack/matrix',
].map((name) => `test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((name) => moduleId.endsWith(name));
      return at === -1 ? longest.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  // As Node resolves it: through the `module` field the tests would get a second copy, and `instanceof` would lie.
  resolve: { alias: [{ find: /^graphql$/, replacement: require.resolve('graphql') }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/bundle.ts',
    // One more than there are processors: those who start a process, or wait for a timer, leave theirs to others.
    maxWorkers: availableParallelism() + 1,
    // Two files of three load the whole gateway: once in each worker is enough.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/**', 'sandbox/**', 'probe/**'],
      reporter: ['text-summary', 'html'],
    },
  },
});
