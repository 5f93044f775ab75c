// npm run bench [-- NAMES] [--quick]
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { InvalidArgumentError, Option, program } from 'commander';

import { benchAuth } from './auth.ts';
import { benchChange, WORKLOADS } from './change.ts';
import { benchConfirm } from './confirm.ts';
import { benchFlat } from './flat.ts';
import { benchInstances } from './instances.ts';
import { benchJournal } from './journal.ts';
import { benchLatency } from './latency.ts';
import { benchPeers } from './peers.ts';
import { benchSockets } from './sockets.ts';
import { benchStart } from './start.ts';

const benches = {
  peers: benchPeers,
  latency: benchLatency,
  flat: benchFlat,
  confirm: benchConfirm,
  sockets: benchSockets,
  auth: benchAuth,
  start: benchStart,
  journal: benchJournal,
  instances: benchInstances,
};

program
  .name('npm run bench --')
  .enablePositionalOptions()
  .description(
    'Measures the gateway on this machine and writes the figures into the docs. The machine should do nothing else.',
  )
  .option('--quick', 'small and short; tells the figures, and writes nothing into the docs', false)
  .option('--hive', 'peers: Hive Gateway among them, which is installed for it', false)
  .argument('[names...]', `which: ${Object.keys(benches).join(', ')}; all when none is named`)
  .action(async (names: string[], options: { quick: boolean; hive: boolean }) => {
    const unknown = names.filter((name) => !(name in benches));
    if (unknown.length > 0)
      program.error(`there is no ${unknown.join(', ')}: ${Object.keys(benches).join(', ')}`);
    for (const [name, bench] of Object.entries(benches)) {
      if (names.length === 0 || names.includes(name)) await bench(options);
    }
  });
program
  .command('change')
  .description('Measures this gateway beside that of another checkout, in turns, and tells the figures.')
  .requiredOption(
    '--before <folder>',
    'the other one, as `git worktree add test-results/before HEAD~1` makes it',
    checkout,
  )
  .addOption(new Option('--only <workloads...>', 'which').choices(WORKLOADS).default(WORKLOADS, 'all'))
  .option('--quick', 'short, and with one process of each', false)
  .action(benchChange);
await program.parseAsync();

function checkout(folder: string): string {
  if (existsSync(join(folder, 'rolldown.config.js'))) return folder;
  throw new InvalidArgumentError('It is no checkout of the gateway.');
}
