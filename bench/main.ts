// npm run bench [-- NAMES] [--quick]
import { program } from 'commander';

import { benchAuth } from './auth.ts';
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
await program.parseAsync();
