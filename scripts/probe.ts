// npm run probe: asks a real environment whether the contract's assumptions hold. `npm run probe -- --help` tells more.
import { probeCommand } from '../probe/command.ts';
import { processTerminal } from '../src/operator/terminal.ts';

const stop = new AbortController();
const terminal = processTerminal();
const interrupt = () => {
  // A second time ends it at once: every reference that was sent has been told already.
  if (stop.signal.aborted) process.exit(2);
  terminal.err('Stopping: the confirm under way is waited for. Once more ends it at once.\n');
  stop.abort();
};
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);

process.exitCode = await probeCommand(process.argv.slice(2), {
  env: process.env,
  terminal,
  now: () => new Date(),
  stop: stop.signal,
});
process.off('SIGINT', interrupt);
process.off('SIGTERM', interrupt);
