import { createServer, connect } from 'node:net';

import { sql } from 'kysely';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';

import { unsealed } from '../../src/journal/seal.ts';
import { adopt } from '../../src/journal/writes.ts';
import { noPostgres } from '../support/postgres.ts';
import { freePort } from '../support/process.ts';
import { newAttempt, newPurchase, purchaseIn, trace } from './fixtures.ts';
import { freshSchema, inside, opened } from './postgres-fixtures.ts';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A connection on which a test holds a transaction open. */
async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

describe.skipIf(noPostgres !== undefined)('PostgreSQL: the one order of events', () => {
  test('a reader never sees a position appear behind one that it has read, while four instances write', async () => {
    const schema = await freshSchema();
    const writers = await Promise.all([1, 2, 3, 4].map(() => opened(schema.url)));
    const reader = await opened(schema.url);
    const ended = new AbortController();
    const followed: number[] = [];
    const reading = (async () => {
      for (;;) {
        const { aborted } = ended.signal;
        const events = await reader.events({ after: followed.at(-1) ?? 0, limit: 1_000 });
        followed.push(...events.map(({ position }) => position));
        if (aborted && events.length === 0) return;
      }
    })();
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const journal = writers[index % writers.length];
        for (let times = 0; times < 5; times += 1) if (journal) await purchaseIn(journal, 'NEEDS_ATTENTION');
      }),
    );
    ended.abort();
    await reading;
    expect(followed).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
  });

  test('who takes the next position waits until the one before is there for all to see, or given back', async () => {
    const schema = await freshSchema();
    const journal = await opened(schema.url);
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    const other = await connected(schema.url);
    for (const end of ['commit', 'rollback']) {
      const before = await journal.lastPosition();
      await other.query('begin');
      await other.query(
        `insert into event_counters values ('default', 1) on conflict (integration) do update set position = event_counters.position + 1`,
      );
      await other.query(
        `insert into events (integration, position, purchase_id, at, status, state)
          select integration, position, $1, 0, 'PENDING', state from event_counters join purchases using (integration)
          where purchases.id = $1`,
        [purchase.id],
      );
      let done = false;
      const waiting = journal.begin(newPurchase(), newAttempt()).finally(() => (done = true));
      await sleep(200);
      expect([done, await journal.lastPosition()]).toEqual([false, before]);
      await other.query(end);
      expect((await waiting).purchase.lastEvent).toBe(before + (end === 'commit' ? 2 : 1));
    }
  });

  test('one that is stopped while it holds the counter holds up the others for some seconds only', async () => {
    const schema = await freshSchema();
    const stopped = await inside(schema.url);
    const journal = await opened(schema.url);
    const held = stopped.store.write(async ({ db }) => {
      await sql`insert into event_counters values ('default', 1)`.execute(db);
      await sleep(6_000);
    });
    held.catch(() => undefined);
    await sleep(300);
    expect((await journal.begin(newPurchase(), newAttempt())).purchase.lastEvent).toBe(1);
    await expect(held).rejects.toThrow();
  });
});

