import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createClient, type Client, type ClientOptions } from 'graphql-ws';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { z } from 'zod';

import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox.ts';
import { loadConfig } from '../../src/config.ts';
import { startGateway, type Gateway } from '../../src/gateway.ts';
import type { Runtime } from '../../src/purchases/runtime.ts';

export interface Stack extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly gateway: Gateway;
  readonly graphql: GraphQLCaller;
  /** Everything that the gateway logged, as text. */
  readonly logged: () => string;
  /** A WebSocket client, disposed of with the stack. */
  readonly socket: () => Client;
}

export interface StackOptions {
  readonly surface?: 'v1' | 'current';
  readonly sandbox?: SandboxOptions;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the real clock, chance and timers. */
  readonly runtime?: Runtime;
}

export const anything = z.record(z.string(), z.any());
const answer = z.object({
  data: anything.nullish(),
  errors: z
    .array(
      z.object({ message: z.string(), extensions: anything.optional(), path: z.array(z.any()).optional() }),
    )
    .optional(),
});
export type Answer = z.infer<typeof answer>;
export type GraphQLCaller = (query: string, variables?: object) => Promise<Answer>;

/** Calls GraphQL over real HTTP. */
export function graphqlCaller(url: string, token?: string): GraphQLCaller {
  return async (query, variables) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    return answer.parse(await response.json());
  };
}

/** Delays short enough for a test; the order of events is that of a real environment. */
export const quick = {
  CONFIRM_TIMEOUT_MS: '1000',
  READ_TIMEOUT_MS: '5000',
  LATE_LANDING_MS: '500',
  CIRCUIT_OPEN_MS: '50',
  RECONCILE_BASE_DELAY_MS: '100',
  RECONCILE_MAX_DELAY_MS: '400',
  SHUTDOWN_TIMEOUT_MS: '3000',
  // A test may buy faster than anybody.
  RATE_LIMIT_PER_MINUTE: '0',
  RATE_LIMIT_PURCHASES_PER_MINUTE: '0',
  RATE_LIMIT_INTEGRATION_PER_MINUTE: '0',
};

export function environment(sandbox: Sandbox, databasePath: string, options: StackOptions = {}) {
  const { clientId, clientSecret, username, password, orgCode } = sandbox.credentials;
  return {
    ...quick,
    PORT: '0',
    DATABASE_URL: `file:${databasePath}`,
    SCRATCHPOWER_BASE_URL: sandbox.url,
    SCRATCHPOWER_SURFACE: options.surface ?? 'v1',
    SCRATCHPOWER_CLIENT_ID: clientId,
    SCRATCHPOWER_CLIENT_SECRET: clientSecret,
    SCRATCHPOWER_USERNAME: username,
    SCRATCHPOWER_PASSWORD: password,
    SCRATCHPOWER_ORG_CODE: orgCode,
    ...options.env,
  };
}

