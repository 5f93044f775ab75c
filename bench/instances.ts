import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bundleGateway, startGatewayProcess, type GatewayProcess } from '../test/support/process.ts';
import { cpuOf, pidsOf } from './cpu.ts';
import { commit, figure, machine, median, publish, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { load, type Load } from './load.ts';
import { withSchema } from './postgres.ts';
import { startSandboxProcess } from './sandbox.ts';
import { ALONE, confirmation, FIRST_PAGE, isFirstPage, isSuccess, UNLIMITED } from './operations.ts';

const CONNECTIONS = 32;
const INSTANCES = [1, 2, 4];

interface Stack {
  readonly name: string;
  readonly gateways: readonly GatewayProcess[];
}

interface Round extends Load {
  /** Processor time per request, in ms. */
  readonly databaseCpu: number;
}

const workloads = {
  confirm: { body: confirmation, isRight: isSuccess },
  'the first 50 purchases': { body: FIRST_PAGE, isRight: isFirstPage },
};

/** Measures one SQLite gateway and 1, 2 and 4 on one PostgreSQL, in turns, and writes the table into docs/scaling.md. */
export async function benchInstances({ quick }: { quick: boolean }): Promise<void> {
  const [rounds, seconds] = quick ? [2, 2] : [5, 3];
  await using bundle = await bundleGateway();
  await using sandbox = await startSandboxProcess();
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const started: GatewayProcess[] = [];
  const start = async (database: string) => {
    const gateway = await startGatewayProcess(
      {
        ...sandbox.environment,
        PORT: '0',
        ...UNLIMITED,
        ...ALONE,
        LOG_LEVEL: 'info',
        DATABASE_URL: database,
      },
      bundle.command,
    );
    started.push(gateway);
    return gateway;
  };
  const names = INSTANCES.map((count) => `bench_${count}_${randomUUID().slice(0, 8)}`);
  try {
    await withSchema(names, async (urls) => {
      try {
        const stacks: Stack[] = [{ name: 'SQLite', gateways: [await start(`file:${folder}/gateway.db`)] }];
        for (const [at, count] of INSTANCES.entries()) {
          const gateways: GatewayProcess[] = [];
          while (gateways.length < count) gateways.push(await start(urls[at] ?? ''));
          stacks.push({ name: `PostgreSQL, ${count}`, gateways });
        }
        const measured = await measure(stacks, rounds, seconds);
        const text = [
          `Measured with \`npm run bench -- instances\` at ${commit()}: ${machine()}. Gateways, database, sandbox and the load itself share these processors, so that more instances cannot be faster here; what each request costs is the sturdier figure. Nobody shares an answer (\`UPSTREAM_COALESCING=off\`). ${CONNECTIONS} connections, medians of ${rounds} rounds of ${seconds} s in which the rows take turns.`,
          ...Object.entries(measured).map(([workload, rows]) =>
            table(
              [workload, 'per second', 'p50 ms', 'p99 ms', 'gateway CPU, ms each', 'PostgreSQL CPU, ms each'],
              rows.map(([name, all]) => [
                name,
                ...(['perSecond', 'p50', 'p99', 'cpu', 'databaseCpu'] as const).map((key) =>
                  key === 'databaseCpu' && name === 'SQLite'
                    ? '–'
                    : figure(median(all.map((one) => one[key]))),
                ),
              ]),
            ),
          ),
        ].join('\n\n');
        process.stdout.write(`${text}\n`);
        if (!quick) await publish('docs/scaling.md', 'instances', text);
      } finally {
        for (const gateway of started) await gateway.kill('SIGTERM');
      }
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(
  stacks: readonly Stack[],
  rounds: number,
  seconds: number,
): Promise<Record<string, [string, Round[]][]>> {
  const measured: Record<string, [string, Round[]][]> = {};
  for (const [workload, work] of Object.entries(workloads)) {
    const rows = stacks.map(({ name }): [string, Round[]] => [name, []]);
    for (let round = -1; round < rounds; round += 1) {
      for (const [at, { gateways }] of inTurn(stacks, round)) {
        const before = cpuOf(pidsOf('postgres'));
        const done = await load({ servers: gateways, connections: CONNECTIONS, seconds, ...work });
        const databaseCpu = (cpuOf(pidsOf('postgres')) - before) / done.requests;
        // The first round warms up.
        if (round >= 0) rows[at]?.[1].push({ ...done, databaseCpu });
      }
    }
    measured[workload] = rows;
  }
  return measured;
}
