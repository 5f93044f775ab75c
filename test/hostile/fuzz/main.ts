// Fuzzes the HTTP and WebSocket entrances: npm run fuzz -- --minutes 60 [--seed N], or --replay N for one case again.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

import { caseOf } from './cases.ts';
import { fuzz, show } from './campaign.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(randomInt(2 ** 30)) },
    replay: { type: 'string' },
  },
});
const [minutes, seed] = [values.minutes, values.replay ?? values.seed].map((text) => {
  if (/^\d{1,10}(\.\d+)?$/.test(text)) return Number(text);
  console.error('--minutes, --seed and --replay take numbers');
  return process.exit(2);
}) as [number, number];

if (values.replay !== undefined) console.log(show(caseOf(seed)));
const startedAt = performance.now();
const { cases, answers, faults } = await fuzz({
  seed,
  seconds: minutes * 60,
  ...(values.replay !== undefined && { cases: 1 }),
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
