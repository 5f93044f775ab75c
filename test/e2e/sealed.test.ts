import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { pino } from 'pino';
import { expect, it } from 'vitest';

import { startSandbox } from '../../sandbox/sandbox.ts';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { startGateway } from '../../src/gateway.ts';
import { startGatewayProcess } from '../support/process.ts';
import {
  confirm,
  electricity,
  environment,
  graphqlCaller,
  purchaseOf,
  temporaryFolder,
  validate,
} from '../support/stack.ts';

const aKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

it('a gateway with a key leaves no meter, phone, name or token readable on its disk, and serves them all the same', async () => {
  await using sandbox = await startSandbox();
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'keys');
  await writeFile(file, `${aKey('second')}\n${aKey('first')}\n`);
  const path = join(folder.path, 'gateway.db');
  const without = environment(sandbox, path);
  const env = { ...without, DATA_KEYS_FILE: file };
  const secrets: string[] = [];
  {
    await using gateway = await startGateway(loadConfig(env), { log: pino({ level: 'silent' }) });
    const graphql = graphqlCaller(gateway.url);
    const details = await electricity(graphql);
    const quote = await validate(graphql, details);
    const bought = await confirm(graphql, { idempotencyKey: 'sealed', from: { quoteId: quote['id'] } });
    expect(bought['status']).toBe('SUCCEEDED');
    const [token] = bought['tokens'];
    secrets.push(token.digits, '04040404040', '71436390', bought['subscriber'].name);
    expect(await purchaseOf(graphql, { idempotencyKey: 'sealed' })).toMatchObject({
      ...{ id: bought['id'], subscriber: bought['subscriber'], tokens: bought['tokens'] },
    });
    const byMeter = `{ purchases(filter: { subscriberIdentifier: "04040404040" }) { edges { node { id } } } }`;
    expect((await graphql(byMeter)).data?.['purchases'].edges).toEqual([{ node: { id: bought['id'] } }]);
    await expectSealed(folder.path, path, secrets);
  }
  await expectSealed(folder.path, path, secrets);
  // And without the key the process ends, and says why.
  await expect(startGatewayProcess(without)).rejects.toThrow(
    /sealed under the key second.*Add that key to DATA_KEYS/,
  );
});

async function expectSealed(folder: string, path: string, secrets: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (!file.startsWith(path)) continue;
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    for (const secret of secrets) expect(bytes.includes(secret), `${secret} in ${name}`).toBe(false);
  }
}

it.each<[what: string, env: Record<string, string>, told: RegExp]>([
  [
    'a key that is too short',
    { DATA_KEYS: 'a:c2hvcnQ=' },
    /DATA_KEYS: key 1 is none of 32 bytes: write ID:KEY/,
  ],
  ['a key without a name', { DATA_KEYS: randomBytes(32).toString('base64') }, /DATA_KEYS: key 1 is none/],
  ['two keys of one name', { DATA_KEYS: `${aKey('a')},${aKey('a')}` }, /DATA_KEYS: a is named twice/],
  [
    'a file that is not there',
    { DATA_KEYS_FILE: '/nowhere/keys' },
    /DATA_KEYS_FILE \/nowhere\/keys cannot be read/,
  ],
  ['a file without a key', { DATA_KEYS_FILE: '/dev/null' }, /DATA_KEYS_FILE \/dev\/null has no key/],
  ['both', { DATA_KEYS: aKey('a'), DATA_KEYS_FILE: '/dev/null' }, /are both set: take one of the two away/],
])('%s is a fault of the configuration, which tells no key', (_what, env, told) => {
  const fault = (() => {
    try {
      loadConfig(env);
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
    }
    return '';
  })();
  expect(fault).toMatch(told);
  for (const value of Object.values(env)) {
    for (const [, key = ''] of value.matchAll(/:?([A-Za-z0-9+/=]{8,})/g))
      if (!key.startsWith('/')) expect(fault).not.toContain(key);
  }
});
