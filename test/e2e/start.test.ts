import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { startSandbox } from '../../sandbox/sandbox.ts';
import { commandLine, startGatewayProcess } from '../support/process.ts';
import { environment, graphqlCaller, temporaryFolder } from '../support/stack.ts';

async function end(env: Record<string, string>): Promise<{ code: number | null; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [err] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, err };
}

describe('the process', () => {
  it.each(['0.0.0.0', '::', '192.168.1.5', 'gateway.example'])(
    'does not start on %s without authentication, and says why and what to do',
    async (HOST) => {
      await using folder = await temporaryFolder();
      await using sandbox = await startSandbox();
      const env = environment(sandbox, join(folder.path, 'gateway.db'), { env: { HOST } });
      const { code, err } = await end(env);
      expect(code).toBe(1);
      expect(err).toMatch(/HOST is not a loopback address.*AUTH_MODE=none.*set AUTH_MODE to jwt or api-key/);
    },
  );

  it('starts on every address with authentication, and lets nobody in', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    const options = { env: { HOST: '0.0.0.0', AUTH_MODE: 'api-key' } };
    await using gateway = await startGatewayProcess(
      environment(sandbox, join(folder.path, 'gateway.db'), options),
    );
    const url = gateway.url.replace('0.0.0.0', '127.0.0.1');
    const { errors } = await graphqlCaller(url)('{ viewer { scopes } }');
    expect(errors?.[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED', retryable: false });
  });

  it('makes no object old, however long those before it have lived: V8 does not count that', async () => {
    await using folder = await temporaryFolder();
    await using sandbox = await startSandbox();
    // A young generation of a megabyte is collected after some dozen requests.
    const flags = ['--trace-gc', '--trace-pretenuring-statistics', '--max-semi-space-size=1'];
    const env = environment(sandbox, join(folder.path, 'gateway.db'), {
      env: { RATE_LIMIT_PER_MINUTE: '0' },
    });
    await using gateway = await startGatewayProcess(env, [...flags, ...commandLine('serve')]);
    const started = gateway.output().length;
    const graphql = graphqlCaller(gateway.url);
    for (let n = 0; n < 60; n += 1)
      await Promise.all(Array.from({ length: 50 }, () => graphql('{ accounts { id } }')));
    // What is traced comes in order, but not at once.
    await gateway.kill('SIGTERM');
    const traced = gateway.output().slice(started);
    expect(traced.match(/Scavenge/g)?.length).toBeGreaterThan(2);
    expect(traced).not.toContain('pretenuring');
  }, 60_000);
});
