// npm run keys: the API keys of servers. `npm run keys -- --help` tells more.
import { keysCommand } from '../src/operator/keys.ts';
import { processTerminal } from '../src/operator/terminal.ts';

process.exitCode = await keysCommand(process.argv.slice(2), {
  env: process.env,
  terminal: processTerminal(),
  now: () => new Date(),
});
