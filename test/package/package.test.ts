import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { confirm, graphqlCaller, temporaryFolder } from '../support/stack.ts';

const run = promisify(execFile);
const page = readFileSync('docs/package.md', 'utf8');

let app: string;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** Packs what is here, and installs that in an empty folder. */
beforeAll(async () => {
  folder = await temporaryFolder();
  await run('npm', ['pack', '--pack-destination', folder.path]);
  const [tarball = ''] = await readdir(folder.path);
  app = join(folder.path, 'app');
  await mkdir(app);
  await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  const quick = ['--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...quick, join(folder.path, tarball)], { cwd: app });
}, 180_000);
afterAll(() => folder[Symbol.asyncDispose]());

const bin = () => join(app, 'node_modules/.bin/scratchpower-graphql');

/** Runs until the test has finished; resolves with what it said once that is `enough`. */
async function started(
  program: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  enough: RegExp,
): Promise<string> {
  const [file, ...argv] = program;
  const child = spawn(file, argv, { cwd: app, env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env } });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  let said = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      said += chunk.toString();
      if (enough.test(said)) resolve(said);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${said}`)));
  });
}

async function sandboxEnvironment(): Promise<Record<string, string>> {
  const said = await started([bin(), 'sandbox'], {}, /docs\/sandbox\.md/);
  return Object.fromEntries(
    [...said.matchAll(/^ {2}(SCRATCHPOWER_\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

const purchase = {
  ...{ productType: 'ELECTRICITY', providerCode: 'BPC', subscriberIdentifier: '04040404040' },
  accountId: Buffer.from('Account:13209').toString('base64'),
  beneficiaryPhoneNumber: '+26771436390',
  amount: { amount: '100.00', currency: 'BWP' },
};

describe('the package, installed in an empty folder', () => {
  it('has one command, which tells of every other', async () => {
    const { stdout } = await run('npx', ['--no-install', 'scratchpower-graphql', '--help'], { cwd: app });
    const told = [...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);
    expect(told).toEqual([
      ...['serve', 'sandbox', 'probe', 'purchases', 'keys', 'backup', 'restore', 'reseal', 'migrate-journal'],
    ]);
  });

  it.each(['probe', 'purchases', 'keys', 'backup', 'restore', 'reseal', 'migrate-journal'])(
    'has %s with its own help',
    async (name) => {
      const { stdout } = await run(bin(), [name, '--help'], { cwd: app });
      expect(stdout).toMatch(`Usage: scratchpower-graphql ${name} [options]`);
    },
  );

  it('sells electricity, shows the playground, and then lists what was sold', async () => {
    const env = await sandboxEnvironment();
    const said = await started([bin(), 'serve'], env, /"url":"http/);
    const url = /"url":"(http:[^"]+)\/graphql"/.exec(said)?.[1] ?? '';
    const input = { idempotencyKey: 'packed', from: { details: purchase } };
    const { reference, status, tokens } = await confirm(graphqlCaller(url), input);
    expect([status, tokens.length]).toEqual(['SUCCEEDED', 1]);
    const html = await (await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })).text();
    expect(html).toContain('GraphiQL');
    const { stdout } = await run(bin(), ['purchases', 'list', '--status', 'SUCCEEDED', '--json'], {
      cwd: app,
    });
    expect(stdout).toContain(reference);
  });

  it('starts in a program, as docs/package.md shows it, whose types are right', async () => {
    const shown = /```ts\n([^]*?)```/.exec(page)?.[1] ?? '';
    await writeFile(join(app, 'embedding.ts'), shown);
    const typeRoots = resolve('node_modules/@types');
    await run(process.execPath, [
      ...[resolve('node_modules/typescript/bin/tsc'), join(app, 'embedding.ts')],
      ...['--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2022'],
      ...['--typeRoots', typeRoots, '--types', 'node', '--skipLibCheck', 'false', '--ignoreConfig'],
    ]);
    const program = [process.execPath, 'embedding.js'] as const;
    const env = await sandboxEnvironment();
    const said = await started([...program], env, /GraphQL is at .*\n/);
    const url = /GraphQL is at (.*)\/graphql/.exec(said)?.[1] ?? '';
    expect(await graphqlCaller(url)('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
    const without = await run(program[0], ['embedding.js'], { cwd: app, env: {} }).catch(
      (error: unknown) => error,
    );
    expect(without).toMatchObject({ code: 1 });
    expect((without as { stderr: string }).stderr).toContain('SCRATCHPOWER_BASE_URL is missing');
  });

  it('has graphql in it once, and nothing of this repository but what is meant for it', async () => {
    const files = await readdir(join(app, 'node_modules/scratchpower-graphql'), { recursive: true });
    const top = new Set(files.map((file) => file.split('/')[0]));
    expect([...top].sort()).toEqual(
      ['CHANGELOG.md', 'README.md', 'SECURITY.md', 'dist', 'docs', 'package.json', 'schema.graphql'].sort(),
    );
    const code = await Promise.all(
      files
        .filter((file) => file.endsWith('.js'))
        .map((file) => readFile(join(app, 'node_modules/scratchpower-graphql', file), 'utf8')),
    );
    expect(code.join('\n').match(/class GraphQLError\b/g)).toHaveLength(1);
    expect(code.join('\n')).not.toContain(process.cwd());
  });
});
