import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openSqliteRecordBeside } from '../../src/journal/sqlite-beside.ts';
import { someone, to } from '../journal/fixtures.ts';
import { confirm, electricity, startStack, temporaryFolder, validate, type Stack } from '../support/stack.ts';
import { Clock } from './clock.ts';
import { evaluate, seriesOf } from './promql.ts';
import { panels, rules } from './rules.ts';
import { scrape, type Scrape } from './scrape.ts';

const HOUR_MS = 3_600_000;
const clock = new Clock();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
let stack: Stack;

beforeAll(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'gateway.db');
  stack = await startStack({
    runtime: clock.runtime,
    env: {
      DATABASE_URL: `file:${path}`,
      METRICS_PORT: '0',
      CONFIRM_TIMEOUT_MS: '5000',
      RECONCILE_GIVE_UP_AFTER_MS: String(HOUR_MS),
      // Two at a time and four that wait, each with a call of its own.
      UPSTREAM_COALESCING: 'off',
      UPSTREAM_CONCURRENCY: '2',
      UPSTREAM_QUEUE: '4',
      LIMIT_SOCKETS: '1',
    },
  });
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const look = () => scrape(stack.gateway.metricsUrl ?? '', performance.now() / 1000);
const fires = (expr: string, scrapes: readonly Scrape[]) => {
  const value = evaluate(expr, scrapes);
  return typeof value === 'number' || value.length > 0;
};
const buy = async (change: object, more: object = {}) =>
  confirm(stack.graphql, {
    idempotencyKey: crypto.randomUUID(),
    from: { details: await electricity(stack.graphql, change) },
    ...more,
  });
const outsider = async (...statements: string[]) => {
  const database = new Libsql(path, { timeout: 5_000 });
  for (const statement of statements) database.exec(statement);
  database.close();
  await Promise.resolve();
};
const gone = async (table: string, meanwhile: () => Promise<unknown>) => {
  await outsider(`alter table ${table} rename to ${table}_gone`);
  await meanwhile();
};
const back = (table: string) => outsider(`alter table ${table}_gone rename to ${table}`);
let doubtful = '';

/** What makes each alert's condition true, and what is to be done when it was seen. In this order. */
const troubles: Record<string, () => Promise<(() => unknown) | undefined>> = {
  PurchaseUnresolvedForLong: async () => {
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'pending', pendingPolls: 100_000 });
    doubtful = String((await buy({}))['reference']);
    clock.jump(HOUR_MS / 2);
  },
  PurchaseNeedsAttention: () => {
    clock.jump(HOUR_MS);
    return Promise.resolve(undefined);
  },
  PurchasePendingForLong: async () => {
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'delay_before', delayMs: 1_500 });
    await buy({}, { waitMs: 0 });
    clock.jump(HOUR_MS);
  },
  MostPurchasesFail: async () => {
    for (let n = 0; n < 2; n += 1) await buy({ subscriberIdentifier: '04040404081' });
  },
  UpstreamFails: async () => {
    stack.sandbox.addFault({ endpoint: 'accounts', kind: 'drop_before', count: 2 });
    for (let n = 0; n < 2; n += 1) await stack.graphql('{ accounts { id } }');
  },
  UpstreamCircuitOpen: async () => {
    stack.sandbox.addFault({ endpoint: 'accounts', kind: 'drop_before', count: 5 });
    for (let n = 0; n < 5; n += 1) await stack.graphql('{ accounts { id } }');
    return async () => {
      stack.sandbox.clearFaults();
      clock.pass(60_000);
      await stack.graphql('{ accounts { id } }');
    };
  },
  UpstreamSlow: async () => {
    const input = await electricity(stack.graphql);
    stack.sandbox.addFault({ endpoint: 'validate', kind: 'delay_before', delayMs: 300 });
    const before = stack.sandbox.calls.length;
    const quoted = validate(stack.graphql, input);
    while (!stack.sandbox.calls.slice(before).some(({ endpoint }) => endpoint === 'validate'))
      await new Promise((resolve) => setTimeout(resolve, 5));
    clock.pass(15_000);
    await quoted;
  },
  UpstreamQueueFills: () => {
    stack.sandbox.addFault({ endpoint: 'accounts', kind: 'delay_before', delayMs: 1_500, count: 6 });
    const asked = Array.from({ length: 6 }, () => stack.graphql('{ accounts { id } }'));
    return Promise.resolve(() => Promise.all(asked));
  },
  SessionFails: async () => {
    for (const endpoint of ['login', 'refresh'] as const)
      stack.sandbox.addFault({ endpoint, kind: 'error', status: 401, count: null });
    stack.sandbox.expireTokens();
    for (let n = 0; n < 3; n += 1) {
      await stack.graphql('{ accounts { id } }');
      clock.pass(60_000);
    }
    return () => stack.sandbox.clearFaults();
  },
  OperationsBreak: async () => {
    await gone('attempts', () =>
      stack.graphql(`{ purchase(by: { reference: "${doubtful}" }) { attempts { number } } }`),
    );
    return () => back('attempts');
  },
  JournalFails: async () => {
    const input = await electricity(stack.graphql);
    await gone('quotes', () => validate(stack.graphql, input));
    return () => back('quotes');
  },
  JournalDown: async () => {
    await gone('purchases', () => Promise.resolve());
    return () => back('purchases');
  },
  JournalSlow: async () => {
    const input = await electricity(stack.graphql);
    clock.slow(600);
    await validate(stack.graphql, input);
    clock.slow(0);
  },
  EventsLag: async () => {
    const release = clock.hold();
    await using record = await disposable();
    const journal = record.of('default');
    const id = (await journal.purchase('reference', doubtful))?.id ?? '';
    for (let n = 0; n < 30; n += 1) {
      await journal.decide(id, someone, () => to('UNRESOLVED'));
      await journal.decide(id, someone, () => to('NEEDS_ATTENTION'));
    }
    return release;
  },
  EventLoopLags: async () => {
    for (let n = 0; n < 3; n += 1) {
      for (const until = performance.now() + 250; performance.now() < until;);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },
  SocketsNearLimit: () => {
    stack
      .socket()
      .subscribe(
        { query: 'subscription { purchaseEvents { status } }' },
        { next: () => undefined, error: () => undefined, complete: () => undefined },
      );
    return Promise.resolve(undefined);
  },
};

