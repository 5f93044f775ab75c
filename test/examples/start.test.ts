import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { startSandbox } from '../../sandbox/sandbox.ts';
import { temporaryFolder, until } from '../support/stack.ts';

/** `npm start`, with its output so far. */
function start(env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/start.ts'], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const told = { out: '', err: '' };
  child.stdout.on('data', (chunk) => void (told.out += String(chunk)));
  child.stderr.on('data', (chunk) => void (told.err += String(chunk)));
  return { child, told, ended: once(child, 'exit') };
}

it('npm start has the sandbox where the docs say, else somewhere that it tells', async () => {
  await using folder = await temporaryFolder();
  // Somebody else's may be there already, which is as good.
  const other = await startSandbox({ port: 4010 }).catch(() => undefined);
  const moved = start({ DATABASE_URL: `file:${join(folder.path, 'moved.db')}` });
  await until(() => moved.told.out.includes('Ctrl-C'), 'a start');
  const [, url = ''] =
    /Sandbox +(http:\S+) \(4010 is taken; SANDBOX_PORT chooses another\)/.exec(moved.told.out) ?? [];
  expect((await fetch(`${url}/__sandbox/ledger`)).status).toBe(200);
  moved.child.kill('SIGTERM');
  expect(await moved.ended).toEqual([0, null]);
  if (other === undefined) return;
  await other.close();
  const usual = start({ DATABASE_URL: `file:${join(folder.path, 'usual.db')}` });
  await until(() => usual.told.out.includes('Ctrl-C'), 'a start');
  expect(usual.told.out).toContain('Sandbox    http://127.0.0.1:4010\n');
  usual.child.kill('SIGTERM');
  expect(await usual.ended).toEqual([0, null]);
});

it('npm start names a SANDBOX_PORT that is none, or in use', async () => {
  await using sandbox = await startSandbox();
  const { port } = new URL(sandbox.url);
  for (const [SANDBOX_PORT, said] of [
    ['4010x', 'SANDBOX_PORT must be a whole number from 0 to 65535'],
    [port, `Port ${port} is in use. Stop the other program or set SANDBOX_PORT.`],
  ] as const) {
    const { ended, told } = start({ SANDBOX_PORT });
    expect(await ended).toEqual([1, null]);
    expect(told.err).toBe(`${said}\n`);
  }
});
