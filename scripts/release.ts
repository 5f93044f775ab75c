// Run by `npm version`, between the new number and its commit (docs/releases.md): refuses a number that the schema's
// changes do not allow, keeps the schema as released, and dates the changelog.
import { readFileSync, writeFileSync } from 'node:fs';

import { buildSchema } from 'graphql';
import { z } from 'zod';

import { datedChangelog } from './changelog.ts';
import { versionFault } from './next-version.ts';
import { schemaChanges } from './schema-changes.ts';

const { npm_old_version: from, npm_new_version: to } = z
  .object({ npm_old_version: z.string(), npm_new_version: z.string() })
  .parse(process.env);
const schema = readFileSync('schema.graphql', 'utf8');
const released = readFileSync('schema.released.graphql', 'utf8');
try {
  const changes = await schemaChanges(buildSchema(released), buildSchema(schema));
  const fault = versionFault(from, to, changes);
  if (fault !== undefined) throw new Error(fault);
  const changelog = readFileSync('CHANGELOG.md', 'utf8');
  writeFileSync('CHANGELOG.md', datedChangelog(changelog, to, new Date().toISOString().slice(0, 10)));
  writeFileSync('schema.released.graphql', schema);
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  console.error(`${to} is not released: ${why}. To begin anew: git checkout package.json package-lock.json`);
  process.exitCode = 1;
}
