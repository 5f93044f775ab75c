import { chmod, cp, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import {
  finish,
  later,
  newAttempt,
  newPurchase,
  newQuote,
  NOON,
  purchaseIn,
  to,
  trace,
} from '../journal/fixtures.ts';
import { oldSqliteRecord } from '../journal/old-record.ts';
import { holder, outsider, tempPath } from '../journal/sqlite-fixtures.ts';
import { command, script, startScript } from '../support/operator.ts';

let path: string;
let folder: string;
let copy: string;
let journal: Journal;
beforeEach(async () => {
  path = await tempPath();
  folder = dirname(path);
  copy = join(folder, 'copy.db');
  journal = await openSqliteJournal({ path });
  onTestFinished(() => journal.close());
});

const backup = (to = copy, from = path) => command('backup', ['--to', to], from);
const restore = (target: string, ...more: string[]) =>
  command('restore', ['--from', copy, ...more], target, { now: NOON });
const left = async (part: string) => (await readdir(folder)).filter((name) => name.includes(part));
async function reopened(target = path): Promise<Journal> {
  const again = await openSqliteJournal({ path: target, busyTimeoutMs: 200 });
  onTestFinished(() => again.close());
  return again;
}

describe('a backup', () => {
  it('is a whole record of its own, verified, for its owner only, and told in numbers', async () => {
    const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION');
    await journal.begin(newPurchase(), newAttempt());
    await journal.saveQuote(newQuote());
    const before = await trace(journal, id);
    const { code, out, err } = await script('backup', ['--to', copy, '--json'], path);
    expect([code, err]).toEqual([0, '']);
    const bytes = await readFile(copy);
    expect(JSON.parse(out)).toEqual({
      ...{ path: copy, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
      ...{
        purchases: 2,
        attempts: 3,
        events: 4,
        quotes: 1,
        lastPosition: 4,
        lastEventAt: NOON.toISOString(),
      },
    });
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
    expect(await left('copy')).toEqual(['copy.db']);
    await purchaseIn(journal, 'SUCCEEDED');
    expect(await trace(await reopened(copy), id)).toEqual(before);
  });

  it('of an empty record is a record', async () => {
    expect((await backup()).out).toMatch(/purchases +0\n[^]*last event +none\n\nVerified and on disk/);
    expect(await (await reopened(copy)).lastPosition()).toBe(0);
  });

  it('gives no position a second time that its record had given', async () => {
    await purchaseIn(journal, 'SUCCEEDED');
    await backup();
    const again = await reopened(copy);
    const { lastEvent } = await purchaseIn(again, 'SUCCEEDED');
    expect(lastEvent).toBe(4);
  });

  it('holds nothing of an answer that was blotted out, nor does the record', async () => {
    const secret = '98765432109876543210';
    const { purchase } = await journal.begin(newPurchase(), newAttempt());
    const first = { purchaseId: purchase.id, number: 1 };
    const body = `${secret} `.repeat(500);
    await journal.keepAnswer(first, { status: 200, body, complete: true, retryAfterSeconds: null });
    await finish(journal, first, to('FAILED'));
    await backup(join(folder, 'before.db'));
    expect(await readFile(join(folder, 'before.db'), 'latin1')).toContain(secret);
    await journal.blotAnswers({ settledBefore: later(1e9), now: NOON, limit: 10 });
    await backup();
    await journal.close();
    for (const file of [copy, path]) expect(await readFile(file, 'latin1'), file).not.toContain(secret);
  });

  it('never overwrites a file', async () => {
    await writeFile(copy, 'mine');
    expect(await backup()).toMatchObject({ code: 1, out: '' });
    expect((await backup()).err).toMatch(/copy\.db exists\. Name a new file/);
    expect(await readFile(copy, 'utf8')).toBe('mine');
    expect(await left('partial')).toEqual([]);
  });

  it.each<[what: string, to: string, told: RegExp]>([
    ['a folder that there is not', 'none/copy.db', /copy\.db could not be made: there is no such folder/],
    ['a file for a folder', 'gateway.db/copy.db', /copy\.db could not be made: there is no such folder/],
    ['a folder', '', /exists/],
  ])('into %s is refused', async (_what, to, told) => {
    const { code, err } = await backup(join(folder, to));
    expect([code, err]).toEqual([1, expect.stringMatching(told)]);
  });

  it('is made beside what was left of one that was killed, or is under way, of the same process id', async () => {
    const other = `${copy}.partial-${process.pid}`;
    await writeFile(other, 'of another');
    expect(await backup()).toMatchObject({ code: 0 });
    expect(await readFile(other, 'utf8')).toBe('of another');
    expect(await left('partial')).toHaveLength(1);
  });

  it('into a folder that may only be read is refused', async () => {
    const closed = join(folder, 'closed');
    await mkdir(closed, { mode: 0o555 });
    for (const open of [folder, path, `${path}-wal`, `${path}-shm`]) await chmod(open, 0o777);
    const { says } = await holder(path, 'unprivileged-backup', join(closed, 'copy.db'));
    expect(says).toMatch(/copy\.db could not be made: its folder may not be written to/);
  });

  it('of what is no record is refused', async () => {
    expect((await backup(copy, `${path}.not`)).err).toMatch(/\.not cannot be used: there is no such file/);
    outsider(path).exec(`insert into kysely_migration values ('9999-of-the-future', '2999')`);
    expect((await backup()).err).toMatch(/9999-of-the-future/);
    expect(await left('copy')).toEqual([]);
  });

  it('of a record that is not true to itself is refused, and leaves nothing', async () => {
    await purchaseIn(journal, 'UNRESOLVED');
    outsider(path).exec('update purchases set last_event = 1');
    expect((await backup()).err).toMatch(
      /copy\.db could not be made: its purchases and its events do not belong/,
    );
    expect(await left('copy')).toEqual([]);
  });

  it(
    'that is killed at any moment leaves all of it or nothing under its name',
    { timeout: 60_000 },
    async () => {
      for (let n = 0; n < 400; n += 1) {
        await journal.saveQuote(
          newQuote({ subscriber: { identifier: '1', name: 'x'.repeat(50_000), address: null } }),
        );
      }
      for (const ms of [0, 20, 60, 120]) {
        const to = join(folder, `killed-${ms}.db`);
        const { child, said } = startScript('backup', ['--to', to], path);
        await expect.poll(() => left(`killed-${ms}`), { interval: 2, timeout: 20_000 }).not.toEqual([]);
        await new Promise((resolve) => setTimeout(resolve, ms));
        child.kill('SIGKILL');
        await said;
        const whole = (await left(`killed-${ms}`)).includes(`killed-${ms}.db`);
        if (ms === 0) expect(whole).toBe(false);
        if (whole) await (await reopened(to)).ping();
      }
      await journal.ping();
    },
  );
});

describe('a restore', () => {
  it('puts the backup in the record’s place, and warns of what it does not know', async () => {
    const { id } = await purchaseIn(journal, 'UNRESOLVED');
    const before = await trace(journal, id);
    await backup();
    const target = join(folder, 'sub', 'new.db');
    const { code, out, err } = await script('restore', ['--from', copy], target);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(
      /restored +\S+new\.db\npurchases +1\n[^]*last event +position 2, 2026-03-01T14:00:01\+02:00/,
    );
    expect(out).toMatch(
      /WARNING: whatever was bought since 2026-03-01T14:00:01\+02:00 \(event 2\)[^]*charged, AGAIN/,
    );
    expect((await stat(target)).mode & 0o777).toBe(0o600);
    expect(await trace(await reopened(target), id)).toEqual(before);
    expect(await readdir(dirname(target))).not.toContain('new.db.restoring');
  });

  it('is refused while a gateway has the record, whatever is said', async () => {
    await backup();
    const { code, err } = await restore(path, '--replace');
    expect([code, err]).toEqual([1, expect.stringMatching(/Another gateway is using the record/)]);
    await journal.ping();
    expect(await left('re')).toEqual([]);
  });

  it('moves a record that is there aside only when that is meant, WAL and all', async () => {
    const { id: old } = await purchaseIn(journal, 'SUCCEEDED');
    await backup();
    const { id: later } = await purchaseIn(journal, 'UNRESOLVED');
    // What a gateway leaves that was killed.
    const killed = join(folder, 'killed.db');
    for (const suffix of ['', '-wal']) await cp(path + suffix, killed + suffix);
    await journal.close();

    const refused = await restore(killed);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/There is a record at .*--replace/),
    ]);
    const { code, out } = await restore(killed, '--replace');
    expect(code).toBe(0);
    const aside = `${killed}.replaced-20260301T120000Z`;
    for (const file of [aside, `${aside}-wal`]) expect(out).toContain(`moved aside  ${file}\n`);
    const restored = await reopened(killed);
    expect(await restored.purchase('id', old)).toBeDefined();
    expect(await restored.purchase('id', later)).toBeUndefined();
    expect(await (await reopened(aside)).purchase('id', later)).toMatchObject({ status: 'UNRESOLVED' });
  });

  it('that was interrupted keeps every gateway away until it is run again', async () => {
    const { id } = await purchaseIn(journal, 'SUCCEEDED');
    await backup();
    await journal.close();
    await writeFile(`${path}.restoring`, 'half of it');
    await expect(openSqliteJournal({ path })).rejects.toThrow(
      /a restore of it was interrupted.*gateway\.db\.restoring/,
    );
    expect((await restore(path, '--replace')).code).toBe(0);
    expect(await (await reopened()).purchase('id', id)).toBeDefined();
  });

  it('that was interrupted between two files of the record leaves them together when it is run again', async () => {
    await purchaseIn(journal, 'SUCCEEDED');
    await backup();
    const { id: later } = await purchaseIn(journal, 'UNRESOLVED');
    const killed = join(folder, 'killed.db');
    const aside = `${killed}.replaced-20260301T115500Z`;
    for (const suffix of ['', '-wal']) await cp(path + suffix, killed + suffix);
    await journal.close();
    await writeFile(`${killed}.restoring`, 'all of it');
    await rename(killed, aside);

    const { code, out } = await restore(killed);
    expect(code).toBe(0);
    expect(out).toContain(`moved aside  ${aside}-wal\n`);
    expect(await (await reopened(killed)).purchase('id', later)).toBeUndefined();
    expect(await (await reopened(aside)).purchase('id', later)).toMatchObject({ status: 'UNRESOLVED' });
  });

  it('of a backup of an earlier version leaves it to the gateway to bring it up to date', async () => {
    await oldSqliteRecord(copy);
    const target = join(folder, 'new.db');
    expect((await restore(target)).code).toBe(0);
    await purchaseIn(await reopened(target), 'SUCCEEDED');
  });

  it.each<[what: string, spoil: () => Promise<void>, told: RegExp]>([
    ['that there is not', () => Promise.resolve(), /copy\.db cannot be used: there is no such file/],
    [
      'that is a text',
      () => writeFile(copy, 'words '.repeat(1_000)),
      /copy\.db cannot be used: it is no record of this gateway.*that `backup` made/,
    ],
    [
      'that is damaged',
      async () => {
        for (let n = 0; n < 50; n += 1) await purchaseIn(journal, 'SUCCEEDED');
        await backup();
        const bytes = await readFile(copy);
        await writeFile(copy, bytes.fill(0xa5, bytes.length / 2));
      },
      /copy\.db cannot be used: it is damaged/,
    ],
    [
      'that was cut off',
      async () => {
        for (let n = 0; n < 50; n += 1) await purchaseIn(journal, 'SUCCEEDED');
        await backup();
        await writeFile(copy, (await readFile(copy)).subarray(0, -4_096));
      },
      /copy\.db cannot be used: it is damaged/,
    ],
    [
      'that is the file of a record in use',
      () => cp(path, copy),
      /without its latest changes.*scratchpower-graphql backup/,
    ],
    [
      'of a newer version',
      async () => {
        await backup();
        outsider(copy).exec(`insert into kysely_migration values ('9999-of-the-future', '2999')`);
      },
      /9999-of-the-future/,
    ],
    [
      'of another program',
      () => {
        outsider(copy).exec('create table theirs (id integer)');
        return Promise.resolve();
      },
      /copy\.db cannot be used: it is no record of this gateway/,
    ],
  ])('of a file %s is refused, and changes nothing', async (_what, spoil, told) => {
    await spoil();
    const target = join(folder, 'target');
    const { code, out, err } = await restore(join(target, 'gateway.db'));
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(told);
    await expect(readdir(target)).rejects.toThrow(/ENOENT/);
  });

  it('of the record onto itself is refused', async () => {
    await backup();
    expect((await command('restore', ['--from', copy, '--replace'], copy)).err).toMatch(
      /is the record itself/,
    );
  });
});
