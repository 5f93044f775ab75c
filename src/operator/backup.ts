import { Command } from 'commander';

import { databasePathOf } from '../config.ts';
import { backUp } from '../journal/sqlite/backup.ts';
import type { RecordFacts } from '../journal/sqlite/verify.ts';
import { json } from './describe.ts';
import { prepared, run, type Surroundings } from './run.ts';
import { facts } from './table.ts';
import { shown } from './zone.ts';

/** `scratchpower-graphql backup --to FILE`. */
export async function backupCommand(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, terminal } = surroundings;
  const program = prepared(new Command('backup'), surroundings)
    .description(
      'Copy the record that DATABASE_URL names, while its gateway runs or not, and verify the copy.',
    )
    .requiredOption('--to <file>', 'a new file; it holds tokens, so it is for its owner only')
    .option('--json', 'print one JSON document')
    .action(async (options: { to: string; json?: true }) => {
      const backup = await backUp({ from: databasePathOf(env), to: options.to });
      if (options.json === true) {
        terminal.out(json(backup));
        return;
      }
      const { path, bytes, sha256 } = backup;
      const file = [
        ['backup', path] as const,
        ['bytes', String(bytes)] as const,
        ['sha256', sha256] as const,
      ];
      terminal.out(`${facts([...file, ...factsShown(backup)])}\n\nVerified and on disk.\n`);
    });
  return run(program, argv, surroundings);
}

export function factsShown(record: RecordFacts): (readonly [name: string, value: string])[] {
  return [
    ['purchases', String(record.purchases)],
    ['attempts', String(record.attempts)],
    ['events', String(record.events)],
    ['quotes', String(record.quotes)],
    [
      'last event',
      record.lastEventAt === null ? 'none' : `position ${record.lastPosition}, ${shown(record.lastEventAt)}`,
    ],
  ];
}
