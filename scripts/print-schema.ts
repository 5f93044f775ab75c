// Prints the schema into schema.graphql; with --check, fails when the file is not what would be printed, or when it
// breaks what the last release promised.
import { readFileSync, writeFileSync } from 'node:fs';

import { buildSchema, printSchema } from 'graphql';

import { schema } from '../src/schema/index.ts';
import { schemaChanges } from './schema-changes.ts';

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const printed = `${printSchema(schema)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(new URL('../schema.graphql', import.meta.url), printed);
} else {
  if (read('schema.graphql') !== printed) {
    console.error('schema.graphql is not what the code says. Run: npm run schema');
    process.exitCode = 1;
  }
  const { broken } = await schemaChanges(buildSchema(read('schema.released.graphql')), schema);
  if (broken.length > 0) {
    console.error(
      `The schema breaks what was released:\n  ${broken.join('\n  ')}\nDeprecate first, and take away in a later release (docs/releases.md).`,
    );
    process.exitCode = 1;
  }
}
