// npm run migrate-journal -- --from file:./data/gateway.db --to postgres://…: moves a record from SQLite to PostgreSQL.
import { parseArgs } from 'node:util';

import { moveRecord } from '../src/journal/move.ts';

const { values } = parseArgs({ options: { from: { type: 'string' }, to: { type: 'string' } } });
// So that the password need not be seen in the list of processes.
const to = values.to ?? process.env['DATABASE_URL'] ?? '';
const { from = '' } = values;

if (!/^file:.+/.test(from) || !/^postgres(ql)?:/.test(to) || !URL.canParse(to)) {
  console.error(
    'Usage: npm run migrate-journal -- --from file:PATH --to postgres://USER:PASSWORD@HOST:PORT/DATABASE\n' +
      'Without --to the target is that of DATABASE_URL.',
  );
  process.exitCode = 1;
} else {
  try {
    const path = from.replace(/^file:(\/\/(?=\/))?/, '');
    await moveRecord({ from: path, to, tell: (line) => console.log(line) });
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
