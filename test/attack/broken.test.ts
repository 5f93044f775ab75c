import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

import { pino } from 'pino';
import { describe, expect, it } from 'vitest';

import { startSandbox } from '../../sandbox/sandbox.ts';
import { loadConfig } from '../../src/config.ts';
import { startGateway } from '../../src/gateway.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import type { Runtime } from '../../src/purchases/runtime.ts';
import { bwp, finish, newAttempt, newPurchase, to } from '../journal/fixtures.ts';
import { login } from '../sandbox/raw-client.ts';
import { startGatewayProcess } from '../support/process.ts';
import {
  confirm,
  environment,
  eventually,
  graphqlCaller,
  isSettled,
  temporaryFolder,
} from '../support/stack.ts';
import { attack, buy, check, onTheHappyMeter, type Seen } from './harness.ts';

const run = promisify(execFile);
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('an upstream', () => {
  it.each([
    {
      ...{ known: 'nothing', PRODUCTS_FRESH_MS: '0', recorded: 1 },
      ...{ down: { type: 'UNAVAILABLE', retryable: true }, end: 'SUCCEEDED' },
    },
    // It is sent, and never processed.
    {
      ...{ known: 'accounts', PRODUCTS_FRESH_MS: '60000', recorded: 2 },
      ...{ down: { status: 'UNRESOLVED' }, end: 'FAILED' },
    },
  ])(
    'that accepts connections and says nothing costs time, and nothing else, where $known of it is known',
    async ({ PRODUCTS_FRESH_MS, recorded, down: wanted, end }) => {
      const env = { CONFIRM_TIMEOUT_MS: '300', READ_TIMEOUT_MS: '300', PRODUCTS_FRESH_MS };
      const { result, breaches } = await attack(
        { surface: 'v1', env },
        async ({ graphql, sandbox, seen }) => {
          await buy(graphql, seen, 'before');
          sandbox.addFault({ endpoint: '*', kind: 'delay_before', delayMs: 600_000, count: null });
          const down = await confirm(graphql, { idempotencyKey: 'k', from: { details: onTheHappyMeter } });
          const still = await graphql('{ purchases { edges { node { status } } } }');
          sandbox.clearFaults();
          await sleep(200);
          const { purchase } = await buy(graphql, seen, 'k');
          return { down, still, end: await eventually(graphql, { id: purchase['id'] }, isSettled) };
        },
      );
      expect(result.down).toMatchObject(wanted);
      expect(result.still.data?.['purchases'].edges).toHaveLength(recorded);
      expect(result.end['status']).toBe(end);
      expect(breaches).toEqual([]);
    },
  );

  it('whose answer has 100 MB is read no further than it may be', { timeout: 60_000 }, async () => {
    const bytes = 100_000_000;
    const { result, history, breaches } = await attack(
      { surface: 'v1', env: { CONFIRM_TIMEOUT_MS: '30000' } },
      async ({ graphql, sandbox, seen }) => {
        sandbox.addFault({ endpoint: 'confirm', kind: 'huge', bytes });
        const { purchase } = await buy(graphql, seen, 'k');
        return eventually(graphql, { id: purchase['id'] }, isSettled);
      },
    );
    expect(result['status']).toBe('SUCCEEDED');
    expect(history.attempts[0]?.answer?.body.length).toBe(1_048_576);
    expect(breaches).toEqual([]);
  });
});

describe('an upstream that has gone', () => {
  it('leaves the gateway alive and easy to stop, however many purchases wait for it', async () => {
    await using folder = await temporaryFolder();
    const sandbox = await startSandbox();
    await sandbox.close();
    const path = `${folder.path}/gateway.db`;
    const journal = await openSqliteJournal({ path });
    const due = { nextCheckAt: new Date(), unresolvedSince: new Date() };
    for (let n = 0; n < 300; n += 1) {
      const { purchase } = await journal.begin(newPurchase(), newAttempt());
      await finish(journal, { purchaseId: purchase.id, number: 1 }, to('UNRESOLVED', due));
    }
    await journal.close();
    const env = {
      ...environment(sandbox, path),
      ...{ RECONCILE_BASE_DELAY_MS: '1', RECONCILE_MAX_DELAY_MS: '1' },
      ...{ CIRCUIT_FAILURES: '1', CIRCUIT_OPEN_MS: '60000' },
    };
    await using gateway = await startGatewayProcess(env);
    for (let n = 0; n < 5; n += 1) {
      await sleep(200);
      const live = await fetch(`${gateway.url}/health/live`, { signal: AbortSignal.timeout(5_000) });
      expect(live.status).toBe(200);
    }
    expect(await gateway.kill('SIGTERM')).toBe(0);
    const { history } = await check(path, sandbox, undefined, { settled: false });
    // Nobody is asked, and nothing is written, while it is known that nobody is there.
    expect(history.attempts.length).toBeLessThan(2 * 300);
    expect(history.purchases.every(({ status }) => status === 'UNRESOLVED')).toBe(true);
  });
});

