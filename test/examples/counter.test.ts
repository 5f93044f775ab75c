import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

import { freePort } from '../support/process.ts';
import { graphqlCaller, temporaryFolder } from '../support/stack.ts';

it(
  'npm run example starts the app, a gateway and the sandbox, and says where',
  { timeout: 120_000 },
  async () => {
    await using folder = await temporaryFolder();
    const sandboxPort = String(await freePort());
    const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/example.ts'], {
      env: {
        PATH: process.env['PATH'] ?? '',
        PORT: '0',
        SANDBOX_PORT: sandboxPort,
        DATABASE_URL: `file:${join(folder.path, 'gateway.db')}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit');
    try {
      let output = '';
      const app = await new Promise<string>((resolve, reject) => {
        child.once('exit', (code) => reject(new Error(`exit ${code}: ${output}`)));
        for (const stream of [child.stdout, child.stderr]) {
          stream.on('data', (chunk: Buffer) => {
            output += chunk.toString();
            const address = /App +(http:\S+)\//.exec(output)?.[1];
            if (address !== undefined && output.includes('Ctrl-C')) resolve(address);
          });
        }
      });
      expect(output).toMatch(/GraphiQL +http:\S+\/graphql\n +Sandbox +http:/);
      expect(output).toContain(`Sandbox    http://127.0.0.1:${sandboxPort}\n`);
      expect(await (await fetch(app)).text()).toContain('<div id="root">');
      const { data } = await graphqlCaller(app)('{ products { type } }');
      expect(data?.['products']).toHaveLength(3);
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  },
);

it('the example is typed from schema.graphql as it is', { timeout: 120_000 }, async () => {
  await using folder = await temporaryFolder();
  const fresh = join(folder.path, 'graphql-env.d.ts');
  const tada = [
    'node_modules/.bin/gql.tada',
    'generate-output',
    '-c',
    'examples/counter/tsconfig.json',
    '-o',
    fresh,
  ];
  await promisify(execFile)(process.execPath, tada);
  const kept = await readFile('examples/counter/src/gateway/graphql-env.d.ts', 'utf8');
  expect(kept, 'run: npm run example:types').toBe(await readFile(fresh, 'utf8'));
});
