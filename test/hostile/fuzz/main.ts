// Fuzzes the HTTP and WebSocket entrances: npm run fuzz -- --minutes 60 [--seed N], or --replay N for one case again.
import { randomInt } from 'node:crypto';

import { InvalidArgumentError, program } from 'commander';

import { caseOf } from './cases.ts';
import { fuzz, show } from './campaign.ts';

const {
  minutes,
  replay,
  seed: from = randomInt(2 ** 30),
} = program
  .name('npm run fuzz --')
  .description(
    'Sends what no client sends to the HTTP and WebSocket entrances, and checks that nothing breaks.',
  )
  .option('--minutes <n>', 'for how long', aNumber, 60)
  .option('--seed <n>', 'the cases from this seed on; any without it', aNumber)
  .option('--replay <n>', 'one case again, shown', aNumber)
  .parse()
  .opts<{ minutes: number; seed?: number; replay?: number }>();
const seed = replay ?? from;

if (replay !== undefined) console.log(show(caseOf(seed)));
const startedAt = performance.now();
const { cases, answers, faults } = await fuzz({
  seed,
  seconds: minutes * 60,
  ...(replay !== undefined && { cases: 1 }),
});
const seconds = Math.round((performance.now() - startedAt) / 1_000);
console.log(
  `${cases} cases from seed ${seed} in ${seconds} s: ${faults.length === 0 ? 'nothing broke' : 'something broke'}`,
);
console.log(
  Object.entries(answers)
    .sort(([, a], [, b]) => b - a)
    .map(([answer, count]) => `${answer}: ${count}`)
    .join(', '),
);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

function aNumber(text: string): number {
  if (/^\d{1,10}(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number.');
}