describe('a clock', () => {
  it.each([3_600_000, -3_600_000])('that jumps by %d ms in mid-purchase changes nothing', async (jump) => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const path = `${folder.path}/gateway.db`;
    let offset = 0;
    const real = systemRuntime();
    const runtime: Runtime = { ...real, now: () => new Date(Date.now() + offset) };
    const config = loadConfig(environment(sandbox, path, { env: { LATE_LANDING_MS: '1500' } }));
    const gateway = await startGateway(config, { log: pino({ level: 'silent' }), runtime });
    const graphql = graphqlCaller(gateway.url);
    const seen: Seen = { acknowledged: [], readers: [] };
    sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    await buy(graphql, seen, 'lost');
    sandbox.addFault({ endpoint: 'confirm', kind: 'late_landing', delayMs: 1_000 });
    const startedAt = performance.now();
    await buy(graphql, seen, 'late');
    offset = jump;
    const ends = ['lost', 'late'].map((idempotencyKey) => eventually(graphql, { idempotencyKey }, isSettled));
    expect((await Promise.all(ends)).map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    await gateway.close();
    expect((await check(path, sandbox, seen)).breaches).toEqual([]);
  });
});

describe('the record’s file', () => {
  it(
    'on a disk without room refuses purchases clearly, loses none, and recovers',
    { timeout: 60_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using sandbox = await startSandbox();
      const path = `${folder.path}/gateway.db`;
      const gateway = await startGatewayProcess(environment(sandbox, path));
      const graphql = graphqlCaller(gateway.url);
      const seen: Seen = { acknowledged: [], readers: [] };
      await buy(graphql, seen, 'before');
      sandbox.addFault({ endpoint: 'confirm', kind: 'delay_after', delayMs: 500 });
      const buying = buy(graphql, seen, 'in flight');
      await expect.poll(() => sandbox.ledger.length).toBe(2);
      // No file of the process may grow any more: what a write then says is what a full disk says, but for the errno.
      await limitFiles(gateway.pid, '4096');
      const refused = await confirm(graphql, {
        ...{ idempotencyKey: 'full', from: { details: onTheHappyMeter } },
      });
      const { data } = await graphql('{ purchases { edges { node { status } } } }');
      const ready = await fetch(`${gateway.url}/health/ready`);
      await limitFiles(gateway.pid, 'unlimited');
      expect(refused).toMatchObject({ code: 'record_unavailable', retryable: true });
      expect(data?.['purchases'].edges.length).toBeGreaterThan(0);
      expect(ready.status).toBe(503);
      await buying;
      await buy(graphql, seen, 'full');
      for (const idempotencyKey of ['in flight', 'full']) {
        const end = await eventually(graphql, { idempotencyKey }, isSettled);
        expect(end['status']).toBe('SUCCEEDED');
      }
      expect(await gateway.kill('SIGTERM')).toBe(0);
      const { history, breaches } = await check(path, sandbox, seen);
      expect(breaches).toEqual([]);
      expect(history.ledger).toHaveLength(3);
    },
  );

  it.each<[string, (path: string) => Promise<void>, RegExp]>([
    ['is damaged', damage, /gateway\.db.*(damaged|not a SQLite database)/],
    ['is none', (path) => writeFile(path, 'a letter to my aunt'.repeat(500)), /not a SQLite database/],
  ])('that %s stops the start with its name and the remedy', async (_what, harm, told) => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const path = `${folder.path}/gateway.db`;
    const journal = await openSqliteJournal({ path });
    for (let n = 0; n < 50; n += 1) await journal.begin(newPurchase(), newAttempt());
    await journal.close();
    await harm(path);
    const started = startGatewayProcess(environment(sandbox, path));
    await expect(started).rejects.toThrow(/exit 1/);
    await expect(started).rejects.toThrow(told);
    expect(sandbox.calls).toEqual([]);
  });

  it('that another gateway uses stops the start, and leaves the other alone', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const path = `${folder.path}/gateway.db`;
    await using first = await startGatewayProcess(environment(sandbox, path));
    const second = startGatewayProcess(environment(sandbox, path));
    await expect(second).rejects.toThrow(/exit 1[^]*Another gateway is using the record/);
    const bought = await buy(graphqlCaller(first.url), { acknowledged: [], readers: [] }, 'k');
    expect(bought.purchase['status']).toBe('SUCCEEDED');
  });
});

