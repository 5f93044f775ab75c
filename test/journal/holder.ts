// A gateway's part in the tests of a second process: opens the record, says so, and holds it until it is killed.
// With `unprivileged` it is nobody's user, for whom what root may write is read-only.
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { newAttempt, newPurchase } from './fixtures.ts';

const [path = '', mode] = process.argv.slice(2);
const NOBODY = 65_534;

if (mode === 'unprivileged' && process.geteuid?.() === 0) {
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
}
try {
  const journal = await openSqliteJournal({ path, busyTimeoutMs: 200 });
  await journal.begin(newPurchase({ idempotencyKey: 'in flight' }), newAttempt());
  process.stdout.write('open\n');
  setInterval(() => journal, 60_000);
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
