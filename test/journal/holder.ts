// A gateway's part in the tests of a second process: opens the record, says so, and holds it until it is killed.
// With `unprivileged` it is nobody's user, for whom what root may write is read-only; with `unprivileged-backup` such a
// user makes a backup instead.
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { backUp } from '../../src/journal/sqlite/backup.ts';
import { newAttempt, newPurchase } from './fixtures.ts';

const [path = '', mode, to = ''] = process.argv.slice(2);
const NOBODY = 65_534;

if (mode?.startsWith('unprivileged') === true && process.geteuid?.() === 0) {
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
}
try {
  if (mode === 'unprivileged-backup') await backUp({ from: path, to });
  const journal = await openSqliteJournal({ path, busyTimeoutMs: 200 });
  await journal.begin(newPurchase({ idempotencyKey: 'in flight' }), newAttempt());
  process.stdout.write('open\n');
  setInterval(() => journal, 60_000);
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
