import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { WebSocket } from 'ws';
import { z } from 'zod';

import { bundleGateway, startGatewayProcess, type GatewayProcess } from '../test/support/process.ts';
import { buy } from './ask.ts';
import { cpuOf } from './cpu.ts';
import { commit, figure, machine, median, publish, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { LIVE, UNLIMITED } from './operations.ts';
import { startSandboxProcess } from './sandbox.ts';

/** Handshakes at a time: more would wait in the kernel's queue. */
const CONNECTING = 100;
/** Told to all who wait, one after another. */
const EVENTS = 5;
/** By then what was begun is done. */
const IDLE_MS = 1_000;

interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Round {
  /** Of a subscription with its socket, idle, in KiB. */
  readonly heap: number;
  readonly resident: number;
  /** From when a purchase is confirmed until the last has its event, in ms; of the slowest event. */
  readonly delivered: number;
  /** Processor time of the server for one event to all, in ms. */
  readonly cpu: number;
}

/** Measures what ten thousand subscriptions cost, beside Mercurius's own, and writes the table into docs/performance.md. */
export async function benchSockets({ quick }: { quick: boolean }): Promise<void> {
  const [rounds, sockets] = quick ? [1, 1_000] : [5, 10_000];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sandbox = await startSandboxProcess();
  await using bundle = await bundleGateway();
  const watched = ['--expose-gc', '--import', './bench/heap-on-signal.js'];
  const env = {
    ...{ ...sandbox.environment, ...UNLIMITED, PORT: '0', DATABASE_URL: `file:${folder}/gateway.db` },
    ...{ LIMIT_CONNECTIONS: '100000', LIMIT_SOCKETS: '100000', LIMIT_SOCKETS_PER_ADDRESS: '100000' },
    LIMIT_SUBSCRIPTIONS_PER_CALLER: '100000',
  };
  const subjects: readonly Subject[] = [
    { name: '**this gateway**', command: [...watched, ...bundle.command], env },
    {
      name: 'Mercurius',
      command: [...watched, '--import', 'tsx', 'bench/peers/mercurius-sockets.ts'],
      env: { ...env, RECORD: `${folder}/gateway.db`, NODE_ENV: 'production' },
    },
  ];
  const measured = subjects.map((): Round[] => []);
  try {
    for (let round = 0; round < rounds; round += 1) {
      // The gateway first of all: it makes the record that the peer opens.
      for (const [at, subject] of inTurn(subjects, round))
        measured[at]?.push(await measure(subject, sockets));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const versions = await Promise.all(['mercurius', 'ws', 'graphql-ws'].map(version));
  const [ours = []] = measured;
  const text = [
    `Measured with \`npm run bench -- sockets\` at ${commit()}: ${machine(...versions)}. ${figure(sockets)} sockets with one subscription each, all to the same event; the same client for both, which with the sandbox shares these processors. Each round is a fresh process. Memory is what ${figure(sockets)} idle subscriptions add to it, sockets included, after all garbage was collected; an event is a purchase confirmed on the sandbox, timed from the confirm until the last socket has it, the slowest of ${EVENTS}. This gateway also reads, records and logs; Mercurius keeps no record and pings nobody. Medians of ${rounds} rounds in which they take turns, with the middle half; ratios are medians of each round's own.`,
    table(
      [
        '',
        'heap, KiB each',
        '÷ ours',
        'resident, KiB each',
        '÷ ours',
        'delivered to all, ms',
        'CPU an event, ms',
      ],
      subjects.map(({ name }, at) => {
        const all = measured[at] ?? [];
        const of = (key: keyof Round) => all.map((one) => one[key]);
        const ratio = (key: keyof Round) =>
          figure(median(all.map((one, n) => one[key] / (ours[n]?.[key] ?? NaN))));
        return [
          ...[name, spread(of('heap')), ratio('heap'), spread(of('resident')), ratio('resident')],
          ...[spread(of('delivered')), spread(of('cpu'))],
        ];
      }),
    ),
  ].join('\n\n');
  process.stdout.write(`${text}\n`);
  if (!quick) await publish('docs/performance.md', 'sockets', text);
}

async function measure({ command, env }: Subject, count: number): Promise<Round> {
  await using server = await startGatewayProcess(env, command);
  await buy(server.url);
  const before = await memoryIn(server);
  const clients = new Clients(server.url);
  try {
    await clients.connect(count);
    await sleep(IDLE_MS);
    const idle = await memoryIn(server);
    const took: number[] = [];
    const cpuBefore = cpuOf([server.pid]);
    for (let n = 1; n <= EVENTS; n += 1) {
      const startedAt = performance.now();
      const all = clients.have(n);
      await buy(server.url);
      took.push((await all) - startedAt);
    }
    const cpu = (cpuOf([server.pid]) - cpuBefore) / EVENTS;
    const each = (key: 'heap' | 'resident') => (idle[key] - before[key]) / count / 1_024;
    return { heap: each('heap'), resident: each('resident'), delivered: Math.max(...took), cpu };
  } finally {
    clients.close();
  }
}

/** Sockets of graphql-transport-ws with one subscription each. */
class Clients {
  readonly #url: string;
  readonly #sockets: WebSocket[] = [];
  #received = 0;
  #awaited = Infinity;
  #there: ((at: number) => void) | undefined;

  constructor(url: string) {
    this.#url = `${url.replace('http', 'ws')}/graphql`;
  }

  async connect(count: number): Promise<void> {
    while (this.#sockets.length < count) {
      const some = Math.min(CONNECTING, count - this.#sockets.length);
      this.#sockets.push(...(await Promise.all(Array.from({ length: some }, () => this.#open()))));
    }
  }

  /** Resolves with the instant at which each has had so many events. */
  have(events: number): Promise<number> {
    this.#awaited = events * this.#sockets.length;
    return new Promise((resolve) => (this.#there = resolve));
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  #open(): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#url, 'graphql-transport-ws');
      socket.once('error', reject);
      socket.once('open', () => socket.send('{"type":"connection_init"}'));
      socket.once('message', () => {
        socket.send(LIVE);
        socket.on('message', (data: Buffer) => this.#hear(data));
        resolve(socket);
      });
    });
  }

  #hear(data: Buffer): void {
    if (!data.includes('"SUCCEEDED"')) throw new Error(`a wrong message: ${data.toString()}`);
    this.#received += 1;
    if (this.#received === this.#awaited) this.#there?.(performance.now());
  }
}

async function memoryIn(server: GatewayProcess): Promise<{ heap: number; resident: number }> {
  const told = () => [...server.output().matchAll(/^MEMORY (\d+) (\d+)$/gm)];
  const before = told().length;
  process.kill(server.pid, 'SIGUSR2');
  while (told().length === before) await sleep(50);
  const [, heap, resident] = told().at(-1) ?? [];
  return { heap: Number(heap), resident: Number(resident) };
}

async function version(name: string): Promise<string> {
  const text = await readFile(`node_modules/${name}/package.json`, 'utf8');
  return `${name} ${z.object({ version: z.string() }).parse(JSON.parse(text)).version}`;
}
