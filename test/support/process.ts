import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

export interface GatewayProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly output: () => string;
  /** Ends it as a power cut would. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

export interface Bundle extends AsyncDisposable {
  /** The file of the commands. */
  readonly cli: string;
  /** What to start the gateway with. */
  readonly command: readonly string[];
}

/** What to start a command with, as bundle.ts has bundled it for all tests. */
export function commandLine(name: string, ...argv: readonly string[]): string[] {
  const cli = process.env['GATEWAY_CLI'];
  if (cli === undefined) throw new Error('nothing is bundled: these are started by Vitest');
  return [cli, name, ...argv];
}

/** Bundles the gateway of a checkout, by default of this one, as `npm run build` does: it starts quicker than from its source. */
export async function bundleGateway(checkout = '.'): Promise<Bundle> {
  // In the repository, for what is left outside the bundle; its own, for tests that run side by side.
  await mkdir('test-results', { recursive: true });
  const folder = await mkdtemp('test-results/gateway-');
  const rolldown = resolve('node_modules/rolldown/bin/cli.mjs');
  const build = [rolldown, '-c', 'rolldown.config.js', '-d', resolve(folder)];
  await promisify(execFile)(process.execPath, build, { cwd: checkout });
  return {
    cli: `${folder}/cli.js`,
    command: [`${folder}/cli.js`, 'serve'],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** The real process with an environment of its own. Rejects when it ends before it listens. */
export async function startGatewayProcess(
  env: Readonly<Record<string, string>>,
  command: readonly string[] = commandLine('serve'),
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, command, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    let listening = false;
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      // Looked through until it listens and no more: a bench's gateway writes a line for each of a million operations.
      const match = listening ? null : /"url":"(http:[^"]+)\/graphql"/.exec(output);
      if (match?.[1] === undefined) return;
      listening = true;
      resolve(match[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${output}`)));
  });
  const kill = (signal: NodeJS.Signals) => end(child, signal);
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill('SIGKILL');
    },
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  return child.exitCode;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
