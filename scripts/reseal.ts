// npm run reseal. `npm run reseal -- --help` tells more.
import { resealCommand } from '../src/operator/reseal.ts';
import { processTerminal } from '../src/operator/terminal.ts';

process.exitCode = await resealCommand(process.argv.slice(2), {
  env: process.env,
  terminal: processTerminal(),
  now: () => new Date(),
});
