import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { noPostgres } from '../support/postgres.ts';
import { plantedBugs } from './planted-bugs.ts';

/** Where no PostgreSQL answers, the bugs that only its tests notice are left out. */
const bugs = Object.entries(plantedBugs).filter(
  ([, { caughtBy }]) => noPostgres === undefined || !caughtBy.includes('postgres'),
);

interface Run {
  readonly failed: boolean;
  readonly output: string;
}

/** Runs a test file with the bug in the source. */
function runWith(name: string, tests: string): Promise<Run> {
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'test/attack/planted.config.ts',
    tests,
  ];
  const env = { ...process.env, PLANTED_BUG: name, NO_COLOR: '1', VITEST: undefined };
  return new Promise((resolve) => {
    execFile(process.execPath, vitest, { env, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    );
  });
}

describe('a planted bug', () => {
  it.each(bugs)('“%s” is caught', { timeout: 120_000 }, async (name, bug) => {
    for (const { file, from } of bug.changes) expect(readFileSync(file, 'utf8')).toContain(from);
    const { failed, output } = await runWith(name, bug.caughtBy);
    for (const { file } of bug.changes) expect(output).toContain(`planted in ${file}`);
    expect(failed).toBe(true);
    expect(output).toMatch(/FAIL .*AssertionError|Tests .*[1-9]\d* failed/s);
  });
});
