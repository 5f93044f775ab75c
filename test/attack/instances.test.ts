import { randomInt, randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox.ts';
import { openPostgresJournal } from '../../src/journal/postgres.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { temporarySchema, type TestSchema } from '../support/postgres.ts';
import { noServer, startPostgresServer, type PostgresServer } from '../support/postgres-server.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/process.ts';
import { confirm, environment, graphqlCaller, retry, until, type GraphQLCaller } from '../support/stack.ts';
import { breachesOf } from './checker.ts';
import { acknowledge, onTheHappyMeter, type Seen } from './harness.ts';
import { readRecord, readUpstream } from './history.ts';
import { reader } from './reader.ts';

const KEYS = 1_000;
/** What the killed instance has in flight. */
const LEFT = 20;
const LEASE_MS = 2_000;
/** After a killed instance's lease, its purchases are settled within so long. */
const SETTLED_MS = 15_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const cheap = { ...onTheHappyMeter, amount: { amount: '1.00', currency: 'BWP' } };

describe.skipIf(noServer !== undefined)('two instances on one PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgresServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** A sandbox, an empty record, and how to start an instance on them. */
  async function site(options?: SandboxOptions) {
    const sandbox = await startSandbox(options);
    const schema = await temporarySchema(server.url);
    const gateways: GatewayProcess[] = [];
    const start = async (port = '0') => {
      const settings = { DATABASE_URL: schema.url, INSTANCE_LEASE_MS: String(LEASE_MS), PORT: port };
      const limits = {
        UPSTREAM_QUEUE: '10000',
        UPSTREAM_MAX_WAIT_MS: '30000',
        CONFIRM_TIMEOUT_MS: '5000',
        CIRCUIT_FAILURES: '1000',
        READ_TIMEOUT_MS: '5000',
      };
      const env = { ...environment(sandbox, ''), ...settings, ...limits };
      const gateway = await startGatewayProcess(env);
      gateways.push(gateway);
      return gateway;
    };
    return {
      ...{ sandbox, schema, start },
      [Symbol.asyncDispose]: async () => {
        for (const gateway of gateways) await gateway.kill('SIGKILL');
        await schema[Symbol.asyncDispose]();
        await sandbox.close();
      },
    };
  }

  it(
    `answers each of ${KEYS} keys, sent to both at the same moment, with one purchase and one debit`,
    { timeout: 300_000 },
    async () => {
      await using all = await site();
      const gateways = await Promise.all([all.start(), all.start()]);
      const callers = gateways.map(({ url }) => graphqlCaller(url));
      const seen: Seen = { acknowledged: [], readers: [] };
      const keys = Array.from({ length: KEYS }, () => randomUUID());
      const waiting = [...keys];
      const buyers = Array.from({ length: 20 }, async () => {
        for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
          const idempotencyKey = key;
          const input = { idempotencyKey, from: { details: cheap }, waitMs: 30_000 };
          const answers = await Promise.all(callers.map((graphql) => bought(graphql, input)));
          for (const answer of answers) {
            acknowledge(seen, idempotencyKey, answer);
          }
          const [{ id, status } = { id: null, status: null }, second] = answers;
          expect(second?.['id']).toBe(id);
          // What never left for want of a connection is sent now, once, though both are asked.
          for (let latest = status; latest !== 'SUCCEEDED';) {
            const asked = callers.map((graphql) => retry(graphql, { id, waitMs: 30_000 }));
            latest = (await Promise.all(asked))[0]?.['status'];
          }
        }
      });
      await Promise.all(buyers);
      const { history, breaches } = await check(all.schema, all.sandbox, seen);
      expect(breaches).toEqual([]);
      expect(all.sandbox.ledger).toHaveLength(KEYS);
      expect(history.purchases).toHaveLength(KEYS);
      // Without this the test proves nothing: each has begun some of them.
      expect(new Set(history.purchases.map(({ owner }) => owner)).size).toBe(2);
    },
  );

  it(
    'shows subscribers of both the same events in one order, whatever is killed, cut and restarted',
    { timeout: 300_000 },
    async () => {
      await using all = await site({ processingMs: 20 });
      const gateways = await Promise.all([all.start(), all.start()]);
      const urls = gateways.map(({ url }) => url);
      const seen: Seen = { acknowledged: [], readers: [[], []] };
      const [buying, reading] = [new AbortController(), new AbortController()];
      const readers = seen.readers.map((events, index) => reader(urls[index] ?? '', events, reading.signal));
      const problems = new Set<string>();
      const buyers = Array.from({ length: 16 }, async () => {
        while (!buying.signal.aborted) {
          const idempotencyKey = randomUUID();
          const input = { idempotencyKey, from: { details: cheap }, waitMs: 500 };
          for (let tries = randomInt(2); ; tries += 1) {
            // A client behind a load balancer: each time with another instance.
            const answer = await confirm(graphqlCaller(urls[tries % 2] ?? ''), input).catch(() => undefined);
            if (answer?.['__typename'] === 'Purchase') {
              acknowledge(seen, idempotencyKey, answer);
              break;
            }
            if (answer !== undefined) problems.add(answer['code']);
            if (isAborted(buying.signal) && answer !== undefined) break;
            await sleep(100);
          }
        }
      });
      await sleep(1_500);
      const listening = `(query ilike 'listen%' or query ilike 'notify%')`;
      expect(await all.schema.terminate(listening)).toBe(2);
      await sleep(1_000);
      await gateways[1].kill('SIGKILL');
      await sleep(1_000);
      await all.start(new URL(urls[1] ?? '').port);
      await sleep(1_000);
      expect(await all.schema.terminate()).toBeGreaterThan(2);
      await sleep(1_000);
      await server.stop('SIGQUIT');
      await sleep(500);
      await server.start();
      await sleep(2_000);
      buying.abort();
      await Promise.all(buyers);
      await settled(all.schema, LEASE_MS + SETTLED_MS);
      await sleep(1_500);
      reading.abort();
      await Promise.all(readers);
      const { history, breaches } = await check(all.schema, all.sandbox, seen);
      expect(breaches).toEqual([]);
      const end = history.events.at(-1)?.position;
      expect(history.events).toHaveLength(end ?? 0);
      expect(seen.readers.map((events) => events.length)).toEqual([end, end]);
      expect([...problems]).toContain('record_unavailable');
      expect(history.purchases.length).toBeGreaterThan(50);
    },
  );

  it(
    `settles what a killed instance had in flight within its lease and ${SETTLED_MS / 1_000} s`,
    { timeout: 300_000 },
    async () => {
      await using all = await site({ processingMs: 800 });
      const [one, other] = await Promise.all([all.start(), all.start()]);
      const seen: Seen = { acknowledged: [], readers: [] };
      await Promise.all(
        Array.from({ length: LEFT }, async () => {
          const idempotencyKey = randomUUID();
          const input = { idempotencyKey, from: { details: cheap }, waitMs: 0 };
          acknowledge(seen, idempotencyKey, await confirm(graphqlCaller(one.url), input));
        }),
      );
      await until(() => all.sandbox.calls.some(({ endpoint }) => endpoint === 'confirm'), 'a confirm');
      await one.kill('SIGKILL');
      const killedAt = performance.now();
      await settled(all.schema, LEASE_MS + SETTLED_MS);
      const tookMs = performance.now() - killedAt;
      expect(tookMs).toBeLessThan(LEASE_MS + SETTLED_MS);
      expect(other.output()).toContain('an instance is dead; its purchases are taken over');
      const { history, breaches } = await check(all.schema, all.sandbox, seen);
      expect(breaches).toEqual([]);
      expect(history.purchases).toHaveLength(LEFT);
      expect(history.attempts.some(({ problem }) => problem?.code === 'gateway_restarted')).toBe(true);
      process.stdout.write(
        `${LEFT} purchases of a killed instance settled ${Math.round(tookMs)} ms after it\n`,
      );
    },
  );
});

/** The purchase, once there is one: a machine under load may be too slow to ask the upstream in time. */
async function bought(graphql: GraphQLCaller, input: object): Promise<Record<string, any>> {
  for (;;) {
    const answer = await confirm(graphql, input);
    if (answer['__typename'] === 'Purchase') return answer;
    if (answer['retryable'] !== true) throw new Error(`no purchase, but ${answer['code']}`);
  }
}

/** A call, for what it tells may change while somebody waits. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Waits until nothing is PENDING or UNRESOLVED, at most so long. */
async function settled(schema: TestSchema, ms: number): Promise<void> {
  for (const deadline = performance.now() + ms; performance.now() < deadline;) {
    await sleep(100);
    const open = await schema.query('select from purchases where is_open = 1 limit 1');
    if (open.length === 0) return;
  }
}

async function check(schema: TestSchema, sandbox: Sandbox, seen: Seen) {
  const runtime = systemRuntime();
  const journal = await openPostgresJournal({
    ...{ url: schema.url, poolSize: 2, statementTimeoutMs: 10_000, runtime },
    log: { warn: () => undefined },
  });
  const history = { ...(await readRecord(journal)), ...readUpstream(sandbox), ...seen };
  await journal.close();
  return { history, breaches: breachesOf(history) };
}
