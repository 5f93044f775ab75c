import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startIssuer } from '../test/support/issuer.ts';
import { bundleGateway, startGatewayProcess, type GatewayProcess } from '../test/support/process.ts';
import { commit, figure, machine, median, publish, spread, table } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { load } from './load.ts';
import { ACCOUNTS, confirmation, isSuccess, isWhole, UNLIMITED } from './operations.ts';
import { startSandboxProcess } from './sandbox.ts';

const CONNECTIONS = 32;

const workloads = {
  accounts: { body: ACCOUNTS, isRight: isWhole },
  confirm: { body: confirmation, isRight: isSuccess },
};

/** Measures a gateway that asks for a JWT beside one that asks for nothing, in turns. */
export async function benchAuth({ quick }: { quick: boolean }): Promise<void> {
  const [rounds, seconds] = quick ? [3, 2] : [15, 3];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await using sandbox = await startSandboxProcess();
  await using issuer = await startIssuer();
  await using bundle = await bundleGateway();
  const started: GatewayProcess[] = [];
  const start = async (name: string, env: Readonly<Record<string, string>>) => {
    const database = `file:${folder}/${name}.db`;
    const gateway = await startGatewayProcess(
      { ...sandbox.environment, ...UNLIMITED, PORT: '0', DATABASE_URL: database, ...env },
      bundle.command,
    );
    started.push(gateway);
    return gateway;
  };
  try {
    const authorization = `Bearer ${await issuer.token({}, { expiresIn: 86_400 })}`;
    const modes = [
      { gateway: await start('none', {}), headers: () => ({}) },
      { gateway: await start('jwt', issuer.env), headers: () => ({ authorization }) },
    ];
    const parts: string[] = [];
    for (const [what, work] of Object.entries(workloads)) {
      const measured = modes.map(() => ({ perSecond: [] as number[], cpu: [] as number[] }));
      for (let round = -1; round < rounds; round += 1) {
        for (const [at, { gateway, headers }] of inTurn(modes, round)) {
          const done = await load({
            ...{ servers: [gateway], connections: CONNECTIONS, seconds, headers },
            ...work,
          });
          // The first round warms up.
          if (round < 0) continue;
          measured[at]?.perSecond.push(done.perSecond);
          measured[at]?.cpu.push(done.cpu);
        }
      }
      const [none, jwt] = measured;
      const ratio = (key: 'perSecond' | 'cpu') =>
        figure(median((jwt?.[key] ?? []).map((value, at) => value / (none?.[key][at] ?? NaN))));
      parts.push(
        table(
          [what, 'none', 'jwt', 'jwt ÷ none'],
          [
            ['per second', spread(none?.perSecond ?? []), spread(jwt?.perSecond ?? []), ratio('perSecond')],
            ['CPU, ms each', spread(none?.cpu ?? []), spread(jwt?.cpu ?? []), ratio('cpu')],
          ],
        ),
      );
    }
    const text = [
      `Measured with \`npm run bench -- auth\` at ${commit()}: ${machine()}. ${CONNECTIONS} connections with one ES256 token, medians of ${rounds} rounds of ${seconds} s in which the two take turns, with the middle half.`,
      ...parts,
    ].join('\n\n');
    process.stdout.write(`${text}\n`);
    if (!quick) await publish('docs/performance.md', 'auth', text);
  } finally {
    for (const gateway of started) await gateway.kill('SIGTERM');
    await rm(folder, { recursive: true });
  }
}
