import { randomUUID } from 'node:crypto';
import { link, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import type { Database } from './database.ts';
import { openExisting } from './existing.ts';
import { codeOf, fault } from './fault.ts';
import { exists } from './path.ts';
import { factsOf, sha256Of, verifyCopy, type RecordFacts } from './verify.ts';

export interface Backup extends RecordFacts {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

const BUSY_TIMEOUT_MS = 5_000;

/**
 * Copies a record into a new file while its gateway goes on writing: all that was committed when it began, and nothing by
 * halves. The file has its name only once it was verified and is on disk; it is for its owner only, for it holds tokens.
 * Throws an `Error` that says what to do; then there is no such file. An existing one is never overwritten.
 */
export async function backUp(options: { from: string; to: string }): Promise<Backup> {
  const [from, to] = [resolve(options.from), resolve(options.to)];
  const before = await factsNow(from);
  if (await exists(to)) throw taken(to);
  // In the same folder, so that it can be renamed; one that is left by a kill says what it is.
  const partial = `${to}.partial-${randomUUID()}`;
  try {
    await (await open(partial, 'wx', 0o600)).close();
    await copy(from, partial);
    await flush(partial);
    const facts = await verifyCopy(partial, { older: false });
    if (facts.lastPosition < before.lastPosition || facts.purchases < before.purchases)
      throw new Error('it lacks what was in the record when it began.');
    const sha256 = await sha256Of(partial);
    const { size: bytes } = await stat(partial);
    await name(partial, to);
    await flush(dirname(to));
    return { path: to, bytes, sha256, ...facts };
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    if (codeOf(error) === 'EEXIST') throw taken(to);
    throw new Error(`The backup ${to} could not be made: ${whyNot(error)}`, { cause: error });
  }
}

/** Throws when the record cannot be used. */
async function factsNow(path: string): Promise<RecordFacts> {
  let database: Database | undefined;
  try {
    database = await openExisting(path, { busyTimeoutMs: BUSY_TIMEOUT_MS });
    return await factsOf(database);
  } catch (error) {
    throw fault(path, error);
  } finally {
    database?.close();
  }
}

/** One reading of the whole record, which hinders no writer; the copy has no free pages, and so nothing that was deleted. */
async function copy(from: string, to: string): Promise<void> {
  const database = await openExisting(from, { busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    database.prepare('vacuum into ?').run([to]);
  } finally {
    database.close();
  }
}

/** A hard link is made whole or not at all, and never over another file. Where a disk has none, a rename has to do. */
async function name(partial: string, to: string): Promise<void> {
  try {
    await link(partial, to);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')) throw error;
    if (await exists(to)) throw taken(to);
    await rename(partial, to);
    return;
  }
  await unlink(partial);
}

/** Waits until a file, or the names in a folder, are on the disk. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What an operator reads of a file that could not be written. */
export function whyNot(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no such folder. Make it, or name another. (${message})`;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `its folder may not be written to. Name one that may. (${message})`;
    case 'ENOSPC':
    case 'EDQUOT':
    case 'SQLITE_FULL':
      return `the disk is full. Make room on it. (${message})`;
    default:
      return message;
  }
}

function taken(path: string): Error {
  return new Error(`${path} exists. Name a new file: a backup never overwrites one.`);
}
