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

interface Crowd {
  readonly connections: number;
  /** Each buyer thinks at most so long before the next purchase. */
  readonly pauseMs: number;
}

/** They buy as fast as they can. */
const hurried: readonly Crowd[] = [1, 8, 32, 64].map((connections) => ({ connections, pauseMs: 0 }));
/** A shop's day: many buyers, each now and then. */
const unhurried: readonly Crowd[] = [2_560, 1_280, 640].map((pauseMs) => ({ connections: 64, pauseMs }));
const crowds = [...hurried, ...unhurried];

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
    const direct = (crowd: Crowd) =>
      buyers({
        ...{ origin, path: `${pathname}/purchases/confirm`, headers: { authorization } },
        ...{ ...crowd, seconds, body: plainConfirm, pid: sandbox.pid },
        isRight: (answer) => answer.includes('"status":"SUCCESS"'),
      });
    const ours = async (crowd: Crowd) => {
      await pulseOf(gateway);
      const done = await buyers({
        ...{ origin: gateway.url, path: '/graphql', ...crowd, seconds, pid: gateway.pid },
        ...{ body: confirmation, isRight: isSuccess },
      });
      return { ...done, ...(await pulseOf(gateway)) };
    };
    const measured = new Map<Crowd, Round[]>(crowds.map((crowd) => [crowd, []]));
    for (let round = -1; round < rounds; round += 1) {
      for (const [, crowd] of inTurn(crowds, round)) {
        const one = { direct: await direct(crowd), ours: await ours(crowd) };
        // The first round warms up.
        if (round >= 0) measured.get(crowd)?.push(one);
      }
    }
    const text = [
      `Measured with \`npm run bench -- confirm\` at ${commit()}: ${machine()}. The load, the gateway and the sandbox share these processors. Medians of ${rounds} rounds of ${seconds} s in which the two take turns, with the middle half; the ratio, and what is more, is the median of each round's own. CPU is of the one that answers: the sandbox, and the gateway (the sandbox works for it too).`,
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

function tell(measured: ReadonlyMap<Crowd, readonly Round[]>): string[] {
  const rowsOf = (some: readonly Crowd[], row: (crowd: Crowd, rounds: readonly Round[]) => string[]) =>
    some.map((crowd) => row(crowd, measured.get(crowd) ?? []));
  const speed = ({ connections }: Crowd, rounds: readonly Round[]) => [
    String(connections),
    spread(rounds.map(({ direct }) => direct.perSecond)),
    spread(rounds.map(({ ours }) => ours.perSecond)),
    middle(rounds, ({ direct, ours }) => ours.perSecond / direct.perSecond),
    `${middle(rounds, ({ direct }) => direct.p50)} · ${middle(rounds, ({ ours }) => ours.p50)}`,
    middle(rounds, ({ direct, ours }) => ours.p50 - direct.p50),
    `${middle(rounds, ({ direct }) => direct.p99)} · ${middle(rounds, ({ ours }) => ours.p99)}`,
    `${middle(rounds, ({ direct }) => direct.cpu)} · ${middle(rounds, ({ ours }) => ours.cpu)}`,
  ];
  const wait = ({ pauseMs }: Crowd, rounds: readonly Round[]) => [
    `each after up to ${pauseMs / 1_000} s`,
    middle(rounds, ({ ours }) => ours.perSecond),
    ...(['p50', 'p90', 'p99'] as const).flatMap((key) => [
      `${middle(rounds, ({ direct }) => direct[key])} · ${middle(rounds, ({ ours }) => ours[key])}`,
      middle(rounds, ({ direct, ours }) => ours[key] - direct[key]),
    ]),
  ];
  const disk = ({ connections }: Crowd, rounds: readonly Round[]) => [
    String(connections),
    middle(rounds, ({ ours }) => ours.requests / ours.flushes),
    // Three for each purchase: intent, answer, outcome.
    middle(rounds, ({ ours }) => (3 * ours.requests) / ours.transactions),
    middle(rounds, ({ ours }) => ours.transactionP99 ?? NaN),
    middle(rounds, ({ ours }) => ours.loopDelayP99),
  ];
  const speeds = ['straight, per second', 'gateway, per second', 'ratio'];
  const times = ['p50 ms, straight · gateway', 'more, ms', 'p99 ms, straight · gateway'];
  const waits = ['p50', 'p90', 'p99'].flatMap((name) => [`${name} ms, straight · gateway`, 'more, ms']);
  const held = ['a transaction p99, ms', 'event loop delay p99, ms'];
  return [
    table(['connections', ...speeds, ...times, 'CPU ms each, straight · gateway'], rowsOf(hurried, speed)),
    table(['64 buyers who think', 'per second', ...waits], rowsOf(unhurried, wait)),
    table(['connections', 'confirms per fsync', 'writes per transaction', ...held], rowsOf(hurried, disk)),
  ];
}

function middle(rounds: readonly Round[], pick: (round: Round) => number): string {
  return figure(median(rounds.map(pick)));
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
