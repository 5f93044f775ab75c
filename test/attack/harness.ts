import { join } from 'node:path';

import { pino } from 'pino';

import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox.ts';
import { loadConfig } from '../../src/config.ts';
import { startGateway } from '../../src/gateway.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import {
  confirm,
  environment,
  graphqlCaller,
  temporaryFolder,
  type GraphQLCaller,
} from '../support/stack.ts';
import { breachesOf, type CheckOptions } from './checker.ts';
import { readRecord, readUpstream, type Acknowledgement, type History, type SeenEvent } from './history.ts';

/** What clients saw, to be laid beside the record and the upstream. */
export interface Seen {
  readonly acknowledged: Acknowledgement[];
  readonly readers: SeenEvent[][];
}

/** Reads the record of a gateway that has ended, and checks the whole history. */
export async function check(
  path: string,
  sandbox: Sandbox,
  seen: Seen = { acknowledged: [], readers: [] },
  options: CheckOptions = {},
): Promise<{ history: History; breaches: string[] }> {
  const journal = await openSqliteJournal({ path });
  const history = { ...(await readRecord(journal)), ...readUpstream(sandbox), ...seen };
  await journal.close();
  return { history, breaches: breachesOf(history, options) };
}

export interface AttackOptions {
  readonly surface: 'v1' | 'current';
  readonly sandbox?: SandboxOptions;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs an attack on a gateway and a sandbox of its own, ends both, and checks what is left. */
export async function attack<T>(
  options: AttackOptions,
  run: (target: { graphql: GraphQLCaller; sandbox: Sandbox; seen: Seen }) => Promise<T>,
): Promise<{ result: T; history: History; breaches: string[] }> {
  await using folder = await temporaryFolder();
  await using sandbox = await startSandbox(options.sandbox);
  const path = join(folder.path, 'gateway.db');
  const config = loadConfig(environment(sandbox, path, options));
  const gateway = await startGateway(config, { log: pino({ level: 'silent' }) });
  const seen: Seen = { acknowledged: [], readers: [] };
  let result: T;
  try {
    result = await run({ graphql: graphqlCaller(gateway.url), sandbox, seen });
  } finally {
    await gateway.close();
  }
  return { result, ...(await check(path, sandbox, seen)) };
}

/** What is bought, without asking for the wallet's id first. */
export const onTheHappyMeter = {
  ...{ productType: 'ELECTRICITY', providerCode: 'BPC', subscriberIdentifier: '04040404040' },
  accountId: Buffer.from('Account:13209').toString('base64'),
  beneficiaryPhoneNumber: '+26771436390',
  amount: { amount: '100.00', currency: 'BWP' },
};

/** Confirms until there is a purchase, as a client does that gets a retryable problem; tells the problems' codes. */
export async function buy(
  graphql: GraphQLCaller,
  seen: Seen,
  idempotencyKey: string,
  from?: object,
): Promise<{ purchase: Record<string, any>; problems: string[] }> {
  const problems: string[] = [];
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await confirm(graphql, { idempotencyKey, from: from ?? { details: onTheHappyMeter } });
    if (answer['__typename'] === 'Purchase') {
      acknowledge(seen, idempotencyKey, answer);
      return { purchase: answer, problems };
    }
    problems.push(answer['code']);
    // Credentials that the upstream refuses may be mended there; nothing else that is for good is tried again.
    if (answer['retryable'] !== true && answer['type'] !== 'AUTHENTICATION') break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no purchase, but ${problems.join(', ')}`);
}

export function acknowledge(seen: Seen, idempotencyKey: string, purchase: Record<string, any>): void {
  const tokens: { digits: string }[] = purchase['tokens'];
  seen.acknowledged.push({
    ...{ idempotencyKey, purchaseId: inner(purchase['id']), status: purchase['status'] },
    tokens: tokens.map(({ digits }) => digits),
  });
}

/** The record's own id, of an opaque one. */
export function inner(globalId: string): string {
  return Buffer.from(globalId, 'base64').toString().replace('Purchase:', '');
}
