import { createReadStream } from 'node:fs';
import { open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { flush, whyNot } from './backup.ts';
import { lock } from './lock.ts';
import { exists, restoringPath, truePath } from './path.ts';
import { sha256Of, verifyCopy, type RecordFacts } from './verify.ts';

export interface Restored extends RecordFacts {
  readonly path: string;
  /** Where the files of the record that was there are now. */
  readonly movedTo: readonly string[];
}

const LOCK_TIMEOUT_MS = 500;
/** The database last written of all: whatever else lies there belongs to it. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'] as const;

/**
 * Puts a backup in the place of a record that no gateway uses. What was there is moved aside, never deleted. Throws an
 * `Error` that says what to do; then the record is as it was, or, where that could not be kept up, no gateway starts on
 * it until the restore has been run again.
 */
export async function restore(options: {
  readonly from: string;
  readonly to: string;
  /** Whether a record that is there may be moved aside. */
  readonly replace: boolean;
  readonly now: Date;
}): Promise<Restored> {
  const from = resolve(options.from);
  const facts = await verifyCopy(from, { older: true }).catch((error: unknown) => {
    throw new Error(`The backup ${from} cannot be used: ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  });
  const path = await truePath(options.to);
  if ((await realpath(from)) === path) throw new Error(`${path} is the record itself. Name a backup of it.`);
  const held = lock(path, LOCK_TIMEOUT_MS);
  try {
    if ((await exists(path)) && !options.replace)
      throw new Error(
        `There is a record at ${path}. Say --replace to have it moved aside, or name another in DATABASE_URL.`,
      );
    // One that was interrupted may have moved the database, and not yet what belongs to it.
    const begun = (await exists(restoringPath(path))) && !(await exists(path));
    const whole = await bring(from, path);
    const movedTo = await moveAside(
      path,
      (begun ? await lastAside(path) : null) ?? asideAt(path, options.now),
    );
    await rename(whole, path);
    await flush(dirname(path));
    return { path, movedTo, ...facts };
  } finally {
    held.release();
  }
}

/** The backup's bytes beside the record, on the disk; while they lie there no gateway starts. */
async function bring(from: string, path: string): Promise<string> {
  const restoring = restoringPath(path);
  // Left by a restore that was interrupted: nobody but the holder of the lock makes one.
  await rm(restoring, { force: true });
  try {
    const file = await open(restoring, 'wx', 0o600);
    await pipeline(createReadStream(from), file.createWriteStream());
    await flush(restoring);
    if ((await sha256Of(restoring)) !== (await sha256Of(from)))
      throw new Error('what was read back is not what was written. Check the disk.');
    return restoring;
  } catch (error) {
    await rm(restoring, { force: true }).catch(() => undefined);
    throw new Error(`${path} could not be restored, and is as it was: ${whyNot(error)}`, { cause: error });
  }
}

const ASIDE = '.replaced-';
const asideAt = (path: string, now: Date) => `${path}${ASIDE}${now.toISOString().replace(/[-:]|\.\d+/g, '')}`;

/** Where the database was moved last; null when it never was. */
async function lastAside(path: string): Promise<string | null> {
  const prefix = basename(path) + ASIDE;
  const names = await readdir(dirname(path));
  const last = names
    .filter((name) => name.startsWith(prefix) && /^\d{8}T\d{6}Z$/.test(name.slice(prefix.length)))
    .sort()
    .at(-1);
  return last === undefined ? null : join(dirname(path), last);
}

/** The database first: while it is there, all that lies beside it is its own. */
async function moveAside(path: string, aside: string): Promise<string[]> {
  const moved: string[] = [];
  for (const suffix of SUFFIXES) {
    if (!(await exists(path + suffix))) continue;
    if (await exists(aside + suffix))
      throw new Error(`${aside + suffix} exists. Run the restore again in a second.`);
    await rename(path + suffix, aside + suffix);
    moved.push(aside + suffix);
  }
  return moved;
}
