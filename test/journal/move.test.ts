import { execFile } from 'node:child_process';

import { describe, expect, onTestFinished, test } from 'vitest';

import { moveRecord } from '../../src/journal/move.ts';
import type { ApiKey } from '../../src/auth/key-store.ts';
import type { SqlJournal } from '../../src/journal/journal.ts';
import { purchaseStatuses, type Quote } from '../../src/purchases/purchase.ts';
import { readRecord } from '../attack/history.ts';
import { noPostgres } from '../support/postgres.ts';
import { newKey } from '../support/keys.ts';
import { commandLine } from '../support/process.ts';
import { newAttempt, newPurchase, newQuote, NOON, purchaseIn } from './fixtures.ts';
import { freshSchema, opened as openedPostgres } from './postgres-fixtures.ts';
import { opened, outsider, tempPath } from './sqlite-fixtures.ts';

interface Filled {
  readonly path: string;
  readonly record: Awaited<ReturnType<typeof readRecord>>;
  readonly quotes: readonly Quote[];
  readonly keys: readonly ApiKey[];
}

/** A file with purchases of every kind, more than one batch of them, and text that is hard to keep. */
async function filled(): Promise<Filled> {
  const quotes = Array.from({ length: 3 }, () => newQuote());
  const path = await tempPath();
  const journal = await opened(path);
  for (const quote of quotes) await journal.saveQuote(quote);
  for (const status of purchaseStatuses) await purchaseIn(journal, status);
  for (let more = 0; more < 420; more += 1) await journal.begin(newPurchase(), newAttempt());
  const comment = 'NUL \u0000, half \ud800, “quotes” \\ and 😀';
  const hard = newPurchase({ idempotencyKey: 'ключ\u0000', order: { comment } });
  await journal.begin(hard, newAttempt());
  const body = 'answer \u0000\ud800';
  const answer = { status: 200, body, complete: false, retryAfterSeconds: 1.5 };
  await journal.keepAnswer({ purchaseId: hard.id, number: 1 }, answer);
  for (const revokedAt of [undefined, NOON]) await journal.keys.add(newKey({ revokedAt }));
  const keys = await journal.keys.all();
  const record = await readRecord(journal);
  await journal.close();
  return { path, record, quotes, keys };
}

const move = (from: string, to: string, onBatch?: (table: string, rows: number) => void) => {
  const lines: string[] = [];
  return moveRecord({ from, to, tell: (line) => void lines.push(line), onBatch }).then(() => lines);
};

async function expectMoved(journal: SqlJournal, { record, quotes, keys }: Filled): Promise<void> {
  const moved = await readRecord(journal);
  expect(moved).toEqual(record);
  expect(await journal.keys.all()).toEqual(keys);
  expect(await journal.quotes(quotes.map(({ id }) => id))).toHaveLength(quotes.length);
  const next = (record.events.at(-1)?.position ?? 0) + 1;
  expect((await journal.begin(newPurchase(), newAttempt())).purchase.lastEvent).toBe(next);
}

