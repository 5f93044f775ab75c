import type { Command } from 'commander';

import { describeKey, isLive, keyFacts } from './describe-key.ts';
import { json } from './describe.ts';
import { withKeys, type Surroundings } from './run.ts';
import { table } from './table.ts';

export function addListKeys(program: Command, { env, terminal, now }: Surroundings): void {
  program
    .command('list')
    .description('the keys that are valid now; of each what is no secret')
    .option('--all', 'also those that were revoked or have expired')
    .option('--json', 'print one JSON document')
    .action(async (options: { all?: true; json?: true }) => {
      const at = now();
      const all = await withKeys(env, (keys) =>
        keys.all((id) => terminal.err(`sp_${id} cannot be read and lets nobody in: revoke it.\n`)),
      );
      const keys = options.all === true ? all : all.filter((key) => isLive(key, at));
      if (options.json === true) {
        terminal.out(json({ keys: keys.map((key) => describeKey(key, at)) }));
        return;
      }
      const rows = keys.map((key) => keyFacts(key, at));
      const [head = []] = rows;
      if (rows.length > 0) {
        const names = head.map(([name]) => name);
        terminal.out(
          `${table(
            names,
            rows.map((row) => row.map(([, value]) => value ?? '')),
          )}\n\n`,
        );
      }
      terminal.out(`${keys.length} ${keys.length === 1 ? 'key' : 'keys'}.\n`);
    });
}
