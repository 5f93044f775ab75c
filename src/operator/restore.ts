import { Command } from 'commander';

import { databasePathOf } from '../config.ts';
import { restore, type Restored } from '../journal/sqlite/restore.ts';
import { factsShown } from './backup.ts';
import { json } from './describe.ts';
import { prepared, run, type Surroundings } from './run.ts';
import { facts } from './table.ts';
import { shown } from './zone.ts';

/** `scratchpower-graphql restore --from FILE`. */
export async function restoreCommand(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, terminal, now } = surroundings;
  const program = prepared(new Command('restore'), surroundings)
    .description('Put a backup in the place of the record that DATABASE_URL names. Stop its gateway first.')
    .requiredOption('--from <file>', 'a backup that `backup` made')
    .option('--replace', 'move a record that is there aside; nothing of it is deleted')
    .option('--json', 'print one JSON document')
    .action(async (options: { from: string; replace?: true; json?: true }) => {
      const { from, replace = false } = options;
      const restored = await restore({ from, to: databasePathOf(env), replace, now: now() });
      const warning = warningOf(restored);
      if (options.json === true) {
        terminal.out(json({ ...restored, warning }));
        terminal.err(`${warning}\n`);
        return;
      }
      const files = [
        ['restored', restored.path] as const,
        ...restored.movedTo.map((path) => ['moved aside', path] as const),
      ];
      terminal.out(`${facts([...files, ...factsShown(restored)])}\n\n${warning}\n`);
    });
  return run(program, argv, surroundings);
}

function warningOf({ lastEventAt, lastPosition }: Restored): string {
  const since = lastEventAt === null ? 'ever' : `since ${shown(lastEventAt)} (event ${lastPosition})`;
  return `WARNING: whatever was bought ${since} is unknown to this record.
The same idempotency keys would buy, and be charged, AGAIN. Before the gateway starts, lay ScratchPower's ledger since then beside this record, and keep away or
settle with the customers every purchase that is there and not here. Subscribers must begin anew: positions after
${lastPosition} will be given a second time.`;
}
