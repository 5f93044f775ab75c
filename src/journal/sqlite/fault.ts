import { NewerRecordError } from '../migrate.ts';

/** SQLite's or the operating system's code of an error, such as SQLITE_BUSY or EACCES. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  // libsql's own failure to open a file has SQLite's code only in its text; 14 is all that it says of any of them.
  return error.message.includes('ConnectionFailed(') ? 'SQLITE_CANTOPEN' : undefined;
}

/** First match wins. */
const remedies: readonly (readonly [code: RegExp, sentence: string])[] = [
  [/^SQLITE_NOTADB/, 'it is not a SQLite database. Name another file, or move this one away.'],
  [/^SQLITE_CORRUPT/, 'it is damaged. Stop the gateway, keep a copy of the file, and restore a backup.'],
  [/^SQLITE_(BUSY|LOCKED)/, 'another process keeps it locked. End that process, or wait until it is done.'],
  [/^(SQLITE_FULL|ENOSPC|EDQUOT)/, 'the disk is full. Make room on it.'],
  [
    /^(SQLITE_(READONLY|CANTOPEN|PERM|AUTH)|EACCES|EPERM|EROFS|EISDIR|ENOTDIR|ENOENT|EEXIST)/,
    "it cannot be opened for writing. Give the gateway's user write access to the file and its folder, or name another.",
  ],
  [/^(SQLITE_IOERR|EIO)/, 'the disk failed. Check the disk; the file must be on a local one.'],
];

class RecordFault extends Error {
  override readonly name = 'RecordFault';
}

/** What an operator reads: the file, what is wrong, what to do. */
export function fault(path: string, error: unknown): Error {
  if (error instanceof RecordFault) return error;
  const prefix = `The record ${path} cannot be used: `;
  if (error instanceof NewerRecordError) {
    return new RecordFault(
      `${prefix}${error.message}. Run the newer version of the gateway, or name another file.`,
      {
        cause: error,
      },
    );
  }
  const code = codeOf(error);
  const remedy = code === undefined ? undefined : remedies.find(([pattern]) => pattern.test(code))?.[1];
  const message = error instanceof Error ? error.message : String(error);
  if (remedy === undefined) return new RecordFault(prefix + message, { cause: error });
  return new RecordFault(`${prefix}${remedy} (${code ?? ''}: ${message})`, { cause: error });
}
