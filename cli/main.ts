#!/usr/bin/env node
// The package's one command. Each subcommand loads what it needs, so that the gateway starts without the operator's tools.
import { Command } from 'commander';

import packageJson from '../package.json' with { type: 'json' };
import { operate, probe, sandbox, serve, type Run } from './commands.ts';

const program = new Command('scratchpower-graphql')
  .description(
    'A GraphQL gateway for ScratchPower: prepaid electricity, airtime and water, never charged twice.\nAll but the flags below is told by the environment: see README.md.',
  )
  .version(packageJson.version)
  .enablePositionalOptions()
  .helpCommand(false)
  .showHelpAfterError('(--help tells more)');

program.command('serve').description('run the gateway, until SIGINT or SIGTERM').action(serve);
program
  .command('sandbox')
  .description('run ScratchPower’s sandbox: no real money')
  .addHelpText('after', '\nHOST, PORT, ACCESS_TOKEN_SECONDS and PROCESSING_MS set it up: docs/sandbox.md')
  .action(sandbox);

const others: readonly (readonly [name: string, does: string, run: Run])[] = [
  ['probe', 'ask a real environment whether it is as the gateway assumes', probe],
  [
    'purchases',
    'look at purchases, settle one by hand, a day’s statement, the audit trail',
    operate(async () => (await import('../src/operator/purchases.ts')).purchasesCommand),
  ],
  [
    'keys',
    'create, list and revoke the API keys of servers',
    operate(async () => (await import('../src/operator/keys.ts')).keysCommand),
  ],
  [
    'backup',
    'copy the record, while its gateway runs or not, and verify the copy',
    operate(async () => (await import('../src/operator/backup.ts')).backupCommand),
  ],
  [
    'restore',
    'put such a copy in the record’s place',
    operate(async () => (await import('../src/operator/restore.ts')).restoreCommand),
  ],
  [
    'reseal',
    'seal what the record holds under the current key',
    operate(async () => (await import('../src/operator/reseal.ts')).resealCommand),
  ],
  [
    'migrate-journal',
    'move a record from SQLite to PostgreSQL',
    operate(async () => (await import('../src/operator/migrate-journal.ts')).migrateJournalCommand),
  ],
];
for (const [name, does, run] of others) {
  // It reads its own flags, --help too.
  program
    .command(name)
    .description(does)
    .argument('[args...]')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(run);
}
await program.parseAsync();
