import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bundleGateway, startGatewayProcess, type GatewayProcess } from '../test/support/process.ts';
import { ask } from './ask.ts';
import { buyers } from './buyers.ts';
import { commit, figure, machine, median, publish, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import type { Load } from './load.ts';
import { ACCOUNTS, ALONE, isWhole, UNLIMITED } from './operations.ts';
import { startSandboxProcess } from './sandbox.ts';

const UPSTREAM_MS = 50;
/** One at a time, and so many that the processors are still idle most of the time. */
const CONNECTIONS = [1, 16];
/** Without a pause those who were answered together would ask together again, for ever. */
const PAUSE_MS = 50;
/** How long each answers as many as it can, before anything is measured. */
const WARM_UP_S = 4;
/** Of the sandbox's accounts: an answer that names them all is the whole one. */
const NAMES = ['13209', '13210', '13211', '13212'];

interface Server {
  readonly name: string;
  readonly process: GatewayProcess;
  readonly answer: string;
}

/** Measures what the gateway adds to the time that an upstream takes which is as slow as real ones, beside a bare proxy. */
export async function benchLatency({ quick }: { quick: boolean }): Promise<void> {
  const [rounds, seconds] = quick ? [3, 3] : [9, 6];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sandbox = await startSandboxProcess();
  await using bundle = await bundleGateway();
  const servers: Server[] = [];
  const start = async (name: string, command: readonly string[], more: Readonly<Record<string, string>>) => {
    const database = `file:${folder}/${servers.length}.db`;
    const env = { ...sandbox.environment, ...UNLIMITED, PORT: '0', DATABASE_URL: database, ...more };
    const process = await startGatewayProcess(env, command);
    servers.push({ name, process, answer: await accounts(process) });
  };
  try {
    const proxy = ['--import', 'tsx', 'bench/peers/proxy.ts'];
    await start('bare node:http proxy, no GraphQL', proxy, { RECORD: '', NODE_ENV: 'production' });
    await start('**this gateway**, nothing shared', bundle.command, ALONE);
    await start('**this gateway**, as it comes', bundle.command, {});
    // A dozen requests a second would not get it compiled in the whole of the benchmark.
    for (const { process, answer } of servers) {
      await buyers({
        ...{ origin: process.url, path: '/graphql', connections: 16, seconds: WARM_UP_S, pid: process.pid },
        ...{ body: () => ACCOUNTS, isRight: (given: string) => given === answer },
      });
    }
    await sandbox.delay(UPSTREAM_MS);
    const parts: string[] = [];
    for (const connections of CONNECTIONS) {
      const measured = servers.map((): Load[] => []);
      for (let round = -1; round < rounds; round += 1) {
        for (const [at, { process, answer }] of inTurn(servers, round)) {
          const done = await buyers({
            ...{ origin: process.url, path: '/graphql', connections, seconds, pid: process.pid },
            pauseMs: PAUSE_MS,
            ...{ body: () => ACCOUNTS, isRight: (given: string) => given === answer },
          });
          // The first round warms up.
          if (round >= 0) measured[at]?.push(done);
        }
      }
      parts.push(tell(connections, servers, measured));
    }
    const text = [
      `Measured with \`npm run bench -- latency\` at ${commit()}: ${machine()}. An upstream that takes ${UPSTREAM_MS} ms for each answer; accounts, each server warm (it has answered as many as it could for ${WARM_UP_S} s), each connection asking again up to ${PAUSE_MS} ms after it was answered, by chance. Milliseconds; medians of ${rounds} rounds of ${seconds} s in which the three take turns, with the middle half; what is added is the median of each round's own difference from the proxy.`,
      ...parts,
    ].join('\n\n');
    process.stdout.write(`${text}\n`);
    if (!quick) await publish('docs/performance.md', 'latency', text);
  } finally {
    for (const { process } of servers) await process.kill('SIGTERM');
    await rm(folder, { recursive: true });
  }
}

/** The answer that is the right one from now on. */
async function accounts({ url }: GatewayProcess): Promise<string> {
  const answer = await ask(url, ACCOUNTS);
  const namesAll = NAMES.every((name) => answer.includes(name) || answer.includes(globalId(name)));
  if (!namesAll || !isWhole(answer)) throw new Error(`a wrong answer: ${answer.slice(0, 500)}`);
  return answer;
}

const globalId = (account: string) => Buffer.from(`Account:${account}`).toString('base64');

function tell(connections: number, servers: readonly Server[], measured: readonly Load[][]): string {
  const rows = servers.map(({ name }, at) => {
    const each = (['p50', 'p90', 'p99'] as const).flatMap((key) => {
      const added = (measured[at] ?? []).map((one, round) => one[key] - (measured[0]?.[round]?.[key] ?? NaN));
      const told = spread((measured[at] ?? []).map((one) => one[key]));
      return [told, at === 0 ? '' : key === 'p50' ? `**${figure(median(added))}**` : figure(median(added))];
    });
    return [name, ...each, figure(median((measured[at] ?? []).map(({ perSecond }) => perSecond)))];
  });
  const head = ['p50', 'added', 'p90', 'added', 'p99', 'added', 'per second'];
  return table([connections === 1 ? '1 connection' : `${connections} connections`, ...head], rows);
}
