import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { FaultRequest } from '../../sandbox/faults.ts';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { breachesOf } from '../attack/checker.ts';
import { acknowledge, check, onTheHappyMeter, type Seen } from '../attack/harness.ts';
import { readRecord, readUpstream } from '../attack/history.ts';
import { script } from '../support/operator.ts';
import { startGatewayProcess } from '../support/process.ts';
import {
  confirm,
  environment,
  eventually,
  graphqlCaller,
  isSettled,
  retry,
  socketClient,
  subscribe,
  temporaryFolder,
  until,
  type GraphQLCaller,
} from '../support/stack.ts';

const why = ['--reason', 'ScratchPower ticket 4711', '--author', 'kagiso', '--yes'];
const WATCH = `subscription ($id: ID!) { purchaseUpdated(id: $id) { status tokens { digits } problem { code } } }`;

/** A gateway in a process of its own whose purchase needs attention: no answer ever comes. */
async function stuck(sandbox: Sandbox, path: string, kind: FaultRequest['kind']) {
  const env = { RECONCILE_GIVE_UP_AFTER_MS: '300', CIRCUIT_FAILURES: '1000' };
  const gateway = await startGatewayProcess(environment(sandbox, path, { env }));
  const graphql = graphqlCaller(gateway.url);
  sandbox.addFault({ endpoint: 'confirm', kind, count: null });
  sandbox.addFault({ endpoint: 'retry', kind: 'drop_before', count: null });
  const input = { idempotencyKey: 'k', from: { details: onTheHappyMeter } };
  const { id, reference } = await confirm(graphql, input);
  await eventually(graphql, { id }, ({ status }) => status === 'NEEDS_ATTENTION');
  return { gateway, graphql, id: String(id), reference: String(reference), input };
}

// Each starts several processes, one after the other.
describe('beside a running gateway', { timeout: 120_000 }, () => {
  it('a purchase is settled by hand: its subscribers hear of it at once, and nobody charges it again', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const path = join(folder.path, 'gateway.db');
    const { gateway, graphql, id, reference, input } = await stuck(sandbox, path, 'drop_after');
    const client = socketClient(gateway.url);
    const live = subscribe(client, WATCH, { id });
    await until(() => live.results.length === 1, 'the first state');

    const listed = await script('purchases', ['list', '--json'], path);
    expect(JSON.parse(listed.out).purchases).toMatchObject([{ reference, status: 'NEEDS_ATTENTION' }]);
    const [token = ''] = sandbox.ledger[0]?.tokens ?? [];
    const settled = await script(
      'purchases',
      ['settle', id, '--as', 'succeeded', '--token', token, ...why],
      path,
    );
    expect(settled.err).toBe('');
    await live.done;
    expect(live.results.at(-1)?.data?.['purchaseUpdated']).toMatchObject({
      ...{ status: 'SUCCEEDED', problem: null, tokens: [{ digits: token }] },
    });
    expect(await confirm(graphql, input)).toMatchObject({ id, status: 'SUCCEEDED', canRetry: false });
    await client.dispose();
    expect(await gateway.kill('SIGTERM')).toBe(0);
    const { history, breaches } = await check(path, sandbox);
    expect(breaches).toEqual([]);
    expect(history.ledger).toHaveLength(1);
  });

  it('one that is settled as FAILED cannot be charged later by anybody', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const path = join(folder.path, 'gateway.db');
    const { gateway, graphql, id, reference, input } = await stuck(sandbox, path, 'drop_before');
    const argv = ['settle', reference, '--as', 'failed', ...why];
    expect((await script('purchases', argv, path)).err).toMatch(/may still be processed/);
    const landed = { CONFIRM_TIMEOUT_MS: '1', LATE_LANDING_MS: '0' };
    expect((await script('purchases', argv, path, landed)).code).toBe(0);
    sandbox.clearFaults();
    const [calls, debits] = [sandbox.calls.length, sandbox.ledger.length];
    expect(await retry(graphql, { id })).toMatchObject({ code: 'purchase_not_retryable' });
    expect(await confirm(graphql, input)).toMatchObject({
      ...{ id, status: 'FAILED', canRetry: false, problem: { code: 'settled_by_hand' } },
    });
    expect([sandbox.calls.length, sandbox.ledger.length]).toEqual([calls, debits]);
    await gateway.kill('SIGTERM');
    expect((await check(path, sandbox)).breaches).toEqual([]);
  });

  it('one that is asked about again is found out by the gateway that runs', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const path = join(folder.path, 'gateway.db');
    const { gateway, graphql, id } = await stuck(sandbox, path, 'drop_after');
    sandbox.clearFaults();
    expect((await script('purchases', ['retry', id, ...why], path)).code).toBe(0);
    expect(await eventually(graphql, { id }, isSettled)).toMatchObject({ status: 'SUCCEEDED' });
    await gateway.kill('SIGTERM');
    expect((await check(path, sandbox)).breaches).toEqual([]);
  });

  it('old answers of settled purchases are blotted out, and those in doubt stay', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const path = join(folder.path, 'gateway.db');
    const { gateway, id } = await stuck(sandbox, path, 'garbage');
    sandbox.clearFaults();
    const bought = await confirm(graphqlCaller(gateway.url), {
      ...{ idempotencyKey: 'other', from: { details: onTheHappyMeter } },
    });
    await gateway.kill('SIGTERM');
    await using second = await startGatewayProcess(
      environment(sandbox, path, { env: { ANSWER_RETENTION_MS: '1' } }),
    );
    await expect
      .poll(async () => (await script('purchases', ['show', String(bought['id'])], path)).out, {
        timeout: 20_000,
      })
      .toMatch(/ANSWER TO ATTEMPT 1: 200\nblotted out at/);
    const { out } = await script('purchases', ['show', id], path);
    expect(out).toMatch(/NEEDS_ATTENTION[^]*ANSWER TO ATTEMPT 1: 200\n/);
    expect(out).not.toContain('blotted');
    expect(second.pid).toBeGreaterThan(0);
  });
});

