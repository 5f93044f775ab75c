import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startIssuer } from '../test/support/issuer.ts';
import { bundleGateway, startGatewayProcess, type GatewayProcess } from '../test/support/process.ts';
import { memoryOf } from './cpu.ts';
import { fillSqlite, referenceOf } from './fill-sqlite.ts';
import { commit, figure, machine, median, publish, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { load, type Load } from './load.ts';
import { ACCOUNTS, ALONE, isWhole, pageOf, UNLIMITED } from './operations.ts';
import { startSandboxProcess } from './sandbox.ts';

const CONNECTIONS = 16;
const CALLERS = [1, 10, 100];
const DOCUMENTS = 1_000;
/** The record of all but the comparison of records. */
const RECORDED = 1_000;
const WARM_UP_ROUNDS = 2;
/** By then a document is compiled, where it is remembered. */
const USES_BEFORE = 5;

/** One line of a table. */
interface Case {
  readonly name: string;
  readonly gateway: GatewayProcess;
  readonly work: Work;
  readonly connections?: number;
  readonly headers?: () => Readonly<Record<string, string>>;
  /** Sent before anything is counted, at least. Default: what the first rounds bring. */
  readonly before?: number;
}

interface Work {
  readonly body: string | (() => string);
  readonly isRight: (answer: string) => boolean;
}

interface Round extends Load {
  /** Resident memory of the gateway, in MiB. */
  readonly memory: number;
}

const accounts: Work = { body: ACCOUNTS, isRight: isWhole };
const page = (first: number): Work => ({
  body: pageOf(first),
  isRight: (answer) => isWhole(answer) && answer.split('"SUCCEEDED"').length === first + 1,
});
const found = (answer: string) => isWhole(answer) && answer.includes('"SUCCEEDED"');

/** Nothing of a token: the first look at one in a day is written down. */
const FOUND = 'id createdAt status reference receiptNumber amount { amount currency } provider { name }';
/** Any purchase of a record of `count`, by its reference as a variable. */
const lookUp = (count: number): Work => ({
  body: () =>
    JSON.stringify({
      query: `query Find($reference: String!) { purchase(by: { reference: $reference }) { ${FOUND} } }`,
      variables: { reference: referenceOf(1 + Math.floor(Math.random() * count), count) },
    }),
  isRight: found,
});

/** Measures whether an operation costs the same whoever and how many ask, however much is recorded and however it is written. */
export async function benchFlat({ quick }: { quick: boolean }): Promise<void> {
  const [rounds, seconds] = quick ? [2, 0.5] : [5, 1.2];
  const sizes = [10, RECORDED, quick ? 50_000 : 1_000_000];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sandbox = await startSandboxProcess();
  await using issuer = await startIssuer();
  await using bundle = await bundleGateway();
  const running: GatewayProcess[] = [];
  const start = async (count: number, name: string, env: Readonly<Record<string, string>> = {}) => {
    const path = join(folder, `${name}.db`);
    await fillSqlite(path, count);
    const kept = { DATABASE_URL: `file:${path}`, ANSWER_RETENTION_MS: String(HUNDRED_YEARS_MS) };
    const gateway = await startGatewayProcess(
      { ...sandbox.environment, ...UNLIMITED, ...ALONE, PORT: '0', ...kept, ...env },
      bundle.command,
    );
    running.push(gateway);
    return gateway;
  };
  try {
    const parts: string[] = [];
    const measure = async (what: string, groups: readonly (readonly Case[])[]) => {
      const rows: string[][] = [];
      for (const cases of groups) rows.push(...(await inTurns(cases, rounds, seconds)));
      parts.push(table([what, 'per second', 'CPU ms each', '÷ first', 'p50 ms', 'MiB'], rows));
    };

    const strict = await start(RECORDED, 'jwt', issuer.env);
    const tokens = await Promise.all(
      Array.from({ length: Math.max(...CALLERS) }, (_, n) =>
        issuer.token({ sub: `caller-${n}` }, { expiresIn: 86_400 }),
      ),
    );
    const asking = (name: string, work: Work): Case[] => {
      const by = (callers: number, connections: number, who: string): Case => {
        let turn = 0;
        const headers = () => ({ authorization: `Bearer ${tokens[(turn += 1) % callers] ?? ''}` });
        return { name: `${name}: ${who}`, gateway: strict, work, connections, headers };
      };
      return [
        ...CALLERS.map((callers) => by(callers, callers, callers === 1 ? '1 caller' : `${callers} callers`)),
        by(1, Math.max(...CALLERS), `1 caller, ${Math.max(...CALLERS)} connections`),
      ];
    };
    await measure('callers, each with a token and a connection', [
      asking('accounts', accounts),
      asking('page of 50', page(50)),
      asking('look-up', lookUp(RECORDED)),
    ]);
    await strict.kill('SIGTERM');

    const records: { readonly count: number; readonly gateway: GatewayProcess }[] = [];
    for (const count of sizes) records.push({ count, gateway: await start(count, String(count)) });
    const holding = (name: string, work: (count: number) => Work, least = 0): Case[] =>
      records
        .filter(({ count }) => count >= least)
        .map(({ count, gateway }) => ({
          ...{ name: `${name}: ${count.toLocaleString('en')}`, gateway, work: work(count) },
        }));
    await measure('purchases in the record', [
      holding('page of 10', () => page(10)),
      holding('page of 50', () => page(50), RECORDED),
      holding('look-up of any', (count) => lookUp(count)),
      holding('accounts', () => accounts),
    ]);

    const gateway = records[1]?.gateway;
    if (gateway === undefined) throw new Error('nothing was started');
    const written = (name: string, body: (n: number) => string, isRight: (answer: string) => boolean) =>
      [1, DOCUMENTS].map((count): Case => {
        let turn = 0;
        return {
          ...{ name: `${name}: ${count.toLocaleString('en')}`, gateway, before: USES_BEFORE * count },
          work: { body: () => body((turn += 1) % count), isRight },
        };
      });
    await measure('documents', [
      written('accounts, another name and alias', namedAccounts, isWhole),
      [
        { name: 'look-up, its reference a variable: 1', gateway, work: lookUp(RECORDED) },
        ...written('look-up, its reference written out', writtenOut, found),
      ],
    ]);

    const text = [
      `Measured with \`npm run bench -- flat\` at ${commit()}: ${machine()}. Nobody shares an answer here (\`UPSTREAM_COALESCING=off\`). The load and the sandbox run on the same processors. ${CONNECTIONS} connections where nothing else is said, medians of ${rounds} rounds of ${seconds} s in which the lines of an operation take turns, with the middle half; \`÷ first\` is the CPU of each as a part of the first line's of its operation, the median of each round's own.`,
      ...parts,
    ].join('\n\n');
    process.stdout.write(`${text}\n`);
    if (!quick) await publish('docs/performance.md', 'flat', text);
  } finally {
    for (const gateway of running) await gateway.kill('SIGTERM');
    await rm(folder, { recursive: true });
  }
}

/** Older answers would be blotted out while we measure. */
const HUNDRED_YEARS_MS = 3_155_760_000_000;

const namedAccounts = (n: number) =>
  JSON.stringify({
    query: `query Accounts${n} { mine${n}: accounts { id name category currency balance { amount currency } } }`,
  });
const writtenOut = (n: number) =>
  JSON.stringify({
    query: `query Find { purchase(by: { reference: "${referenceOf(1 + n, RECORDED)}" }) { ${FOUND} } }`,
  });

async function inTurns(cases: readonly Case[], rounds: number, seconds: number): Promise<string[][]> {
  const measured = cases.map((): Round[] => []);
  const ask = ({ gateway, work, connections = CONNECTIONS, headers }: Case) =>
    load({ servers: [gateway], connections, seconds, ...work, ...(headers && { headers }) });
  for (const one of cases) for (let sent = 0; sent < (one.before ?? 0);) sent += (await ask(one)).requests;
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const [at, one] of inTurn(cases, round)) {
      const done = await ask(one);
      if (round >= 0) measured[at]?.push({ ...done, memory: memoryOf(one.gateway.pid) });
    }
  }
  return cases.map(({ name }, at) => {
    const of = (key: keyof Round) => (measured[at] ?? []).map((one) => one[key]);
    const ratios = of('cpu').map((cpu, round) => cpu / (measured[0]?.[round]?.cpu ?? NaN));
    return [
      ...[name, spread(of('perSecond')), spread(of('cpu')), figure(median(ratios))],
      ...[figure(median(of('p50'))), figure(median(of('memory')))],
    ];
  });
}