describe.skipIf(noPostgres !== undefined)('PostgreSQL: transactions', () => {
  test.each(['40001', '40P01'])('one that another got in the way of (%s) is run again', async (code) => {
    const { store } = await inside((await freshSchema()).url);
    let runs = 0;
    const result = await store.write(async ({ db }) => {
      runs += 1;
      if (runs < 3)
        await sql.raw(`do $$ begin raise exception using errcode = '${code}'; end $$`).execute(db);
      return 'done';
    });
    expect([result, runs]).toEqual(['done', 3]);
  });

  test('a commit whose answer is lost is an error, is not run again, and can be read back', async () => {
    const schema = await freshSchema();
    const { hostname, port } = new URL(schema.url);
    // Between the gateway and the server: hands a commit on, and cuts the line before its answer.
    const proxy = createServer((from) => {
      const to = connect(Number(port), hostname);
      for (const socket of [from, to]) socket.on('error', () => undefined);
      from.on('close', () => to.end());
      to.on('close', () => from.destroy());
      to.on('data', (chunk) => from.write(chunk));
      from.on('data', (chunk) => {
        to.write(chunk);
        if (cutting && chunk.includes('commit\0')) from.destroy();
      });
    });
    const proxyPort = await freePort();
    await new Promise<void>((resolve) => proxy.listen(proxyPort, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close());
    let cutting = false;
    const url = new URL(schema.url);
    url.host = `127.0.0.1:${proxyPort}`;
    const journal = await opened(url.href);
    cutting = true;
    const purchase = newPurchase();
    await expect(journal.begin(purchase, newAttempt())).rejects.toThrow();
    cutting = false;
    await expect.poll(() => journal.purchase('id', purchase.id)).toBeDefined();
    expect(await journal.lastPosition()).toBe(1);
    expect((await journal.begin(purchase, newAttempt())).attempt).toBeNull();
  });

  test('what is written while another takes the purchase over is refused, for it waits and then looks', async () => {
    const schema = await freshSchema();
    const journal = await opened(schema.url);
    const other = await connected(schema.url);
    const answer = { status: 200, body: '', complete: true, retryAfterSeconds: null };
    const result = { outcome: 'UNKNOWN', problem: null, finishedAt: new Date() } as const;
    const change = { status: 'UNRESOLVED', updatedAt: new Date() } as const;
    const writes = [
      (purchaseId: string) => journal.keepAnswer({ purchaseId, number: 1 }, answer),
      (purchaseId: string) => journal.finishAttempt({ purchaseId, number: 1 }, result, change),
    ];
    for (const write of writes) {
      const { purchase } = await journal.begin(newPurchase(), newAttempt());
      const before = await trace(journal, purchase.id);
      await other.query('begin');
      await other.query(`update purchases set owner = 'other' where id = $1`, [purchase.id]);
      const late = write(purchase.id);
      late.catch(() => undefined);
      await sleep(200);
      await other.query('commit');
      await expect(late).rejects.toThrow(/another instance/);
      const purchaseNow = { ...before.purchase, owner: 'other' };
      expect(await trace(journal, purchase.id)).toMatchObject({
        ...{ purchase: purchaseNow, attempts: before.attempts, lastPosition: before.lastPosition },
      });
    }
  });

  test('a purchase that another is writing is passed over by an adoption, which waits for nobody', async () => {
    const schema = await freshSchema();
    const [dead, journal] = [await opened(schema.url), await opened(schema.url)];
    const other = await connected(schema.url);
    const { purchase } = await dead.begin(newPurchase(), newAttempt());
    await dead.begin(newPurchase(), newAttempt());
    await other.query('begin');
    await other.query('select from purchases where id = $1 for update', [purchase.id]);
    expect(await journal.adopt(dead.instance, undefined)).toBe(1);
    await other.query('rollback');
    expect(await journal.adopt(dead.instance, undefined)).toBe(1);
    expect(await journal.adopt(dead.instance, undefined)).toBe(0);
  });

  test('one that is struck off cannot join again before its purchases are taken', async () => {
    const schema = await freshSchema();
    const dead = await opened(schema.url);
    await dead.begin(newPurchase(), newAttempt());
    const adopting = await inside(schema.url);
    let joined = false;
    let joining = Promise.resolve();
    const taken = await adopting.store.write(async (transaction) => {
      const count = await adopt(
        transaction,
        { instance: 'living', integration: 'default', seal: unsealed },
        dead.instance,
        undefined,
      );
      joining = dead.join().then(() => void (joined = true));
      await sleep(200);
      expect(joined).toBe(false);
      return count;
    });
    await joining;
    expect(taken).toBe(1);
    expect(await dead.beat()).toBe(true);
    expect(await dead.inFlight()).toEqual([]);
  });

  test('of two that settle and answer the same attempts at once, none waits for the other for ever', async () => {
    const schema = await freshSchema();
    const [one, other] = [await opened(schema.url), await opened(schema.url)];
    const deadlocks = async () => {
      const [row] = await schema.query(
        'select deadlocks::int from pg_stat_database where datname = current_database()',
      );
      return z.object({ deadlocks: z.int() }).parse(row).deadlocks;
    };
    const before = await deadlocks();
    const ids: string[] = [];
    for (let count = 0; count < 20; count += 1)
      ids.push((await one.begin(newPurchase(), newAttempt())).purchase.id);
    const result = { outcome: 'UNKNOWN', problem: null, finishedAt: new Date() } as const;
    const answer = { status: 200, body: '', complete: true, retryAfterSeconds: null };
    await Promise.allSettled(
      ids.flatMap((purchaseId) => [
        one.keepAnswer({ purchaseId, number: 1 }, answer),
        one.finishAttempt({ purchaseId, number: 1 }, result, { status: 'UNRESOLVED', updatedAt: new Date() }),
        other.adopt(one.instance, undefined),
      ]),
    );
    // The server tells its statistics about each second.
    await sleep(1_500);
    expect(await deadlocks()).toBe(before);
    const left = [...(await one.inFlight()), ...(await other.inFlight())];
    const purchases = await one.purchases(ids);
    expect(purchases.filter(({ status }) => status === 'PENDING')).toHaveLength(left.length);
  });
});

describe.skipIf(noPostgres !== undefined)('PostgreSQL: waking', () => {
  test('readers of all instances are woken by a commit of one, also after their connection was cut', async () => {
    const schema = await freshSchema();
    const [writer, reader] = [await opened(schema.url), await opened(schema.url)];
    let wakes = 0;
    reader.onCommit(() => (wakes += 1));
    await writer.begin(newPurchase(), newAttempt());
    await expect.poll(() => wakes).toBe(1);
    const listening = `(query ilike 'listen%' or query ilike 'notify%')`;
    expect(await schema.terminate(listening)).toBe(2);
    // Once when it listens again, for what it may have missed.
    await expect.poll(() => wakes, { timeout: 10_000 }).toBe(2);
    await expect
      .poll(
        async () =>
          (
            await schema.query(
              `select from pg_stat_activity where application_name = '${schema.name}' and ${listening}`,
            )
          ).length,
        { timeout: 10_000 },
      )
      .toBe(2);
    await sleep(200);
    wakes = 0;
    await writer.begin(newPurchase(), newAttempt());
    await expect.poll(() => wakes).toBe(1);
  });
});
