import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';

import { z } from 'zod';

import {
  bundleGateway,
  freePort,
  startGatewayProcess,
  type GatewayProcess,
} from '../test/support/process.ts';
import { ask, buy } from './ask.ts';
import { chart, type Panel } from './chart.ts';
import { memoryOf } from './cpu.ts';
import { commit, figure, machine, median, publish, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { load, type Load } from './load.ts';
import {
  ACCOUNTS,
  ALONE,
  confirmation,
  HOME,
  isSuccess,
  isWhole,
  PAGE_WITH_ACCOUNTS,
  UNLIMITED,
} from './operations.ts';
import { startSandboxProcess } from './sandbox.ts';

const CONNECTIONS = 32;
const RECORDED = 200;
const CHART = 'docs/images/peers.svg';
const TITLE = 'Requests per second, each server in one process';
const NOTE =
  'Medians; the line spans the middle half of the rounds. More is better. Each workload has a scale of its own.';
/** Not counted: whatever is compiled while it runs, is by then. */
const WARM_UP_ROUNDS = 2;

const PEERS = ['proxy', 'mercurius', 'apollo', 'yoga'] as const;
/** A project of its own, installed when it is asked for. */
const HIVE = 'bench/peers/hive';
const names = {
  proxy: 'bare node:http proxy, no GraphQL',
  mercurius: 'Mercurius with JIT',
  apollo: 'Apollo Server',
  yoga: 'graphql-yoga as it comes',
  hive: 'Hive Gateway from OpenAPI',
  gateway: '**this gateway**',
  alone: '**this gateway**, nothing shared',
} as const;
type Name = keyof typeof names;

interface Workload {
  readonly what: string;
  readonly body: string | (() => string);
  readonly isRight: (answer: string) => boolean;
  readonly by: readonly Name[];
  /** What Hive Gateway is asked instead, whose schema is the upstream's. Default: it is not asked. */
  readonly hive?: string;
}

interface Round extends Load {
  readonly calls: number;
}

const every: readonly Name[] = ['proxy', 'gateway', 'alone', 'mercurius', 'apollo', 'yoga'];
const servers: readonly Name[] = ['gateway', 'alone', 'mercurius', 'apollo', 'yoga'];
const writing: readonly Name[] = ['gateway', 'mercurius', 'apollo', 'yoga'];

const WIRE_ACCOUNTS = JSON.stringify({ query: '{ accounts { id name category currency balance } }' });
const workloads: readonly Workload[] = [
  { what: 'accounts', body: ACCOUNTS, isRight: isWhole, by: every, hive: WIRE_ACCOUNTS },
  { what: 'viewer, accounts and products', body: HOME, isRight: isWhole, by: every },
  {
    what: 'a page of 50 purchases with their accounts',
    body: PAGE_WITH_ACCOUNTS,
    isRight: isWhole,
    by: servers,
  },
  {
    what: 'confirm (the others keep no record: what they lose is lost)',
    body: confirmation,
    isRight: (answer) => isSuccess(answer) && isWhole(answer),
    by: writing,
  },
];

/** Measures the gateway beside its peers, in turns, and writes the tables into docs/performance.md. */
export async function benchPeers({ quick, hive }: { quick: boolean; hive: boolean }): Promise<void> {
  if (hive) await installHive();
  const [rounds, seconds] = quick ? [3, 1] : [7, 2];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sandbox = await startSandboxProcess();
  const env = {
    ...{ ...sandbox.environment, ...UNLIMITED, PORT: '0', DATABASE_URL: `file:${folder}/gateway.db` },
    METRICS_PORT: String(await freePort()),
  };
  await using bundle = await bundleGateway();
  const running = new Map<Name, GatewayProcess>();
  try {
    running.set('gateway', await startGatewayProcess(env, bundle.command));
    const alone = {
      ...{ ...env, METRICS_PORT: String(await freePort()), DATABASE_URL: `file:${folder}/alone.db` },
      ...ALONE,
    };
    running.set('alone', await startGatewayProcess(alone, bundle.command));
    for (const name of ['gateway', 'alone'] as const)
      for (let n = 0; n < RECORDED; n += 1) await buy(urlOf(running, name));
    const peerEnv = { ...env, RECORD: `${folder}/gateway.db`, NODE_ENV: 'production' };
    const startPeer = (path: string) => startGatewayProcess(peerEnv, ['--import', 'tsx', path]);
    for (const peer of PEERS) running.set(peer, await startPeer(`bench/peers/${peer}.ts`));
    if (hive) running.set('hive', await startPeer(`${HIVE}/hive.js`));
    await requireSameAnswers(running);

    const parts: string[] = [];
    const panels: Panel[] = [];
    for (const known of workloads) {
      const withHive = hive && known.hive !== undefined;
      const workload = { ...known, by: withHive ? [...known.by, 'hive' as const] : known.by };
      const measured = new Map<Name, Round[]>(workload.by.map((name) => [name, []]));
      for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
        for (const [, name] of inTurn(workload.by, round)) {
          const server = running.get(name);
          if (server === undefined) continue;
          const callsBefore = await sandbox.calls();
          const done = await load({
            ...{ servers: [server], connections: CONNECTIONS, seconds },
            ...{ body: bodyOf(workload, name), isRight: workload.isRight },
          });
          const calls = ((await sandbox.calls()) - callsBefore) / done.requests;
          if (round >= 0) measured.get(name)?.push({ ...done, calls });
        }
      }
      parts.push(tell(workload, measured, running));
      panels.push(panelOf(workload, measured));
    }
    const versions = await Promise.all(
      ['mercurius', 'graphql-jit', '@apollo/server', '@apollo/datasource-rest', 'graphql-yoga'].map((name) =>
        version(name),
      ),
    );
    if (hive) versions.push(await version('@graphql-hive/gateway-runtime', HIVE));
    const text = [
      `Measured with \`npm run bench -- peers${hive ? ' --hive' : ''}\` at ${commit()}: ${machine(...versions)}. One process each, ${CONNECTIONS} connections, the same sandbox, the same answers (compared before anything is timed); the load and the sandbox run on the same processors. This gateway writes its log, counts its metrics and its limits, and masks errors; the others do nothing of the kind. Medians of ${rounds} rounds of ${seconds} s in which the servers take turns, with the middle half; ratios are medians of each round's own.`,
      ...parts,
    ].join('\n\n');
    process.stdout.write(`${text}\n`);
    if (quick) return;
    await publish('docs/performance.md', 'peers', text);
    await writeFile(CHART, chart(TITLE, NOTE, panels));
  } finally {
    // Hive Gateway does not end when it is asked to.
    for (const server of running.values()) await server.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
}

function tell(
  { what, by }: Workload,
  measured: ReadonlyMap<Name, readonly Round[]>,
  running: ReadonlyMap<Name, GatewayProcess>,
): string {
  const ours = measured.get('gateway') ?? [];
  const rows = by.map((name) => {
    const rounds = measured.get(name) ?? [];
    const of = (key: keyof Round) => rounds.map((one) => one[key]);
    const ratios = rounds.map(({ perSecond }, at) => perSecond / (ours[at]?.perSecond ?? NaN));
    return [
      names[name],
      spread(of('perSecond')),
      figure(median(ratios)),
      figure(median(of('p50'))),
      figure(median(of('p99'))),
      figure(median(of('cpu'))),
      figure(median(of('calls'))),
      figure(memoryOf(running.get(name)?.pid ?? 0)),
    ];
  });
  const head = ['per second', '÷ ours', 'p50 ms', 'p99 ms', 'CPU ms', 'upstream calls', 'MiB'];
  return table([what, ...head], rows);
}

function panelOf({ what, by }: Workload, measured: ReadonlyMap<Name, readonly Round[]>): Panel {
  const bars = by.map((name) => ({
    name: names[name].replaceAll('**', ''),
    values: (measured.get(name) ?? []).map(({ perSecond }) => perSecond),
    ours: name === 'gateway' || name === 'alone',
  }));
  return { title: what, bars };
}

function urlOf(running: ReadonlyMap<Name, GatewayProcess>, name: Name): string {
  return running.get(name)?.url ?? '';
}

function bodyOf({ body, hive }: Workload, name: Name): Workload['body'] {
  return name === 'hive' && hive !== undefined ? hive : body;
}

/** Nothing of it may run while it is installed. */
async function installHive(): Promise<void> {
  await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: HIVE });
}

