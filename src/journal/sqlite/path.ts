import { access, mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { fault } from './fault.ts';

/** Returns the file's one true path, making its folder: two names of a file must lead to one lock. */
export async function truePath(given: string): Promise<string> {
  const path = resolve(given);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return await realpath(path).catch(async () => join(await realpath(dirname(path)), basename(path)));
  } catch (error) {
    throw fault(path, error);
  }
}

/** Where a restore puts the record until all of it is there. While that file exists, no gateway may start. */
export function restoringPath(path: string): string {
  return `${path}.restoring`;
}

/** Half a restore may have moved the record away: an empty new one would know no purchase, and buy each again. */
export async function requireRestored(path: string): Promise<void> {
  if (!(await exists(restoringPath(path)))) return;
  throw new Error(
    `a restore of it was interrupted. Run the restore again; or, where the record is still there and meant to stay, delete ${restoringPath(path)}.`,
  );
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
