import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { bundleGateway, startGatewayProcess } from '../test/support/process.ts';
import { cpuOf, memoryOf } from './cpu.ts';
import { commit, figure, machine, median, publish, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { FIRST_PAGE } from './operations.ts';
import { startSandboxProcess } from './sandbox.ts';

/** By then what was begun at the start is done. */
const IDLE_MS = 1_000;

interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: (round: number) => Readonly<Record<string, string>>;
  readonly query: string;
}

interface Start {
  /** From the start of the process to its first answer, in ms. */
  readonly answered: number[];
  /** Of the processor, by the time it is idle, in ms. */
  readonly cpu: number[];
  /** Resident memory, idle, in MiB. */
  readonly memory: number[];
}

/** Measures how long the gateway takes from its start to its first answer, beside the least that graphql-yoga can be. */
export async function benchStart({ quick }: { quick: boolean }): Promise<void> {
  const rounds = quick ? 3 : 21;
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sandbox = await startSandboxProcess();
  await using bundle = await bundleGateway();
  const env = (file: string) => ({
    ...sandbox.environment,
    PORT: '0',
    DATABASE_URL: `file:${folder}/${file}.db`,
  });
  const hello = JSON.stringify({ query: '{ hello }' });
  const subjects: readonly Subject[] = [
    { name: 'graphql-yoga', command: ['bench/peers/hello.js'], env: () => ({}), query: hello },
    { name: 'gateway', command: bundle.command, env: () => env('kept'), query: FIRST_PAGE },
    {
      name: 'gateway, new record',
      command: bundle.command,
      env: (round) => env(`new-${round}`),
      query: FIRST_PAGE,
    },
  ];
  const starts = subjects.map((): Start => ({ answered: [], cpu: [], memory: [] }));
  try {
    // The first round warms the disk's cache up.
    for (let round = -1; round < rounds; round += 1) {
      for (const [at, subject] of inTurn(subjects, round)) {
        const { answered, cpu, memory } = await startOnce(subject, round);
        if (round < 0) continue;
        starts[at]?.answered.push(answered);
        starts[at]?.cpu.push(cpu);
        starts[at]?.memory.push(memory);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const [yoga] = starts;
  const ratio = ({ answered }: Start) =>
    figure(median(answered.map((ms, at) => ms / (yoga?.answered[at] ?? NaN))));
  const text = [
    `Measured with \`npm run bench -- start\` at ${commit()}: ${machine()}. Each is a process of its own, asked as soon as it listens: graphql-yoga with one field for that field, unbundled; the gateway for the first page of purchases, as \`npm run build\` made it, with its record opened. Medians of ${rounds} rounds in which they take turns, with the middle half.`,
    table(
      ['', 'first answer, ms', '÷ graphql-yoga', 'CPU, ms', 'memory when idle, MiB'],
      subjects.map(({ name }, at) => {
        const start = starts[at] ?? { answered: [], cpu: [], memory: [] };
        return [name, spread(start.answered), ratio(start), spread(start.cpu), spread(start.memory)];
      }),
    ),
  ].join('\n\n');
  process.stdout.write(`${text}\n`);
  if (!quick) await publish('docs/performance.md', 'start', text);
}

async function startOnce({ command, env, query }: Subject, round: number) {
  const startedAt = performance.now();
  await using running = await startGatewayProcess(env(round), command);
  const response = await fetch(`${running.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: query,
  });
  const answer = await response.text();
  const answered = performance.now() - startedAt;
  if (!response.ok || answer.includes('"errors"')) throw new Error(`a wrong answer: ${answer}`);
  await sleep(IDLE_MS);
  return { answered, cpu: cpuOf([running.pid]), memory: memoryOf(running.pid) };
}
