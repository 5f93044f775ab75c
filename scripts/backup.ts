// npm run backup. `npm run backup -- --help` tells more.
import { backupCommand } from '../src/operator/backup.ts';
import { processTerminal } from '../src/operator/terminal.ts';

process.exitCode = await backupCommand(process.argv.slice(2), {
  env: process.env,
  terminal: processTerminal(),
  now: () => new Date(),
});
