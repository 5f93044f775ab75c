import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { Kysely } from 'kysely';
import Libsql from 'libsql';
import { onTestFinished } from 'vitest';

import { SqlRecord } from '../../src/journal/record.ts';
import { migrate } from '../../src/journal/migrate.ts';
import { openSqliteJournal, type SqliteJournalOptions } from '../../src/journal/sqlite.ts';
import { Database, TransactionalSqliteDialect } from '../../src/journal/sqlite/database.ts';
import { sqliteMigrations } from '../../src/journal/sqlite/migrations.ts';
import { SqliteStore } from '../../src/journal/sqlite/store.ts';
import type { Tables } from '../../src/journal/tables.ts';

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function tempPath(): Promise<string> {
  return join(await tempFolder(), 'gateway.db');
}

export async function opened(path: string, options: Partial<SqliteJournalOptions> = {}) {
  const journal = await openSqliteJournal({ path, busyTimeoutMs: 200, ...options });
  onTestFinished(() => journal.close());
  return journal;
}

/** Another program's connection to the file. */
export function outsider(path: string): Libsql.Database {
  const database = new Libsql(path, { timeout: 200 });
  onTestFinished(() => void database.close());
  return database;
}

/** A journal whose database the test can reach, on a new file and without its lock. */
export async function openInside(
  path: string,
  {
    onStatement,
    monotonic,
  }: { onStatement?: (sql: string) => void; monotonic?: (() => number) | undefined } = {},
) {
  const database = new Database(path, { busyTimeoutMs: 200, onStatement });
  database.exec('pragma journal_mode = wal; pragma foreign_keys = on');
  const db = new Kysely<Tables>({ dialect: new TransactionalSqliteDialect({ database }) });
  await migrate(db, sqliteMigrations);
  const store = new SqliteStore({ path, database, db, release: () => undefined, monotonic });
  const journal = new SqlRecord(store, { instance: 'inside', shared: false }).of('default');
  onTestFinished(() => journal.close());
  return { database, db, store, journal };
}

/** Runs `holder.ts` on the file; `says` is its first line. */
export async function holder(path: string, ...mode: string[]) {
  const script = fileURLToPath(new URL('./holder.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, ...mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  let says = '';
  for await (const line of createInterface({ input: child.stdout })) {
    says = line;
    break;
  }
  return { says, kill };
}