export async function temporaryFolder(inside = tmpdir()): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(inside, 'gateway-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A sandbox and a gateway on it, on free ports and a record of its own. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const sandbox = await startSandbox(options.sandbox);
  const folder = await temporaryFolder();
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const config = loadConfig(environment(sandbox, join(folder.path, 'gateway.db'), options));
  const { runtime } = options;
  const gateway = await startGateway(config, { log, ...(runtime && { runtime }) });
  const clients: Client[] = [];
  return {
    sandbox,
    gateway,
    graphql: graphqlCaller(gateway.url),
    logged: () => lines.join(''),
    socket: () => {
      const client = socketClient(gateway.url);
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.dispose();
      await gateway.close();
      await sandbox.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export function socketClient(url: string, options: Partial<ClientOptions> = {}): Client {
  return createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...options,
  });
}

/** The opaque id of the sandbox's wallet. */
export async function walletId(graphql: GraphQLCaller): Promise<string> {
  const { data } = await graphql('{ accounts { id accountNumber } }');
  const accounts = z.array(z.object({ id: z.string(), accountNumber: z.number() })).parse(data?.['accounts']);
  const wallet = accounts.find(({ accountNumber }) => accountNumber === 13209);
  if (wallet === undefined) throw new Error('the sandbox has no wallet 13209');
  return wallet.id;
}

export async function electricity(graphql: GraphQLCaller, change: object = {}): Promise<object> {
  return {
    productType: 'ELECTRICITY',
    providerCode: 'BPC',
    accountId: await walletId(graphql),
    subscriberIdentifier: '04040404040',
    beneficiaryPhoneNumber: '+26771436390',
    amount: { amount: '100.00', currency: 'BWP' },
    ...change,
  };
}

export const PURCHASE = `fragment Everything on Purchase {
  id status reference upstreamReference surface canRetry
  tokens { kind digits formatted } units { value unit } receiptNumber
  subscriber { identifier name address } amount { amount currency }
  charges { entry { amount } net { amount } total { amount currency } charge { amount } commission { amount } }
  problem { type code message retryable retryAfter requestId fields { field message } }
  attempts { number kind outcome requestId startedAt finishedAt problem { code } }
  createdAt updatedAt settledAt
}`;
const PROBLEM = `... on Problem { type code message retryable retryAfter requestId fields { field message } }`;

export const VALIDATE = `mutation Validate($input: PurchaseInput!) { validatePurchase(input: $input) {
  __typename ... on Quote { id subscriber { name address } charges { total { amount } charge { amount } commission { amount } } account { id } expiresAt } ${PROBLEM} } }`;
export const CONFIRM = `mutation Confirm($input: ConfirmPurchaseInput!) { confirmPurchase(input: $input) {
  __typename ... on Purchase { ...Everything } ${PROBLEM} } } ${PURCHASE}`;
export const RETRY = `mutation Retry($input: RetryPurchaseInput!) { retryPurchase(input: $input) {
  __typename ... on Purchase { ...Everything } ${PROBLEM} } } ${PURCHASE}`;

export async function validate(graphql: GraphQLCaller, input: object): Promise<Record<string, any>> {
  const { data, errors } = await graphql(VALIDATE, { input });
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return anything.parse(data?.['validatePurchase']);
}

export async function confirm(graphql: GraphQLCaller, input: object): Promise<Record<string, any>> {
  const { data, errors } = await graphql(CONFIRM, { input });
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return anything.parse(data?.['confirmPurchase']);
}

export async function retry(graphql: GraphQLCaller, input: object): Promise<Record<string, any>> {
  const { data, errors } = await graphql(RETRY, { input });
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return anything.parse(data?.['retryPurchase']);
}

export async function purchaseOf(graphql: GraphQLCaller, by: object): Promise<Record<string, any>> {
  const { data } = await graphql(
    `
      query Find($by: PurchaseBy!) {
        purchase(by: $by) {
          ...Everything
        }
      }
      ${PURCHASE}
    `,
    { by },
  );
  return anything.parse(data?.['purchase']);
}

/** Asks until the purchase is one that `done` accepts. */
export async function eventually(
  graphql: GraphQLCaller,
  by: object,
  done: (purchase: Record<string, any>) => boolean,
  ms = 15_000,
): Promise<Record<string, any>> {
  for (const deadline = Date.now() + ms; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const purchase = await purchaseOf(graphql, by);
    if (done(purchase)) return purchase;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(purchase)}`);
  }
}

export const isSettled = ({ status }: Record<string, any>) => status === 'SUCCEEDED' || status === 'FAILED';

/** A subscription's results as they come, until it completes. */
export function subscribe(client: Client, query: string, variables: Record<string, unknown> = {}) {
  const results: Answer[] = [];
  const iterator = client.iterate({ query, variables });
  const done = (async () => {
    for await (const result of iterator) results.push(answer.parse(result));
  })();
  return { results, done, stop: () => iterator.return?.() };
}

export async function until(condition: () => boolean, what: string, ms = 15_000): Promise<void> {
  for (const deadline = Date.now() + ms; !condition();) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
