import { Command } from 'commander';

import { moveRecord } from '../journal/move.ts';
import { prepared, Refusal, run, type Surroundings } from './run.ts';

/** `migrate-journal --from FILE-URL`. */
export async function migrateJournalCommand(
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { env, terminal } = surroundings;
  const program = prepared(new Command('migrate-journal'), surroundings)
    .description('Move a record from SQLite to PostgreSQL. Stop its gateway first.')
    .requiredOption('--from <url>', 'file:PATH')
    .option(
      '--to <url>',
      'postgres://USER:PASSWORD@HOST:PORT/DATABASE (default: that of DATABASE_URL, where no list of processes shows the password)',
    )
    .action(async ({ from, to = env['DATABASE_URL'] ?? '' }: { from: string; to?: string }) => {
      if (!/^file:.+/.test(from)) throw new Refusal('--from: must be file:PATH.');
      if (!/^postgres(ql)?:/.test(to) || !URL.canParse(to))
        throw new Refusal(
          '--to, or DATABASE_URL, must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters percent-encoded.',
        );
      const path = from.replace(/^file:(\/\/(?=\/))?/, '');
      await moveRecord({ from: path, to, tell: (line) => terminal.out(`${line}\n`) });
    });
  return run(program, argv, surroundings);
}
