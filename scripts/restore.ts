// npm run restore. `npm run restore -- --help` tells more.
import { restoreCommand } from '../src/operator/restore.ts';
import { processTerminal } from '../src/operator/terminal.ts';

process.exitCode = await restoreCommand(process.argv.slice(2), {
  env: process.env,
  terminal: processTerminal(),
  now: () => new Date(),
});
