import { Command } from 'commander';

import { databaseOf } from '../config.ts';
import { compact } from '../journal/sqlite/compact.ts';
import { json } from './describe.ts';
import { openRecordOf, prepared, run, type Surroundings } from './run.ts';

/** `scratchpower-graphql reseal`. */
export async function resealCommand(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, terminal } = surroundings;
  const program = prepared(new Command('reseal'), surroundings)
    .description(
      'Seal what the record holds anew, under the first key of DATA_KEYS, beside running gateways or without one.\nStart them with that key first: one that has it not yet as its first goes on writing under another.',
    )
    .option('--no-compact', 'leave a SQLite file’s unused parts as they are, where plain text may be left')
    .option('--json', 'print one JSON document')
    .action(async (options: { compact: boolean; json?: true }) => {
      const record = await openRecordOf(env);
      let report;
      try {
        report = await record.reseal();
      } finally {
        await record.close();
      }
      const database = databaseOf(env);
      // What lay in the file before may still be read from its unused parts.
      if (database.kind === 'sqlite' && options.compact) await compact(database.path);
      if (options.json === true) {
        terminal.out(json(report));
        return;
      }
      const { purchases, quotes, retired } = report;
      terminal.out(`Sealed anew: ${purchases} purchases, ${quotes} quotes.\n`);
      if (retired.length > 0)
        terminal.out(`Nothing lies under ${retired.join(', ')} any more: take it out of DATA_KEYS.\n`);
    });
  return run(program, argv, surroundings);
}
