import { join } from 'node:path';

import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/process.ts';
import { environment, temporaryFolder } from '../support/stack.ts';

/** By then anything that anybody sends has its answer. */
export const DEADLINE_MS = 2_000;

export interface HostileServer extends AsyncDisposable {
  readonly url: string;
  readonly sandbox: Sandbox;
  readonly process: GatewayProcess;
  /** Bytes in use after a full collection, as the process itself counts them. */
  readonly memory: () => Promise<number>;
  /** Throws unless it is live and answers an ordinary query. */
  readonly requireHealthy: () => Promise<void>;
}

const command = [
  '--expose-gc',
  '--import',
  'tsx',
  '--import',
  './test/hostile/heap-on-signal.ts',
  'src/server.ts',
];

/** The real process, as it is run, on a sandbox of its own. Its memory is told on a signal, by a file of the tests. */
export async function startHostileServer(
  env: Readonly<Record<string, string>> = {},
  standBetween?: (upstream: string) => Promise<{ url: string; close: () => Promise<void> }>,
): Promise<HostileServer> {
  const sandbox = await startSandbox();
  const between = await standBetween?.(sandbox.url);
  const folder = await temporaryFolder();
  const path = join(folder.path, 'gateway.db');
  const limits = {
    LIMIT_MESSAGES_PER_SECOND: '200',
    RATE_LIMIT_REFUSED_PER_MINUTE: '0',
    ...(between && { SCRATCHPOWER_BASE_URL: between.url }),
  };
  const gateway = await startGatewayProcess({ ...environment(sandbox, path), ...limits, ...env }, command);
  return {
    url: gateway.url,
    sandbox,
    process: gateway,
    memory: async () => {
      const heaps = () => [...gateway.output().matchAll(/^HEAP (\d+)$/gm)];
      const before = heaps().length;
      process.kill(gateway.pid, 'SIGUSR2');
      for (const deadline = Date.now() + 10_000; heaps().length === before;) {
        if (Date.now() > deadline) throw new Error('the process does not tell its memory');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return Number(heaps().at(-1)?.[1]);
    },
    requireHealthy: async () => {
      const signal = AbortSignal.timeout(DEADLINE_MS);
      const live = await fetch(`${gateway.url}/health/live`, { signal });
      const body = JSON.stringify({ query: '{ accounts { id } }' });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body, signal });
      const text = await answer.text();
      if (live.status !== 200 || !text.startsWith('{"data":{"accounts":[{'))
        throw new Error(`not healthy: ${text}`);
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await between?.close();
      await sandbox.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Rejects when it takes longer than anything may. */
export async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} had no answer in ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