async function disposable() {
  const record = await openSqliteRecordBeside({ path });
  return { of: (name: string) => record.of(name), [Symbol.asyncDispose]: () => record.close() };
}

describe('deploy/prometheus-rules.yaml', () => {
  it('is quiet while all is well', async () => {
    const firing = async () => {
      const before = await look();
      await buy({});
      const scrapes = [before, await look()];
      return rules.filter(({ expr }) => fires(expr, scrapes)).map(({ alert }) => alert);
    };
    // Not all is well while the machine is too busy for the event loop or the disk: then these tell so, and no others.
    const ofTheMachine = ['EventLoopLags', 'JournalSlow'];
    expect((await firing()).filter((alert) => !ofTheMachine.includes(alert))).toEqual([]);
    await expect.poll(firing, { timeout: 20_000 }).toEqual([]);
  });

  it.each(Object.keys(troubles))('%s: its condition comes true', async (alert) => {
    const expr = rules.find((rule) => rule.alert === alert)?.expr ?? '';
    const before = await look();
    expect(fires(expr, [before])).toBe(false);
    const after = await troubles[alert]?.();
    try {
      const seen = [before, await look()];
      for (const deadline = Date.now() + 5_000; !fires(expr, seen) && Date.now() < deadline;) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        seen.splice(1, 1, await look());
      }
      expect(fires(expr, seen)).toBe(true);
    } finally {
      await after?.();
    }
  });

  it('asks only for series that there are, and so does the dashboard', async () => {
    const now = await look();
    const there = new Set(now.samples.map(({ name }) => name));
    const asked = [...rules, ...panels].flatMap(({ expr }) => seriesOf(expr));
    expect(asked.length).toBeGreaterThan(40);
    expect(asked.filter((name) => !there.has(name))).toEqual([]);
  });

  it('every query of the dashboard shows something', async () => {
    const before = await look();
    await stack.graphql('{ nope }');
    await buy({});
    const scrapes = [before, await look()];
    for (const { title, expr } of panels) {
      const value = evaluate(expr, scrapes);
      expect(typeof value === 'number' ? 1 : value.length, title).toBeGreaterThan(0);
    }
  });

  it('no label of any series tells a secret, a phone, a meter or a token', async () => {
    const bought = await buy({});
    const { samples } = await look();
    const told = JSON.stringify(samples.map(({ labels }) => labels));
    const digits = bought['tokens'].map(({ digits: of }: { digits: string }) => of);
    expect(digits).toHaveLength(1);
    const { clientSecret, password, username } = stack.sandbox.credentials;
    for (const secret of [...digits, '71436390', '04040404040', clientSecret, password, username])
      expect(told).not.toContain(secret);
  });

  it('GatewayDown: its condition comes true once the gateway is gone', async () => {
    const expr = rules.find(({ alert }) => alert === 'GatewayDown')?.expr ?? '';
    expect(fires(expr, [await look()])).toBe(false);
    await stack.gateway.close();
    expect(fires(expr, [await look()])).toBe(true);
  });

  it('has an alert for each trouble above, and docs/operations.md says of each what to do', () => {
    const names = rules.map(({ alert }) => alert);
    expect(names.toSorted()).toEqual([...Object.keys(troubles), 'GatewayDown'].sort());
    const page = readFileSync('docs/operations.md', 'utf8');
    const told = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(names.filter((name) => !told.includes(name))).toEqual([]);
  });
});
