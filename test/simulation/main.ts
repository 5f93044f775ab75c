// Plays histories on every core: npm run simulate -- --runs 100000 [--seed N [--path P]]
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import { InvalidArgumentError, Option, program } from 'commander';

import { campaign } from './properties.ts';

const {
  runs,
  seed = randomInt(2 ** 31),
  path,
  worker,
} = program
  .name('npm run simulate --')
  .description('Plays purchases through everything that can go wrong, and checks what was promised of each.')
  .option('--runs <n>', 'how many histories', aWholeNumber, 100_000)
  .option('--seed <n>', 'those of this seed; any without it', aWholeNumber)
  .option('--path <path>', 'the one that a report names, with its seed')
  .addOption(new Option('--worker').hideHelp())
  .parse()
  .opts<{ runs: number; seed?: number; path?: string; worker?: true }>();

if (worker === true || path !== undefined) {
  const report = await campaign({ runs, seed, path });
  if (report !== undefined) console.error(report);
  process.exitCode = report === undefined ? 0 : 1;
} else {
  const workers = availableParallelism();
  const startedAt = performance.now();
  const codes = await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const share = Math.floor(runs / workers) + (worker < runs % workers ? 1 : 0);
      const args = ['--worker', '--runs', String(share), '--seed', String(seed + worker)];
      const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--import', 'tsx'] });
      return new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
    }),
  );
  const failed = codes.some((code) => code !== 0);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const outcome = failed ? 'a promise was broken' : 'no promise was broken';
  console.log(`${runs} histories from seed ${seed} in ${seconds} s on ${workers} cores: ${outcome}`);
  process.exitCode = failed ? 1 : 0;
}

function aWholeNumber(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