const limitFiles = (pid: number, bytes: string) => run('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:`]);

/** Overwrites the pages of the tables, and leaves the header as it is. */
async function damage(path: string): Promise<void> {
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  await file.write(Buffer.alloc(size - 100, 0xa5), 0, size - 100, 100);
  await file.close();
}

describe('ten thousand purchases in doubt at the start', () => {
  const MANY = 10_000;
  /** One in so many never arrived upstream; of the others only the answer was lost. */
  const NEVER_ARRIVED = 10;
  const AT_ONCE = 100;

  it('are found out, no more at once than allowed', { timeout: 240_000 }, async () => {
    // It is the herd that is looked at here, not the disk.
    await using folder = await temporaryFolder(existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
    // Long enough for calls to be seen beside each other.
    await using sandbox = await startSandbox({ processingMs: 2 });
    const path = `${folder.path}/gateway.db`;
    const journal = await openSqliteJournal({ path });
    const upstream = await login(sandbox, 'v1');
    const due = { nextCheckAt: new Date(), unresolvedSince: new Date() };
    const order = { accountId: 13209, amount: bwp('1.00') };
    const lose = async (arrives: boolean) => {
      const { purchase } = await journal.begin(newPurchase({ order }), newAttempt());
      if (arrives) await upstream.buy({ external_reference: purchase.reference, amount: 1 });
      await finish(journal, { purchaseId: purchase.id, number: 1 }, to('UNRESOLVED', due));
    };
    // Many at once share their transactions.
    for (let n = 0; n < MANY; n += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => lose((n + i) % NEVER_ARRIVED !== 0)));
    await journal.close();
    expect(sandbox.ledger).toHaveLength(MANY - MANY / NEVER_ARRIVED);
    let most = 0;
    const watching = setInterval(() => {
      const open = sandbox.calls.slice(-50).filter(({ status }) => status === null).length;
      most = Math.max(most, open);
    }, 1);
    const env = {
      ...environment(sandbox, path),
      // No answer is lost because the machine did something else for a second; the next check is when none can land any more.
      ...{ RECONCILE_CONCURRENCY: '8', LATE_LANDING_MS: '0' },
      ...{ CONFIRM_TIMEOUT_MS: '2000', RECONCILE_BASE_DELAY_MS: '4000', RECONCILE_MAX_DELAY_MS: '4000' },
    };
    await using gateway = await startGatewayProcess(env);
    const graphql = graphqlCaller(gateway.url);
    const left = async () => {
      const query = '{ purchases(first: 1, filter: { status: [UNRESOLVED] }) { edges { node { id } } } }';
      return (await graphql(query)).data?.['purchases'].edges.length as number;
    };
    await expect.poll(left, { timeout: 200_000, interval: 500 }).toBe(0);
    clearInterval(watching);
    expect(await gateway.kill('SIGTERM')).toBe(0);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
    const retries = sandbox.calls.filter(({ endpoint }) => endpoint === 'retry').length;
    // One that never arrived is denied once while its confirm might still land, and twice in a row after that.
    expect(retries).toBeGreaterThanOrEqual(MANY + MANY / NEVER_ARRIVED);
    expect(retries).toBeLessThanOrEqual(MANY + (2 * MANY) / NEVER_ARRIVED);
    const { history, breaches } = await check(path, sandbox);
    expect(breaches).toEqual([]);
    const bought = history.purchases.filter(({ status }) => status === 'SUCCEEDED');
    expect(bought).toHaveLength(MANY - MANY / NEVER_ARRIVED);
  });
});
