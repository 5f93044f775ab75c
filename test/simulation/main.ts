// Plays histories on every core: npm run simulate -- --runs 100000 [--seed N [--path P]]
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { campaign } from './properties.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    path: { type: 'string' },
    worker: { type: 'boolean', default: false },
  },
});
const [runs, seed] = [values.runs, values.seed].map((text) => {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  console.error('--runs and --seed take whole numbers');
  return process.exit(2);
}) as [number, number];

if (values.worker || values.path !== undefined) {
  const report = await campaign({ runs, seed, path: values.path });
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
