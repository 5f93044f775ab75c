import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { purchaseIn } from '../journal/fixtures.ts';
import { tempFolder } from '../journal/sqlite-fixtures.ts';
import { script, type Script } from '../support/operator.ts';

const page = readFileSync('docs/operations.md', 'utf8');
const lines = [...page.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'));

/** A line as a shell splits it: words, and what stands between quotes. */
function words(line: string, variables: Readonly<Record<string, string>>): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) =>
    (quoted ?? word ?? '').replace(/^\$(\w+)$/, (_, name: string) => variables[name] ?? ''),
  );
}

it('docs/operations.md shows only commands that work, in their order', { timeout: 120_000 }, async () => {
  const folder = await tempFolder();
  const path = join(folder, 'gateway.db');
  const journal = await openSqliteJournal({ path });
  const [one, charged, notCharged] = [
    await purchaseIn(journal, 'NEEDS_ATTENTION'),
    await purchaseIn(journal, 'NEEDS_ATTENTION'),
    await purchaseIn(journal, 'UNRESOLVED'),
  ];
  await journal.close();
  const variables = {
    REFERENCE: one.reference,
    CHARGED: charged.reference,
    NOT_CHARGED: notCharged.reference,
  };
  expect(lines.length).toBeGreaterThan(8);
  for (const line of lines) {
    const [npm, run, silent, name, dashes, ...argv] = words(line, variables);
    expect([npm, run, silent, dashes], line).toEqual(['npm', 'run', '-s', '--']);
    // Files are named as one names them who stands in the folder.
    const placed = argv.map((word) => (/\.(csv|db)$/.test(word) ? join(folder, word) : word));
    const { code, err } = await script(name as Script, placed, path);
    expect([code, err.replace(/^\d without an outcome yet.*\n$/, '')], line).toEqual([0, '']);
  }
  expect(await readFile(join(folder, 'statement-2026-03-01.csv'), 'utf8')).toContain('TOTAL');
  // The restored record is that of the backup: all of the page is in it.
  const restored = await openSqliteJournal({ path });
  const statuses = await restored.purchases([one.id, charged.id, notCharged.id]);
  expect(statuses.map(({ status }) => status).sort()).toEqual(['FAILED', 'SUCCEEDED', 'UNRESOLVED']);
  await restored.close();
});

it('docs/operations.md tells every command there is', async () => {
  const { out } = await script('purchases', ['--help'], 'none');
  const commands = [...out.matchAll(/^ {2}(\w+) \[options\]/gm)].map(([, name]) => name ?? '');
  expect(commands.sort()).toEqual(['audit', 'list', 'retry', 'settle', 'show', 'statement']);
  for (const name of commands) expect(page).toContain(`purchases -- ${name}`);
});
