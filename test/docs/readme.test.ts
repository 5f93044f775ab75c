import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { environmentNames, loadConfig } from '../../src/config.ts';
import { startStack, subscribe, until } from '../support/stack.ts';

const readme = readFileSync('README.md', 'utf8');
const pages = [
  'README.md',
  ...readdirSync('docs', { recursive: true })
    .map(String)
    .flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

const blocks = [...readme.matchAll(/```graphql\n([^]*?)```/g)].map(([, code]) => code ?? '');
const sectionOf = (title: string) => readme.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
const rowsOf = (title: string) =>
  [...sectionOf(title).matchAll(/^\| (`.*?) *\| (.*?) *\| (.*?) *\|$/gm)].map(([, ...cells]) => cells);

describe('the README', () => {
  it('shows a query, a subscription and a mutation that work as they stand', async () => {
    await using stack = await startStack();
    const [query = '', subscription = '', mutation = '', ...others] = blocks;
    expect(others).toEqual([]);
    const accounts = await stack.graphql(query);
    expect(accounts.errors).toBeUndefined();
    const live = subscribe(stack.socket(), subscription);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const bought = await stack.graphql(mutation);
    expect(bought.data?.['confirmPurchase']).toMatchObject({
      status: 'SUCCEEDED',
      tokens: [{ kind: 'CREDIT' }],
    });
    await until(() => live.results.length === 2, 'both events');
    const statuses = live.results.map(({ data }) => data?.['purchaseEvents'].status);
    expect(statuses).toEqual(['PENDING', 'SUCCEEDED']);
  });

  it('lists every name of the environment, and no other', () => {
    const listed = rowsOf('The environment').flatMap(([names = '']) => {
      const [first = '', ...suffixes] = [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');
      return [first, ...suffixes.map((suffix) => `SCRATCHPOWER${suffix}`)];
    });
    expect(listed.toSorted()).toEqual([...environmentNames].sort());
  });

  it('tells the defaults as they are', () => {
    const required = { SCRATCHPOWER_BASE_URL: 'http://localhost' };
    const names = ['CLIENT_ID', 'CLIENT_SECRET', 'USERNAME', 'PASSWORD', 'ORG_CODE'];
    const secrets = Object.fromEntries(names.map((name) => [`SCRATCHPOWER_${name}`, 'x']));
    const told = rowsOf('The environment').flatMap(([name = '', value = '']) =>
      value === '' ? [] : [[name.replaceAll('`', ''), value.replaceAll('`', '')]],
    );
    expect(told.length).toBeGreaterThan(10);
    const env = { ...required, ...secrets };
    expect(loadConfig({ ...env, ...Object.fromEntries(told) })).toEqual(loadConfig(env));
  });

  it('names only commands that there are', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    const named = [...readme.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:-]+)/g)].map(([, name]) => name);
    expect(new Set(named).size).toBeGreaterThan(5);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });
});

it.each(pages)('%s links only to files that there are', (page) => {
  const text = readFileSync(page, 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link ?? '');
  for (const link of links) expect(existsSync(join(dirname(page), link)), link).toBe(true);
});
