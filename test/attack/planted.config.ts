import { defineConfig, type Plugin } from 'vitest/config';

import config from '../../vitest.config.ts';
import { plantedBugs } from './planted-bugs.ts';

const name = process.env['PLANTED_BUG'] ?? '';

/** Changes the source as it is read, and fails when there is nothing to change any more. */
function plant(): Plugin {
  const left = new Set(plantedBugs[name]?.changes);
  if (left.size === 0) throw new Error(`there is no bug "${name}"`);
  return {
    name: 'planted-bug',
    enforce: 'pre',
    transform(code, id) {
      let changed = code;
      for (const change of plantedBugs[name]?.changes ?? []) {
        if (!id.endsWith(change.file)) continue;
        if (!changed.includes(change.from)) throw new Error(`nothing to change in ${change.file}`);
        changed = changed.replace(change.from, change.to);
        process.stdout.write(`planted in ${change.file}\n`);
      }
      return changed;
    },
  };
}

// Nothing is bundled: the bug would not be in it.
export default defineConfig({
  ...config,
  plugins: [plant()],
  test: { ...config.test, globalSetup: [], bail: 1, testTimeout: 10_000 },
});
