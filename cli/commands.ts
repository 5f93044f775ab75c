import type { Surroundings } from '../src/operator/run.ts';
import { processTerminal } from '../src/operator/terminal.ts';

/** Runs with what stands after the command's name. */
export type Run = (args: readonly string[]) => Promise<void>;

export async function serve(): Promise<void> {
  const { main } = await import('../src/server.ts');
  await main(process.env);
}

export async function sandbox(): Promise<void> {
  await import('../sandbox/main.ts');
}

/** A command of the operator's, loaded when it is called; the process ends with its exit code. */
export function operate(
  load: () => Promise<(argv: readonly string[], surroundings: Surroundings) => Promise<number>>,
): Run {
  return async (args) => {
    const command = await load();
    process.exitCode = await command(args, {
      env: process.env,
      terminal: processTerminal(),
      now: () => new Date(),
    });
  };
}

/** npm hands its Ctrl-C on to us, who had it from the terminal already: that is one, not two. */
const ONE_KEYSTROKE_MS = 500;

/** Asks a real environment whether the contract's assumptions hold. */
export async function probe(args: readonly string[]): Promise<void> {
  const { probeCommand } = await import('../probe/command.ts');
  const stop = new AbortController();
  const terminal = processTerminal();
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
  process.exitCode = await probeCommand(args, {
    env: process.env,
    terminal,
    now: () => new Date(),
    stop: stop.signal,
  });
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
}
