// Prints the schema into schema.graphql; with --check, fails when the file is not what would be printed.
import { readFileSync, writeFileSync } from 'node:fs';

import { printSchema } from 'graphql';

import { schema } from '../src/schema/index.ts';

const file = new URL('../schema.graphql', import.meta.url);
const printed = `${printSchema(schema)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(file, printed);
} else if (readFileSync(file, 'utf8') !== printed) {
  console.error('schema.graphql is not what the code says. Run: npm run schema');
  process.exitCode = 1;
}
