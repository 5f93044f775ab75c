import { randomUUID } from 'node:crypto';

import { Client } from 'pg';

import { systemRuntime } from '../src/system-runtime.ts';
import { openPostgresJournal } from '../src/journal/postgres.ts';
import type { Journal, PurchaseFilter } from '../src/purchases/journal.ts';
import { finish, newAttempt, newId, newPurchase, to } from '../test/journal/fixtures.ts';
import { ACCOUNTS, END, fill, meter } from './fill.ts';
import { commit, figure, machine, median, publish, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { databaseUrl, withSchema } from './postgres.ts';

const SIZES = [10_000, 1_000_000, 10_000_000];
const QUICK_SIZES = [10_000, 100_000];
const DAY_MS = 86_400_000;

interface Filled {
  readonly count: number;
  readonly journal: Journal;
  readonly middle: { id: string; key: string; reference: string; meter: string };
}

type Work = (record: Filled) => Promise<unknown>;

const page =
  (filter: PurchaseFilter): Work =>
  ({ journal }) =>
    journal.page({ filter, limit: 50, inverted: false });
/** Long enough to have a full page of FAILED ones at any size: pages of the same length are compared. */
const spring = { createdAfter: new Date(END - 300 * DAY_MS), createdBefore: new Date(END - 100 * DAY_MS) };

/** The first page of 50, as the schema asks for it. */
const pages: Readonly<Record<string, Work>> = {
  'no filter': page({}),
  'status SUCCEEDED': page({ status: ['SUCCEEDED'] }),
  'status UNRESOLVED, NEEDS_ATTENTION (40 there are)': page({ status: ['UNRESOLVED', 'NEEDS_ATTENTION'] }),
  'product WATER (one in 20)': page({ productType: ['WATER'] }),
  [`account (one of ${ACCOUNTS})`]: page({ accountId: 13_210 }),
  'account, status, product': page({ accountId: 13_210, status: ['SUCCEEDED'], productType: ['AIRTIME'] }),
  'meter (20 purchases)': ({ journal, middle }) =>
    journal.page({ filter: { subscriberIdentifier: middle.meter }, limit: 50, inverted: false }),
  'between two dates': page(spring),
  'between two dates, status FAILED': page({ ...spring, status: ['FAILED'] }),
  'after a cursor in the middle': ({ journal, middle }) =>
    journal.page({ after: middle.id, limit: 50, inverted: false }),
};

const lookups: Readonly<Record<string, Work>> = {
  'purchase by id': ({ journal, middle }) => journal.purchase('id', middle.id),
  'purchase by reference': ({ journal, middle }) => journal.purchase('reference', middle.reference),
  'purchase by idempotency key': ({ journal, middle }) => journal.purchase('idempotencyKey', middle.key),
  'attempts of 50 purchases': async ({ journal, middle }) => {
    const found = await journal.page({ after: middle.id, limit: 50, inverted: false });
    return journal.attempts(found.map(({ id }) => id));
  },
  'the next 100 events after a cursor': ({ journal, count }) => journal.events({ after: count, limit: 100 }),
  'events of one purchase': ({ journal, middle }) =>
    journal.events({ after: 0, limit: 100, purchaseId: middle.id }),
  'what is due': ({ journal }) =>
    journal.due({ now: new Date(), horizon: new Date(Date.now() + DAY_MS), limit: 4 }),
  'a purchase written: intent, answer, outcome': ({ journal }) => write(journal),
};

async function write(journal: Journal): Promise<void> {
  const id = newId(new Date());
  const { purchase } = await journal.begin(
    newPurchase({ id, createdAt: new Date(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)) }),
    newAttempt(),
  );
  const first = { purchaseId: purchase.id, number: 1 };
  await journal.keepAnswer(first, {
    ...{ status: 200, body: 'x'.repeat(1_200), complete: true, retryAfterSeconds: null },
  });
  await finish(journal, first, to('SUCCEEDED'));
}

/** Measures reads and writes on records of several sizes, side by side, and writes the tables into docs/scaling.md. */
export async function benchJournal(options: { quick: boolean }): Promise<void> {
  const sizes = options.quick ? QUICK_SIZES : SIZES;
  const rounds = options.quick ? 10 : 60;
  const names = sizes.map((size) => `bench_${size}_${randomUUID().slice(0, 8)}`);
  await withSchema(names, async (urls) => {
    const records: Filled[] = [];
    for (const [at, count] of sizes.entries()) records.push(await filled(urls[at] ?? '', count));
    const reads = { ...pages, ...lookups };
    const times = new Map<string, number[][]>(Object.keys(reads).map((name) => [name, sizes.map(() => [])]));
    for (let round = -2; round < rounds; round += 1) {
      for (const [name, work] of Object.entries(reads)) {
        for (const [at, record] of inTurn(records, round)) {
          const ms = await timed(() => work(record));
          // The first rounds fill the caches.
          if (round >= 0) times.get(name)?.[at]?.push(ms);
        }
      }
    }
    const last = records.at(-1);
    if (last === undefined) throw new Error('nothing was measured');
    const sizesOnDisk = await onDisk(urls.at(-1) ?? '', last.count);
    const writers = await writersAtOnce(urls.at(-1) ?? '', options.quick ? 1_000 : 5_000);
    for (const { journal } of records) await journal.close();
    const told = (part: Readonly<Record<string, Work>>, what: string) => rowsOf(part, what, sizes, times);
    const version = await serverVersion();
    const text = [
      `Measured with \`npm run bench -- journal\` at ${commit()}: ${machine(version)}, as it is installed (\`shared_buffers\` 128 MB, \`fsync\` on), on the same machine.`,
      `Milliseconds as the gateway waits for them, the median of ${rounds} rounds in which the sizes take turns, with the middle half; in the last column the median of each round's own ratio.`,
      told(pages, 'first page of 50'),
      told(lookups, 'look-up or write'),
      `What a purchase takes on disk, with its attempt, its raw answer, two events and its entry in the audit trail, at ${short(last.count)}:`,
      sizesOnDisk,
      `Writers at once in one process on the largest, with ${POOL} connections, each writing purchase after purchase (three commits, two of them with an event):`,
      writers,
    ].join('\n\n');
    process.stdout.write(`${text}\n`);
    if (!options.quick) await publish('docs/scaling.md', 'journal', text);
  });
}