async function requireSameAnswers(running: ReadonlyMap<Name, GatewayProcess>): Promise<void> {
  for (const body of [ACCOUNTS, HOME, PAGE_WITH_ACCOUNTS]) {
    const wanted = JSON.parse(await ask(urlOf(running, 'gateway'), body)) as unknown;
    for (const peer of PEERS.slice(1)) {
      const given = JSON.parse(await ask(urlOf(running, peer), body)) as unknown;
      if (!isDeepStrictEqual(given, wanted)) {
        throw new Error(`${peer} answers\n${JSON.stringify(given)}\nnot\n${JSON.stringify(wanted)}`);
      }
    }
  }
  const hive = running.get('hive');
  if (hive === undefined) return;
  // The wire's own shapes: as many accounts, of the same names.
  const accounts = z.object({ data: z.object({ accounts: z.array(z.object({ name: z.string() })) }) });
  const namesOf = (answer: string) =>
    accounts
      .parse(JSON.parse(answer))
      .data.accounts.map(({ name }) => name)
      .toSorted();
  const given = namesOf(await ask(hive.url, WIRE_ACCOUNTS));
  if (!isDeepStrictEqual(given, namesOf(await ask(urlOf(running, 'gateway'), ACCOUNTS))))
    throw new Error(`hive has the accounts ${given.join()}`);
}

async function version(name: string, folder = '.'): Promise<string> {
  const text = await readFile(`${folder}/node_modules/${name}/package.json`, 'utf8');
  return `${name} ${z.object({ version: z.string() }).parse(JSON.parse(text)).version}`;
}
