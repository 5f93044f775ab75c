// npm run problem-codes: brings the table of docs/frontend/errors.md up to the codes that src can give. What was written
// about a code stays; a test compares, and wants something written about each.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

import { problemTypes } from '../src/purchases/problem.ts';
import { findProblemCodes } from './find-problem-codes.ts';

const page = 'docs/frontend/errors.md';
const [begin, end] = ['<!-- codes: begin -->', '<!-- codes: end -->'];

const text = readFileSync(page, 'utf8');
const table = text.slice(text.indexOf(begin) + begin.length, text.indexOf(end));
const advice = new Map(
  [...table.matchAll(/^\| `(\w+)` .*\| *(.*?) *\|$/gm)].map(([, code, words]) => [code, words]),
);
const { codes } = findProblemCodes('tsconfig.json');
const rows = codes.map(
  ({ code, types, retryable }) =>
    `| \`${code}\` | ${types.length === problemTypes.length ? 'any' : types.join(', ')} | ${retryable} | ${advice.get(code) ?? '**to be written**'} |`,
);
const fresh = ['| code | type | retryable | what to do |', '| --- | --- | --- | --- |', ...rows].join('\n');
const whole = `${text.slice(0, text.indexOf(begin) + begin.length)}\n\n${fresh}\n\n${text.slice(text.indexOf(end))}`;
const printed = await format(whole, { ...(await resolveConfig(page)), filepath: page });

writeFileSync(page, printed);
