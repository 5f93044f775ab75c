import { writeFile } from 'node:fs/promises';

import { describe, expect, onTestFinished, test } from 'vitest';

import { systemRuntime } from '../../src/system-runtime.ts';
import { sqliteMigrations } from '../../src/journal/sqlite/migrations.ts';
import { openSqliteJournalBeside } from '../../src/journal/sqlite-beside.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { EventFeed } from '../../src/purchases/feed.ts';
import { purchaseIn, someone, to } from './fixtures.ts';
import { holder, opened, outsider, tempPath } from './sqlite-fixtures.ts';

async function beside(path: string) {
  const journal = await openSqliteJournalBeside({ path, busyTimeoutMs: 200 });
  onTestFinished(() => journal.close());
  return journal;
}

describe('SQLite: beside a gateway', () => {
  test('another process that has the record does not hinder it, and keeps what it wrote', async () => {
    const path = await tempPath();
    const gateway = await holder(path);
    expect(gateway.says).toBe('open');
    const journal = await beside(path);
    expect(await journal.owners()).toHaveLength(1);
    const { id } = await purchaseIn(journal, 'UNRESOLVED');
    await journal.close();
    await gateway.kill();
    expect(await (await opened(path)).purchase('id', id)).toMatchObject({ status: 'UNRESOLVED' });
  });

  test('what it wrote reaches those who follow the gateway’s events, though nothing wakes them', async () => {
    const path = await tempPath();
    const gateway = await opened(path);
    const journal = await beside(path);
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const feed = await EventFeed.open({ journal: gateway, runtime: systemRuntime(), log });
    onTestFinished(() => feed.close());
    const { id } = await purchaseIn(gateway, 'NEEDS_ATTENTION');
    const watch = await feed.watch(id);
    await watch?.next();
    const seen = watch?.next();
    await journal.decide(id, someone, () => to('SUCCEEDED'));
    expect((await seen)?.value).toMatchObject({ id, status: 'SUCCEEDED' });
    expect((await watch?.next())?.done).toBe(true);
  });

  test('it takes no lock: a gateway starts beside it, and both see what the other wrote', async () => {
    const path = await tempPath();
    await (await openSqliteJournal({ path })).close();
    const journal = await beside(path);
    const gateway = await opened(path);
    const { id } = await purchaseIn(gateway, 'NEEDS_ATTENTION');
    await journal.decide(id, someone, () => to('FAILED'));
    expect(await gateway.purchase('id', id)).toMatchObject({ status: 'FAILED' });
    await journal.close();
    await gateway.ping();
  });

  test('a record of another version is refused, and left as it is', async () => {
    const path = await tempPath();
    await (await openSqliteJournal({ path })).close();
    const database = outsider(path);
    database.exec(`delete from kysely_migration where name like '0002%'`);
    await expect(beside(path)).rejects.toThrow(
      /gateway\.db cannot be used: it lacks .*0002.*Start this version/,
    );
    database.exec(`insert into kysely_migration values ('9999-of-the-future', '2999')`);
    await expect(beside(path)).rejects.toThrow(/9999-of-the-future.*newer version/);
    const n = Object.keys(sqliteMigrations).length;
    expect(database.prepare('select count(*) as n from kysely_migration').all()).toEqual([{ n }]);
  });

  test('what is no record is refused, and none is made where there is none', async () => {
    const path = await tempPath();
    await expect(beside(path)).rejects.toThrow(/gateway\.db cannot be used: there is no such file/);
    await expect(beside(path)).rejects.toThrow(/there is no such file/);
    await writeFile(path, '');
    await expect(beside(path)).rejects.toThrow(/no record of this gateway/);
    outsider(path).exec('create table theirs (id integer)');
    await expect(beside(path)).rejects.toThrow(/no record of this gateway/);
    await writeFile(`${path}.txt`, 'words '.repeat(1_000));
    await expect(beside(`${path}.txt`)).rejects.toThrow(/not a SQLite database/);
  });
});