/** Buys without end, each time with a new key. */
async function buyer(graphql: GraphQLCaller, seen: Seen, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const idempotencyKey = randomUUID();
    const details = { ...onTheHappyMeter, amount: { amount: '1.00', currency: 'BWP' } };
    const answer = await confirm(graphql, { idempotencyKey, from: { details } }).catch(() => undefined);
    if (answer?.['__typename'] === 'Purchase') acknowledge(seen, idempotencyKey, answer);
  }
}

describe('a gateway under load', () => {
  it(
    'is backed up while it buys, and what is restored keeps every promise',
    { timeout: 120_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using sandbox = await startSandbox({ processingMs: 100 });
      const path = join(folder.path, 'gateway.db');
      const copy = join(folder.path, 'copy.db');
      const gateway = await startGatewayProcess(environment(sandbox, path));
      const seen: Seen = { acknowledged: [], readers: [] };
      let buying = true;
      const buyers = Array.from({ length: 20 }, () => buyer(graphqlCaller(gateway.url), seen, () => !buying));
      await expect.poll(() => seen.acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(40);
      const before = seen.acknowledged.length;
      const backup = await script('backup', ['--to', copy, '--json'], path);
      expect(backup.err).toBe('');
      const after = seen.acknowledged.length;
      await expect.poll(() => seen.acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(after + 40);
      // A disaster: what was bought since is known upstream alone.
      await gateway.kill('SIGKILL');
      buying = false;
      await Promise.all(buyers);
      const refused = await script('restore', ['--from', copy], path);
      expect(refused.err).toMatch(/--replace/);
      const restored = await script('restore', ['--from', copy, '--replace', '--json'], path);
      expect(restored.code).toBe(0);
      const { purchases, lastPosition, warning } = JSON.parse(restored.out);
      expect(warning).toContain(`(event ${lastPosition})`);
      expect(restored.err).toContain('AGAIN');

      const again = await startGatewayProcess(environment(sandbox, path));
      const unsettled = `{ purchases(first: 1, filter: { status: [PENDING, UNRESOLVED] }) { edges { node { id } } } }`;
      await expect
        .poll(async () => (await graphqlCaller(again.url)(unsettled)).data?.['purchases'].edges, {
          timeout: 30_000,
        })
        .toEqual([]);
      expect(await again.kill('SIGTERM')).toBe(0);

      const journal = await openSqliteJournal({ path });
      const record = await readRecord(journal);
      await journal.close();
      expect(record.purchases).toHaveLength(purchases);
      const keys = new Set(record.purchases.map(({ idempotencyKey }) => idempotencyKey));
      for (const { idempotencyKey } of seen.acknowledged.slice(0, before))
        expect(keys).toContain(idempotencyKey);
      // What can be compared: the upstream and the clients know of more.
      const references = new Set(record.purchases.map(({ reference }) => reference));
      const known = <T extends { externalReference: string | null }>(all: readonly T[]) =>
        all.filter(({ externalReference }) => references.has(externalReference ?? ''));
      const { ledger, calls } = readUpstream(sandbox);
      expect(known(ledger).length).toBeLessThan(ledger.length);
      const history = {
        ...record,
        ...{ ledger: known(ledger), calls: known(calls), readers: [] },
        acknowledged: seen.acknowledged.filter(({ idempotencyKey }) => keys.has(idempotencyKey)),
      };
      expect(breachesOf(history)).toEqual([]);
      expect(history.ledger).toHaveLength(record.purchases.length);
    },
  );
});
