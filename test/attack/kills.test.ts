import { randomInt, randomUUID } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { freePort, startGatewayProcess, type GatewayProcess } from '../support/process.ts';
import {
  confirm,
  environment,
  graphqlCaller,
  socketClient,
  temporaryFolder,
  type GraphQLCaller,
} from '../support/stack.ts';
import { acknowledge, check, inner, onTheHappyMeter, type Seen } from './harness.ts';

const KILLS = 50;
const BUYERS = 50;
const SETTLED_WITHIN_MS = 30_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Buys without end, each time with a new key, and asks again with the same one until it is answered. */
async function buyer(graphql: GraphQLCaller, seen: Seen, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const idempotencyKey = randomUUID();
    const input = { idempotencyKey, from: { details: cheap }, waitMs: randomInt(2) * 2_000 };
    for (;;) {
      const answer = await confirm(graphql, input).catch(() => undefined);
      if (answer?.['__typename'] === 'Purchase') {
        acknowledge(seen, idempotencyKey, answer);
        break;
      }
      if (stopped() && answer?.['__typename'] === 'Problem') break;
      await sleep(randomInt(100, 300));
    }
    await sleep(randomInt(100));
  }
}

const cheap = { ...onTheHappyMeter, amount: { amount: '1.00', currency: 'BWP' } };

/** Follows the events over WebSocket, and after each lost connection goes on by its cursor. */
async function reader(url: string, seen: Seen['readers'][number], stopped: () => boolean): Promise<void> {
  // From the very first.
  let after = Buffer.from('event:0').toString('base64url');
  const query =
    'subscription ($after: String) { purchaseEvents(after: $after) { cursor status purchase { id } } }';
  while (!stopped()) {
    const client = socketClient(url);
    try {
      for await (const { data } of client.iterate<Record<string, any>>({ query, variables: { after } })) {
        const { cursor, status, purchase } = data?.['purchaseEvents'];
        after = cursor;
        const position = Number(Buffer.from(cursor, 'base64url').toString().replace('event:', ''));
        seen.push({ position, purchaseId: inner(purchase.id), status });
        if (stopped()) break;
      }
    } catch {
      await sleep(100);
    }
    await client.dispose();
  }
}

/** Loses answers, breaks connections and takes its time, all the while. */
async function trouble(sandbox: Sandbox, stopped: () => boolean): Promise<void> {
  const kinds = ['drop_after', 'drop_before', 'garbage', 'cut_off', 'html_error', 'delay_after'] as const;
  while (!stopped()) {
    const kind = kinds[randomInt(kinds.length)] ?? 'drop_after';
    sandbox.addFault({ endpoint: randomInt(3) === 0 ? 'retry' : 'confirm', kind, delayMs: 300 });
    await sleep(randomInt(100));
    sandbox.clearFaults();
  }
}

const unsettled = `{ purchases(first: 1, filter: { status: [PENDING, UNRESOLVED, NEEDS_ATTENTION] }) { edges { node { id } } } }`;

describe('the real process under fifty buyers', () => {
  it(`killed ${KILLS} times at any moment keeps every promise`, { timeout: 600_000 }, async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox({ processingMs: 40 });
    const path = `${folder.path}/gateway.db`;
    const port = await freePort();
    const env = { ...environment(sandbox, path), PORT: String(port), LOG_LEVEL: 'info' };
    const url = `http://127.0.0.1:${port}`;
    const seen: Seen = { acknowledged: [], readers: [[], []] };
    let [buying, reading] = [true, true];

    let gateway: GatewayProcess = await startGatewayProcess(env);
    const readers = seen.readers.map((events) => reader(url, events, () => !reading));
    const buyers = Array.from({ length: BUYERS }, () => buyer(graphqlCaller(url), seen, () => !buying));
    const troubling = trouble(sandbox, () => !buying);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await sleep(randomInt(20, 1_000));
      await gateway.kill('SIGKILL');
      gateway = await startGatewayProcess(env);
    }
    const restartedAt = Date.now();
    buying = false;
    await Promise.all([...buyers, troubling]);
    sandbox.clearFaults();
    for (;;) {
      const { data } = await graphqlCaller(url)(unsettled);
      if (data?.['purchases'].edges.length === 0) break;
      if (Date.now() - restartedAt > SETTLED_WITHIN_MS) break;
      await sleep(100);
    }
    await sleep(500);
    reading = false;
    expect(await gateway.kill('SIGTERM')).toBe(0);
    await Promise.all(readers);

    const { history, breaches } = await check(path, sandbox, seen);
    expect(breaches).toEqual([]);
    const end = history.events.at(-1)?.position;
    expect(seen.readers.map((events) => events.at(-1)?.position)).toEqual([end, end]);
    expect(seen.readers.map((events) => events[0]?.position)).toEqual([1, 1]);
    expect(history.purchases.length).toBeGreaterThan(KILLS);
    // Without this the test proves nothing: some were cut off in flight, and found out.
    const pickedUp = history.attempts.filter(({ problem }) => problem?.code === 'gateway_restarted');
    expect(pickedUp.length).toBeGreaterThan(0);
    process.stdout.write(
      `${history.purchases.length} purchases, ${history.ledger.length} debits, ${pickedUp.length} cut off in flight\n`,
    );
  });

  it('stopped by SIGTERM drops no confirm that it had taken, and exits 0', { timeout: 120_000 }, async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox({ processingMs: 200 });
    const path = `${folder.path}/gateway.db`;
    // A busy machine must not make a lost answer of one that is late.
    const env = { ...environment(sandbox, path), CONFIRM_TIMEOUT_MS: '20000' };
    const gateway = await startGatewayProcess(env);
    const seen: Seen = { acknowledged: [], readers: [] };
    let buying = true;
    const graphql = graphqlCaller(gateway.url);
    const buyers = Array.from({ length: BUYERS }, async () => {
      while (buying) {
        const idempotencyKey = randomUUID();
        const answer = await confirm(graphql, { idempotencyKey, from: { details: cheap } }).catch(
          () => undefined,
        );
        if (answer?.['__typename'] === 'Purchase') acknowledge(seen, idempotencyKey, answer);
        else await sleep(5);
      }
    });
    await expect.poll(() => sandbox.ledger.length, { timeout: 20_000 }).toBeGreaterThan(20);
    expect(await gateway.kill('SIGTERM')).toBe(0);
    buying = false;
    await Promise.all(buyers);
    const { history, breaches } = await check(path, sandbox, seen);
    expect(breaches).toEqual([]);
    expect(history.purchases.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
    expect(history.ledger).toHaveLength(history.purchases.length);
  });
});
