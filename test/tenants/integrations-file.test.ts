import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ConfigError, loadConfig } from '../../src/config.ts';

const SECRET = 'hush-hush';

describe('INTEGRATIONS_FILE', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'integrations-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const entry = (change: object = {}) => ({
    name: 'shop',
    baseUrl: 'https://api.staging.scratchpower.com',
    credentials: {
      ...{ clientId: 'id', username: { env: 'SHOP_USER' }, orgCode: 'ORG' },
      ...{ clientSecret: { env: 'SHOP_SECRET' }, password: { file: join(folder, 'password') } },
    },
    ...change,
  });
  const load = async (content: unknown, env: Record<string, string> = {}) => {
    const file = join(folder, 'integrations.json');
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    await writeFile(join(folder, 'password'), `${SECRET}\n`);
    return loadConfig({
      ...{ INTEGRATIONS_FILE: file, AUTH_MODE: 'api-key', SHOP_USER: 'user', SHOP_SECRET: SECRET },
      ...env,
    });
  };
  const faults = async (content: unknown, env: Record<string, string> = {}) => {
    try {
      await load(content, env);
    } catch (error) {
      if (error instanceof ConfigError) return error.faults;
      throw error;
    }
    return [];
  };

  it('names integrations, their accounts and limits; secrets come from where it says they stand', async () => {
    const limits = { perPurchase: '500.00', perDay: '5000' };
    const kiosk = entry({ name: 'kiosk-2', surface: 'current', accounts: [13209, 13211], limits });
    const { integrations } = await load({ integrations: [entry(), kiosk] });
    const upstream = {
      baseUrl: 'https://api.staging.scratchpower.com',
      surface: 'V1',
      credentials: {
        ...{ clientId: 'id', clientSecret: SECRET, username: 'user', password: SECRET, orgCode: 'ORG' },
      },
    };
    expect(integrations).toEqual([
      { name: 'shop', upstream, accounts: undefined, limits: {} },
      {
        ...{ name: 'kiosk-2', limits, accounts: new Set([13209, 13211]) },
        upstream: { ...upstream, surface: 'CURRENT' },
      },
    ]);
  });

  it('tells every fault at once, by its place and with the remedy', async () => {
    const { credentials } = entry();
    const told = await faults({
      integrations: [
        entry({ name: 'Shop 1', baseUrl: 'ftp://x', accounts: [], limits: { perDay: 5000, perWeek: '1' } }),
        entry({ acounts: [1] }),
        entry({
          credentials: {
            ...credentials,
            ...{
              clientSecret: SECRET,
              password: { file: join(folder, 'nowhere') },
              username: { env: 'NOBODY' },
            },
          },
        }),
        entry({ name: 'shop', surface: 'v2', credentials: undefined }),
      ],
    });
    const text = told.join('\n');
    for (const part of [
      /integrations\[0\]\.name must be 1 to 32 of a-z/,
      /integrations\[0\]\.baseUrl must be an http or https address/,
      /integrations\[0\]\.accounts is empty: .*leave it out/,
      /integrations\[0\]\.limits\.perDay must be an amount as text, such as "500\.00"/,
      /integrations\[0\]\.limits has what is not known: perWeek/,
      /integrations\[1\] has what is not known: acounts/,
      /integrations\[2\]\.credentials\.clientSecret must tell where it stands, \{"env": "NAME"\}/,
      /integrations\[2\]\.credentials\.password names the file .*nowhere, which cannot be read \(ENOENT\)/,
      /integrations\[2\]\.credentials\.username must be text|username names the environment variable NOBODY/,
      /integrations\[3\]\.surface must be one of: v1, current/,
      /integrations\[3\]\.credentials is missing/,
      /integrations: shop is named twice/,
    ])
      expect(text).toMatch(part);
    expect(text).not.toContain(SECRET);
    for (const fault of told) expect(fault).toMatch(/^INTEGRATIONS_FILE .*integrations\.json /);
  });

  it.each<[what: string, content: unknown, told: RegExp]>([
    ['no JSON, of which it quotes nothing', `{"password": "${SECRET}"`, /is no valid JSON/],
    ['no integration', { integrations: [] }, /integrations is empty: name an integration/],
    ['no list of them', {}, /integrations is missing, or is no list/],
    ['no object', [], /is missing, or is no object/],
  ])('with %s is refused', async (_what, content, told) => {
    const all = (await faults(content)).join('\n');
    expect(all).toMatch(told);
    expect(all).not.toContain(SECRET);
  });

  it('that is not there is refused by its name', () => {
    const env = { INTEGRATIONS_FILE: '/nowhere/at/all.json' };
    expect(() => loadConfig(env)).toThrow(
      /INTEGRATIONS_FILE \/nowhere\/at\/all\.json cannot be read \(ENOENT\)/,
    );
  });

  it('beside the variables of a single integration is a fault: which is meant?', async () => {
    const told = await faults({ integrations: [entry()] }, { SCRATCHPOWER_USERNAME: 'user' });
    expect(told.join('\n')).toMatch(
      /INTEGRATIONS_FILE names .* SCRATCHPOWER_USERNAME: take one of the two away/,
    );
  });

  it('of several needs callers who say whose they are; of one it does not', async () => {
    const two = { integrations: [entry(), entry({ name: 'kiosk' })] };
    expect((await faults(two, { AUTH_MODE: 'none' })).join()).toMatch(/AUTH_MODE=none.*nobody says/);
    expect(await faults({ integrations: [entry()] }, { AUTH_MODE: 'none' })).toEqual([]);
  });
});
