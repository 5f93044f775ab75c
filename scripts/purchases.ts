// npm run purchases: for the person who must look. `npm run purchases -- --help` tells more.
import { purchasesCommand } from '../src/operator/purchases.ts';
import { processTerminal } from '../src/operator/terminal.ts';

process.exitCode = await purchasesCommand(process.argv.slice(2), {
  env: process.env,
  terminal: processTerminal(),
  now: () => new Date(),
});
