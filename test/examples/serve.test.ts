import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

import { temporaryFolder } from '../support/stack.ts';

it('npm run serve says that there is no build, and how to make one', async () => {
  await using folder = await temporaryFolder();
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: Record<string, string>;
  };
  const ended = await promisify(execFile)('sh', ['-c', scripts['preserve'] ?? ''], {
    cwd: folder.path,
  }).catch((error: unknown) => error);
  expect(ended).toMatchObject({ code: 1, stderr: 'There is no build yet: run npm run build first.\n' });
});
