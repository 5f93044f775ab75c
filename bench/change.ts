import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bundleGateway, startGatewayProcess, type GatewayProcess } from '../test/support/process.ts';
import { buy } from './ask.ts';
import { machine, median, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { load, type LoadOptions } from './load.ts';
import * as operations from './operations.ts';
import { startSandboxProcess } from './sandbox.ts';

const CONNECTIONS = 32;
/** More than a page of purchases. */
const RECORDED = 60;
/** Not counted: whatever is compiled while it runs, is by then. */
const WARM_UP_ROUNDS = 3;

const workloads: Readonly<Record<string, Pick<LoadOptions, 'body' | 'isRight'>>> = {
  accounts: { body: operations.ACCOUNTS, isRight: operations.isWhole },
  home: { body: operations.HOME, isRight: operations.isWhole },
  page: { body: operations.PAGE_WITH_ACCOUNTS, isRight: operations.isWhole },
  confirm: { body: operations.confirmation, isRight: operations.isSuccess },
};
export const WORKLOADS = Object.keys(workloads);

const modes = [
  { mode: 'as it comes', settings: {}, names: WORKLOADS },
  // A confirm is nobody else's in any case.
  {
    mode: 'nothing shared',
    settings: operations.ALONE,
    names: WORKLOADS.filter((name) => name !== 'confirm'),
  },
];

interface ChangeOptions {
  readonly quick: boolean;
  /** Another checkout of the gateway. */
  readonly before: string;
  readonly only: readonly string[];
}

/**
 * Measures what a change brought: the gateway of another checkout beside this one's, several processes of each, for one
 * may be quicker than the next of the same for as long as it lives. Tells the figures, and writes nothing.
 */
export async function benchChange({ quick, before, only }: ChangeOptions): Promise<void> {
  const [rounds, seconds, processes] = quick ? [3, 1, 1] : [9, 1, 4];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sandbox = await startSandboxProcess();
  await using bundleBefore = await bundleGateway(before);
  await using bundleAfter = await bundleGateway();
  const bundles = Array.from({ length: processes }, () => [bundleBefore, bundleAfter]).flat();
  try {
    for (const { mode, settings, names } of modes) {
      const gateways: GatewayProcess[] = [];
      const rows: string[][] = [];
      try {
        for (const [at, { command }] of bundles.entries()) {
          const database = `file:${folder}/${mode.replaceAll(' ', '-')}-${at}.db`;
          const env = { ...sandbox.environment, ...operations.UNLIMITED, ...settings };
          gateways.push(await startGatewayProcess({ ...env, PORT: '0', DATABASE_URL: database }, command));
        }
        for (const { url } of gateways) for (let n = 0; n < RECORDED; n += 1) await buy(url);
        for (const name of names.filter((known) => only.includes(known))) {
          const work = workloads[name];
          if (work === undefined) continue;
          const cpu: number[][] = gateways.map(() => []);
          for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
            for (const [at, gateway] of inTurn(gateways, round)) {
              const done = await load({ servers: [gateway], connections: CONNECTIONS, seconds, ...work });
              if (round >= 0) cpu[at]?.push(done.cpu);
            }
          }
          rows.push([name, ...compared(cpu, rounds)]);
        }
      } finally {
        for (const gateway of gateways) await gateway.kill('SIGTERM');
      }
      process.stdout.write(`${table([mode, 'CPU ms each, before', 'after', 'after ÷ before'], rows)}\n\n`);
    }
    const each = processes === 1 ? 'One process' : `${processes} processes`;
    process.stdout.write(
      `${machine()}. ${each} of each in turns, ${CONNECTIONS} connections, ${rounds} rounds of ${seconds} s; medians, with the middle half.\n`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Of processes that are by turns the ones before and those after: each side's own medians, and the ratio of each round's. */
function compared(cpu: readonly (readonly number[])[], rounds: number): string[] {
  const [before = [], after = []] = [0, 1].map((side) => cpu.filter((_, at) => at % 2 === side));
  const ratios = Array.from({ length: rounds }, (_, round) => {
    const inRound = (side: readonly (readonly number[])[]) => median(side.map((one) => one[round] ?? NaN));
    return inRound(after) / inRound(before);
  });
  return [before, after].map((side) => spread(side.map((one) => median(one)))).concat(spread(ratios));
}
