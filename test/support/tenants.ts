import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Client } from 'graphql-ws';
import { pino } from 'pino';

import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { scopes } from '../../src/auth/caller.ts';
import { loadConfig } from '../../src/config.ts';
import { startGateway, type Gateway } from '../../src/gateway.ts';
import { startIssuer, type Issuer } from './issuer.ts';
import { graphqlCaller, quick, socketClient, temporaryFolder, type GraphQLCaller } from './stack.ts';

/** What an entry of INTEGRATIONS_FILE may restrict. */
export interface Restrictions {
  readonly accounts?: readonly number[];
  readonly limits?: { readonly perPurchase?: string; readonly perDay?: string };
}

export interface Tenants extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly path: string;
  /** Each integration has an upstream of its own. */
  readonly sandboxes: Readonly<Record<'shop' | 'kiosk', Sandbox>>;
  /** Whose tokens the gateway takes. */
  readonly issuer: Issuer;
  /** A caller whose token says so; by default one of `shop` that may do everything there. */
  readonly as: (claims?: object, instance?: number) => Promise<GraphQLCaller>;
  readonly socketAs: (claims?: object, instance?: number) => Promise<Client>;
  /** Ends every instance. */
  readonly stop: () => Promise<void>;
  readonly logged: () => string;
}

export const entryOf = (name: string, { url, credentials }: Sandbox, more: Restrictions = {}) => ({
  ...{ name, baseUrl: url, surface: 'v1' },
  credentials: {
    ...{ clientId: credentials.clientId, username: credentials.username, orgCode: credentials.orgCode },
    ...{ clientSecret: { env: 'TEST_CLIENT_SECRET' }, password: { env: 'TEST_PASSWORD' } },
  },
  ...more,
});

export const accountId = (number: number) => Buffer.from(`Account:${number}`).toString('base64');
/** As a token tells them: all scopes, and all but one. */
export const every = scopes.join(' ');
export const without = (scope: string) => scopes.filter((one) => one !== scope).join(' ');

/** A gateway that serves two integrations, each with a sandbox of its own, to callers with tokens. */
export async function startTenants(
  options: {
    readonly shop?: Restrictions;
    readonly kiosk?: Restrictions;
    readonly env?: Readonly<Record<string, string>>;
    /** Makes the record that there is before the gateway starts. */
    readonly before?: (path: string) => Promise<void>;
    /** How many instances of the gateway; more than one need PostgreSQL (DATABASE_URL). Default 1. */
    readonly instances?: number;
  } = {},
): Promise<Tenants> {
  const [shop, kiosk] = await Promise.all([startSandbox(), startSandbox()]);
  const folder = await temporaryFolder();
  const issuer = await startIssuer();
  const file = join(folder.path, 'integrations.json');
  const integrations = [entryOf('shop', shop, options.shop), entryOf('kiosk', kiosk, options.kiosk)];
  await writeFile(file, JSON.stringify({ integrations }));
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const path = join(folder.path, 'gateway.db');
  const config = loadConfig({
    ...{ ...quick, ...issuer.env, PORT: '0', DATABASE_URL: `file:${path}`, INTEGRATIONS_FILE: file },
    ...{ TEST_CLIENT_SECRET: shop.credentials.clientSecret, TEST_PASSWORD: shop.credentials.password },
    ...options.env,
  });
  await options.before?.(path);
  const gateways: Gateway[] = [];
  for (let n = 0; n < (options.instances ?? 1); n += 1) gateways.push(await startGateway(config, { log }));
  const at = (instance: number): Gateway => {
    const gateway = gateways[instance];
    if (gateway === undefined) throw new Error(`there is no instance ${instance}`);
    return gateway;
  };
  const stop = async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
  };
  const clients: Client[] = [];
  const tokenOf = (claims: object = {}) => issuer.token({ integration: 'shop', ...claims });
  return {
    ...{ gateway: at(0), path, sandboxes: { shop, kiosk }, issuer, stop },
    as: async (claims, instance = 0) => graphqlCaller(at(instance).url, await tokenOf(claims)),
    socketAs: async (claims, instance = 0) => {
      const authorization = `Bearer ${await tokenOf(claims)}`;
      const client = socketClient(at(instance).url, { connectionParams: { authorization } });
      clients.push(client);
      return client;
    },
    logged: () => lines.join(''),
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.dispose();
      await stop();
      await Promise.all([shop.close(), kiosk.close(), issuer[Symbol.asyncDispose]()]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
