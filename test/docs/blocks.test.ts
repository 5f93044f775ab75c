import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { dataKeysOf, loadConfig } from '../../src/config.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { tempFolder } from '../journal/sqlite-fixtures.ts';
import { noPostgres, temporarySchema } from '../support/postgres.ts';
import { commandLine } from '../support/process.ts';
import { startStack } from '../support/stack.ts';

const run = promisify(execFile);

interface Block {
  readonly language: string;
  readonly code: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
}

function linesOf(page: string): string[] {
  return blocksOf(page)
    .filter(({ language }) => language !== 'mermaid')
    .flatMap(({ code }) => code.trim().split('\n'))
    .map((line) => line.replace(/^\$ /, ''));
}

const upstream = {
  SCRATCHPOWER_BASE_URL: 'https://upstream.example',
  ...Object.fromEntries(
    ['CLIENT_ID', 'CLIENT_SECRET', 'USERNAME', 'PASSWORD', 'ORG_CODE'].map((name) => [
      `SCRATCHPOWER_${name}`,
      'x',
    ]),
  ),
};
const command = (line: string | undefined) => /npm run (?:-s )?([\w-]+)(?: -- (.*))?$/.exec(line ?? '');
const cli = (name: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run(process.execPath, commandLine(name, ...argv), {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });

/** Every page with blocks, and who runs them. A page that is not here, or no longer is, fails. */
const runBy: Readonly<Record<string, string>> = {
  'README.md': 'readme.test.ts',
  'docs/integrations.md': 'blocks.test.ts',
  'docs/money.md': 'money.test.ts',
  'docs/operations.md': 'operations.test.ts',
  'docs/package.md': '../package/package.test.ts',
  'docs/probe.md': '../probe/docs.test.ts',
  'docs/releases.md': 'blocks.test.ts',
  'docs/sandbox.md': '../sandbox/docs.test.ts',
  'docs/scaling.md': 'blocks.test.ts',
  'docs/sealing.md': 'blocks.test.ts',
  'docs/security-limits.md': 'blocks.test.ts',
  'docs/security.md': 'security.test.ts',
};

describe('the code in the docs', () => {
  it('is run by a test, on every page that has some', () => {
    const pages = ['README.md', 'SECURITY.md', 'CHANGELOG.md'].concat(
      readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
    );
    expect(pages.filter((page) => blocksOf(page).length > 0)).toEqual(
      expect.arrayContaining(Object.keys(runBy)),
    );
    for (const page of pages) {
      if (blocksOf(page).length === 0) continue;
      const name = page.split('/').at(-1) ?? '';
      expect(readFileSync(join('test/docs', runBy[page] ?? `of ${page}`), 'utf8')).toContain(name);
    }
  });

  it('names commands that there are', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    for (const page of Object.keys(runBy)) {
      for (const line of linesOf(page)) {
        const name = command(line)?.[1];
        if (name !== undefined) expect(Object.keys(scripts), `${page}: ${line}`).toContain(name);
      }
    }
  });

  it('docs/integrations.md: a file that a gateway reads', async () => {
    const folder = await tempFolder();
    const [shown] = blocksOf('docs/integrations.md');
    const password = join(folder, 'shop-password');
    await writeFile(password, 'secret');
    const file = join(folder, 'integrations.json');
    await writeFile(file, (shown?.code ?? '').replace('/run/secrets/shop-password', password));
    const env = { INTEGRATIONS_FILE: file, AUTH_MODE: 'api-key', SHOP_CLIENT_SECRET: 'secret' };
    expect(loadConfig(env).integrations).toMatchObject([
      { name: 'shop', limits: { perPurchase: '500.00', perDay: '20000.00' } },
    ]);
  });

  it('docs/sealing.md: a key that a gateway takes, and a record that is sealed with it', async () => {
    const folder = await tempFolder();
    await mkdir(join(folder, 'secrets'));
    const path = join(folder, 'gateway.db');
    await (await openSqliteJournal({ path })).close();
    const [make = '', serve, reseal] = linesOf('docs/sealing.md').map((line) =>
      line.replaceAll('/run/secrets', join(folder, 'secrets')),
    );
    await run('bash', ['-c', make]);
    const env = { DATA_KEYS_FILE: join(folder, 'secrets/data-keys'), DATABASE_URL: `file:${path}` };
    for (const line of [serve, reseal]) expect(line).toContain(`DATA_KEYS_FILE=${env.DATA_KEYS_FILE} `);
    expect(dataKeysOf(env)).toHaveLength(1);
    expect(command(serve)?.[1]).toBe('serve');
    await cli(command(reseal)?.[1] ?? '', [], env);
  });

  it.skipIf(noPostgres !== undefined)('docs/scaling.md: a database, and a move to it', async () => {
    await using schema = await temporarySchema();
    const path = join(await tempFolder(), 'gateway.db');
    await (await openSqliteJournal({ path })).close();
    const [serve = '', move = ''] = linesOf('docs/scaling.md');
    const [, url = ''] = /^DATABASE_URL=(\S+) npm run serve$/.exec(serve) ?? [];
    expect(loadConfig({ ...upstream, DATABASE_URL: url }).database).toMatchObject({ kind: 'postgres', url });
    const [, name = '', flags = ''] = command(move) ?? [];
    const here = flags.replace('file:./data/gateway.db', `file:${path}`).replace(url, schema.url);
    const { stdout } = await cli(name, here.split(' '));
    expect(stdout).not.toBe('');
  });

  it('docs/security-limits.md: what an operation with too many aliases is told', async () => {
    await using stack = await startStack();
    const aliases = Array.from({ length: 31 }, (_, n) => `a${n}: __typename`).join(' ');
    const [shown] = blocksOf('docs/security-limits.md');
    expect((await stack.graphql(`{ ${aliases} }`)).errors).toEqual([JSON.parse(shown?.code ?? '')]);
  });

  it('docs/releases.md: what npm does by itself', () => {
    expect(linesOf('docs/releases.md')).toEqual(['npm version minor', 'git push --follow-tags', 'npm pack']);
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['preversion', 'version', 'prepack']));
  });
});