describe.skipIf(noPostgres !== undefined)('moving a record to PostgreSQL', () => {
  test('every row is there, exactly, positions and all; the old owners are dead, and what they left is taken up', async () => {
    const filledFile = await filled();
    const { path, record, quotes } = filledFile;
    const schema = await freshSchema();
    const lines = await move(path, schema.url);
    expect(lines.join('\n')).toMatch(/^purchases: 426 rows, sha256 [0-9a-f]{64}$/m);
    const journal = await openedPostgres(schema.url);
    await expectMoved(journal, filledFile);
    for (const owner of await journal.owners())
      expect(await journal.adopt(owner, undefined)).toBeGreaterThan(0);
    expect(await journal.purgeQuotes(new Date(NOON.getTime() + 1e9))).toBe(quotes.length);
    // And the file is as it was.
    expect(await readRecord(await opened(path))).toEqual(record);
  });

  test.each(['quotes', 'purchases', 'attempts', 'events', 'api_keys'])(
    'interrupted among the %s it goes on where it ended, and no gateway opens the half of it',
    async (table) => {
      const filledFile = await filled();
      const { path } = filledFile;
      const schema = await freshSchema();
      const interrupted = move(path, schema.url, (at) => {
        if (at === table) throw new Error('power cut');
      });
      await expect(interrupted).rejects.toThrow('power cut');
      await expect(openedPostgres(schema.url)).rejects.toThrow(/being moved.*migrate-journal/);
      const again: string[] = [];
      await move(path, schema.url, (at) => void again.push(at));
      if (table === 'events' || table === 'api_keys') expect(again).not.toContain('purchases');
      await expectMoved(await openedPostgres(schema.url), filledFile);
    },
  );

  test('a second run says that all is there; another record, and a target in use, are refused and stay as they are', async () => {
    const [one, other] = [await filled(), await filled()];
    const schema = await freshSchema();
    await move(one.path, schema.url);
    expect((await move(one.path, schema.url)).at(-1)).toMatch(/already/);
    await expect(move(other.path, schema.url)).rejects.toThrow(/another record.*empty database/s);
    const gateway = await openedPostgres(schema.url);
    expect(await readRecord(gateway)).toEqual(one.record);
    await gateway.join();
    await expect(move(one.path, schema.url)).rejects.toThrow(/gateway uses the target/);
  });

  test('into the half of another record nothing is put, and that one can still be completed', async () => {
    const [one, other] = [await filled(), await filled()];
    const schema = await freshSchema();
    const interrupted = move(one.path, schema.url, (at) => {
      if (at === 'purchases') throw new Error('power cut');
    });
    await expect(interrupted).rejects.toThrow('power cut');
    await expect(move(other.path, schema.url)).rejects.toThrow(/another record/);
    await move(one.path, schema.url);
    await expectMoved(await openedPostgres(schema.url), one);
  });

  test('a row that was changed on the way is noticed', async () => {
    const { path } = await filled();
    const schema = await freshSchema();
    const interrupted = move(path, schema.url, (at) => {
      if (at === 'attempts') throw new Error('power cut');
    });
    await expect(interrupted).rejects.toThrow('power cut');
    await schema.query(`update purchases set amount = '1.00' where status = 'FAILED'`);
    await expect(move(path, schema.url)).rejects.toThrow(/purchases has 426 rows/);
  });

  test('a file that is no record is refused, and stays as it is', async () => {
    const path = await tempPath();
    outsider(path).exec('create table notes (text text)');
    const schema = await freshSchema();
    await expect(move(path, schema.url)).rejects.toThrow(/gateway\.db cannot be used: it is no record/);
    const tables = outsider(path).prepare(`select name from sqlite_master where type = 'table'`).all();
    expect(tables).toEqual([{ name: 'notes' }]);
    // Nor is it held any more.
    await expect(move(path, schema.url)).rejects.toThrow(/it is no record/);
  });

  test('while a gateway writes the file, and where there is none, it is refused', async () => {
    const { path } = await filled();
    const schema = await freshSchema();
    const gateway = await opened(path);
    await expect(move(path, schema.url)).rejects.toThrow(/Another gateway is using the record/);
    await gateway.close();
    await expect(move(`${path}.nowhere`, schema.url)).rejects.toThrow(/nowhere cannot be used/);
    const wrong = schema.url.replace(/:\d+\//, ':1/').replace('postgres@', 'postgres:hush-hush@');
    const error: unknown = await move(path, wrong).catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/cannot be reached/);
    expect(String(error)).not.toContain('hush');
  });

  test('the command does it, and says how it is used', async () => {
    const { path } = await filled();
    const schema = await freshSchema();
    const run = (...flags: string[]) =>
      new Promise<string>((resolve) => {
        const script = commandLine('migrate-journal', ...flags);
        const child = execFile(process.execPath, script, (_, stdout, stderr) => resolve(stdout + stderr));
        onTestFinished(() => void child.kill());
      });
    expect(await run('--from', `file:${path}`)).toMatch(/--to, or DATABASE_URL, must be postgres:/);
    expect(await run('--from', `file:${path}`, '--to', schema.url)).toMatch(/Moved\. Start the gateways/);
  });
});