function rowsOf(
  part: Readonly<Record<string, Work>>,
  what: string,
  sizes: readonly number[],
  times: ReadonlyMap<string, number[][]>,
): string {
  const first = sizes[0] ?? 0;
  const last = sizes.at(-1) ?? 0;
  const head = [what, ...sizes.map((size) => size.toLocaleString('en')), `${short(last)} ÷ ${short(first)}`];
  const rows = Object.keys(part).map((name) => {
    const each = times.get(name) ?? [];
    const ratios = (each.at(-1) ?? []).map((ms, at) => ms / (each[0]?.[at] ?? NaN));
    return [name, ...each.map(spread), figure(median(ratios))];
  });
  return table(head, rows);
}

const short = (size: number) => (size >= 1_000_000 ? `${size / 1_000_000}M` : `${size / 1_000}k`);

async function filled(url: string, count: number): Promise<Filled> {
  const startedAt = performance.now();
  const client = new Client({ connectionString: url });
  await client.connect();
  await fill(url, client, count);
  const middle = Math.floor(count / 2);
  const { rows } = await client.query<Record<string, string>>(
    `select id, idempotency_key, reference, ${meter(String(middle), count)} as meter from purchases
     where idempotency_key = md5('${middle}')`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the record was not filled');
  await client.end();
  const minutes = (performance.now() - startedAt) / 60_000;
  process.stderr.write(`${count.toLocaleString('en')} purchases made in ${figure(minutes)} minutes\n`);
  const journal = await openPostgresJournal({
    ...{ url, poolSize: 4, statementTimeoutMs: 60_000, runtime: systemRuntime() },
    log: { warn: () => undefined },
    instance: 'template',
  });
  return {
    ...{ count, journal },
    middle: {
      id: row['id'] ?? '',
      key: row['idempotency_key'] ?? '',
      reference: row['reference'] ?? '',
      meter: row['meter'] ?? '',
    },
  };
}

/** Bytes for each purchase, of rows and of indices. */
async function onDisk(url: string, count: number): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string; rows: string; indices: string }>(
    `select relname as name, pg_table_size(oid) as rows, pg_indexes_size(oid) as indices from pg_class
     where relnamespace = current_schema()::regnamespace and relkind = 'r' and relname in ('purchases', 'attempts', 'events', 'audit')
     order by array_position(array['purchases', 'attempts', 'events', 'audit'], relname::text)`,
  );
  await client.end();
  const sum = rows.reduce((all, row) => all + Number(row.rows) + Number(row.indices), 0);
  const each = (bytes: string | number) => figure(Number(bytes) / count);
  return table(
    ['bytes a purchase', 'rows', 'indices'],
    [
      ...rows.map((row) => [row.name, each(row.rows), each(row.indices)]),
      ['together', `**${each(sum)}**`, `${figure(sum / 2 ** 30)} GiB in all`],
    ],
  );
}

/** What `DATABASE_POOL` is by default. */
const POOL = 10;

async function writersAtOnce(url: string, ms: number): Promise<string> {
  const rows: string[][] = [];
  for (const writers of [1, 4, 16, 64]) {
    const journal = await openPostgresJournal({
      ...{ url, poolSize: POOL, statementTimeoutMs: 60_000, runtime: systemRuntime() },
      log: { warn: () => undefined },
    });
    const [until, latencies] = [performance.now() + ms, [] as number[]];
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: writers }, async () => {
        while (performance.now() < until) latencies.push(await timed(() => write(journal)));
      }),
    );
    const perSecond = (latencies.length * 1_000) / (performance.now() - startedAt);
    rows.push([String(writers), figure(perSecond), figure(2 * perSecond), spread(latencies)]);
    await journal.close();
  }
  return table(['writers', 'purchases per second', 'events per second', 'ms for one purchase'], rows);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function serverVersion(): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('show server_version');
  await client.end();
  return `PostgreSQL ${rows[0]?.server_version.split(' ')[0] ?? ''}`;
}
