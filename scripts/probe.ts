// npm run probe: asks a real environment whether the contract's assumptions hold. `npm run probe -- --help` tells more.
import { probeCommand } from '../probe/command.ts';
import { processTerminal } from '../src/operator/terminal.ts';

const stop = new AbortController();
const terminal = processTerminal();
/** npm hands its Ctrl-C on to us, who had it from the terminal already: that is one, not two. */
const ONE_KEYSTROKE_MS = 500;
let first: number | undefined;
const interrupt = () => {
  // A second time ends it at once: every reference that was sent has been told already.
  if (first !== undefined) {
    if (performance.now() - first > ONE_KEYSTROKE_MS) process.exit(2);
    return;
  }
  first = performance.now();
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
