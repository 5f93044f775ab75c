import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { scopes } from '../../src/auth/caller.ts';
import { REFRESH_MS, STALE_MS } from '../../src/auth/key-ring.ts';
import { environmentNames, loadConfig } from '../../src/config.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { tempFolder } from '../journal/sqlite-fixtures.ts';
import { script } from '../support/operator.ts';

const page = readFileSync('docs/security.md', 'utf8');
const blocks = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block.trim().split('\n'));

it('docs/security.md shows only commands that work, in their order', { timeout: 60_000 }, async () => {
  const path = join(await tempFolder(), 'gateway.db');
  await (await openSqliteJournal({ path })).close();
  const lines = blocks.flat().filter((line) => line.startsWith('npm run -s keys -- '));
  expect(lines.map((line) => line.split(' ')[5])).toEqual(['create', 'create', 'list', 'revoke', 'list']);
  let last = '';
  for (const line of lines) {
    const { code, out, err } = await script('keys', line.split(' ').slice(5), path);
    expect([code, err], line).toEqual([0, '']);
    last = out;
  }
  expect(JSON.parse(last).keys.map(({ state }: { state: string }) => state)).toEqual(['live', 'revoked']);
});

it('docs/security.md shows an environment that a gateway starts with', () => {
  const shown = blocks.flat().filter((line) => /^[A-Z_]+=/.test(line));
  const upstream = ['CLIENT_ID', 'CLIENT_SECRET', 'USERNAME', 'PASSWORD', 'ORG_CODE'];
  const env = Object.fromEntries([
    ['SCRATCHPOWER_BASE_URL', 'https://upstream.example'],
    ...upstream.map((name) => [`SCRATCHPOWER_${name}`, 'x'] as const),
    ...shown.map((line) => line.split('=', 2) as [string, string]),
  ]);
  expect(loadConfig(env)).toMatchObject({ host: '0.0.0.0', auth: { mode: 'jwt' } });
});

it('docs/security.md tells every scope, names variables that there are, and times as they are', () => {
  for (const scope of scopes) expect(page).toMatch(new RegExp(`^\\| \`${scope}\` +\\|`, 'm'));
  const named = [...page.matchAll(/`((?:JWT|AUTH|INTROSPECTION|GRAPHIQL|ALLOWED)[A-Z_]*)(?:=\w+)?`/g)];
  for (const [, name] of named) expect(environmentNames).toContain(name);
  // A read may take a second.
  expect(REFRESH_MS + 1_000).toBe(3_000);
  expect(page).toContain('within three seconds');
  expect(STALE_MS).toBe(15_000);
  expect(page).toContain('for fifteen seconds');
});
