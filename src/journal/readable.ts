import { UnreadableError, type OnUnreadable } from '../purchases/journal.ts';

/** What is read of the rows that can be; `unreadable` is told of the others, by whose they are. */
export function readable<Row, T>(
  rows: readonly Row[],
  read: (row: Row) => T,
  unreadable: OnUnreadable | undefined,
  idOf: (row: Row) => string,
): T[] {
  return rows.flatMap((row) => {
    try {
      return [read(row)];
    } catch (error) {
      if (unreadable === undefined || !(error instanceof UnreadableError)) throw error;
      unreadable(idOf(row), error);
      return [];
    }
  });
}
