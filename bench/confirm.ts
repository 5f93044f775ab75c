import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { bundleGateway, startGatewayProcess, type GatewayProcess } from '../test/support/process.ts';
import { buyers } from './buyers.ts';
import { commit, figure, machine, median, publish, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import type { Load } from './load.ts';
import { confirmation, isSuccess, UNLIMITED } from './operations.ts';
import { logIn, startSandboxProcess } from './sandbox.ts';

const CONNECTIONS = [1, 8, 32, 64];

const pulse = z.object({
  pulse: z.object({
    flushes: z.int(),
    transactions: z.int(),
    /** Null before the first one. */
    transactionP99: z.number().nullable(),
    loopDelayP99: z.number(),
  }),
});
type Pulse = z.output<typeof pulse>['pulse'];

interface Round {
  readonly direct: Load;
  readonly ours: Load & Pulse;
}

/** Measures confirms through the gateway, with its durable record, beside the same ones sent straight to the sandbox. */
export async function benchConfirm({ quick }: { quick: boolean }): Promise<void> {
  const [rounds, seconds] = quick ? [3, 2] : [9, 4];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sandbox = await startSandboxProcess();
  await using bundle = await bundleGateway();
  const command = ['--import', 'tsx', '--import', './bench/pulse.ts', ...bundle.command];
  const database = `file:${folder}/gateway.db`;
  const env = { ...sandbox.environment, ...UNLIMITED, PORT: '0', DATABASE_URL: database };
  const gateway = await startGatewayProcess(env, command);
  try {
    const { origin, pathname } = new URL(`${sandbox.environment['SCRATCHPOWER_BASE_URL'] ?? ''}/v1`);
    const authorization = `Bearer ${await logIn(sandbox.environment)}`;
    const direct = (connections: number) =>
      buyers({
        ...{ origin, path: `${pathname}/purchases/confirm`, headers: { authorization } },
        ...{ connections, seconds, body: plainConfirm, pid: sandbox.pid },
        isRight: (answer) => answer.includes('"status":"SUCCESS"'),
      });
    const ours = async (connections: number) => {
      await pulseOf(gateway);
      const done = await buyers({
        ...{ origin: gateway.url, path: '/graphql', connections, seconds, pid: gateway.pid },
        ...{ body: confirmation, isRight: isSuccess },
      });
      return { ...done, ...(await pulseOf(gateway)) };
    };
    const measured = new Map<number, Round[]>(CONNECTIONS.map((connections) => [connections, []]));
    for (let round = -1; round < rounds; round += 1) {
      for (const [, connections] of inTurn(CONNECTIONS, round)) {
        const one = { direct: await direct(connections), ours: await ours(connections) };
        // The first round warms up.
        if (round >= 0) measured.get(connections)?.push(one);
      }
    }
    const text = [
      `Measured with \`npm run bench -- confirm\` at ${commit()}: ${machine()}. The load, the gateway and the sandbox share these processors. Medians of ${rounds} rounds of ${seconds} s in which the two take turns, with the middle half; the ratio is the median of each round's own. CPU is of the one that answers: the sandbox, and the gateway (the sandbox works for it too).`,
      ...tell(measured),
    ].join('\n\n');
    process.stdout.write(`${text}\n`);
    if (!quick) await publish('docs/performance.md', 'confirm', text);
  } finally {
    await gateway.kill('SIGTERM');
    await rm(folder, { recursive: true });
  }
}

/** What the upstream is sent by the gateway, of the same purchase. */
function plainConfirm(): string {
  return JSON.stringify({
    ...{ source_channel: 'WEB', language: 'en-BW', product_type: 'ELECTRICITY', provider_code: 'BPC' },
    ...{ debited_account_id: 13_209, beneficiary_phone_number: '26771436390' },
    ...{ subscriber_identifier: '04040404040', currency: 'BWP', amount: 0.01, charges_on_top_flag: false },
    external_reference: `GW-${randomUUID()}`,
  });
}

function tell(measured: ReadonlyMap<number, readonly Round[]>): string[] {
  const speed: string[][] = [];
  const disk: string[][] = [];
  for (const [connections, rounds] of measured) {
    const of = (pick: (round: Round) => number) => rounds.map(pick);
    const middle = (pick: (round: Round) => number) => figure(median(of(pick)));
    speed.push([
      String(connections),
      spread(of(({ direct }) => direct.perSecond)),
      spread(of(({ ours }) => ours.perSecond)),
      middle(({ direct, ours }) => ours.perSecond / direct.perSecond),
      `${middle(({ direct }) => direct.p50)} · ${middle(({ ours }) => ours.p50)}`,
      middle(({ direct, ours }) => ours.p50 - direct.p50),
      `${middle(({ direct }) => direct.p99)} · ${middle(({ ours }) => ours.p99)}`,
      `${middle(({ direct }) => direct.cpu)} · ${middle(({ ours }) => ours.cpu)}`,
    ]);
    disk.push([
      String(connections),
      middle(({ ours }) => ours.requests / ours.flushes),
      // Three for each purchase: intent, answer, outcome.
      middle(({ ours }) => (3 * ours.requests) / ours.transactions),
      middle(({ ours }) => ours.transactionP99 ?? NaN),
      middle(({ ours }) => ours.loopDelayP99),
    ]);
  }
  const speeds = ['straight, per second', 'gateway, per second', 'ratio'];
  const times = ['p50 ms, straight · gateway', 'more, ms', 'p99 ms, straight · gateway'];
  const held = ['a transaction p99, ms', 'event loop delay p99, ms'];
  return [
    table(['connections', ...speeds, ...times, 'CPU ms each, straight · gateway'], speed),
    table(['connections', 'confirms per fsync', 'writes per transaction', ...held], disk),
  ];
}

/** What the gateway tells of itself since it was asked the last time. */
async function pulseOf(gateway: GatewayProcess): Promise<Pulse> {
  const before = gateway.output().length;
  process.kill(gateway.pid, 'SIGUSR2');
  for (;;) {
    const line = /^\{"pulse".*\}$/m.exec(gateway.output().slice(before))?.[0];
    if (line !== undefined) return pulse.parse(JSON.parse(line)).pulse;
    await sleep(5);
  }
}
