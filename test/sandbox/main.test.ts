import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { describe, expect, it, onTestFinished } from 'vitest';

import { testSubscribers } from '../../sandbox/meters.ts';
import { demoCredentials } from '../../sandbox/oauth.ts';
import { commandLine } from '../support/process.ts';
import { call, eventually, loginBody, open, paths } from './raw-client.ts';

/** `npm run sandbox`, with its output so far; `ended` is its exit code, null when a signal ended it. */
function run(env: Record<string, string>, ...argv: string[]) {
  const child = spawn(process.execPath, commandLine('sandbox', ...argv), {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const told = { out: '', err: '' };
  child.stdout.on('data', (chunk) => void (told.out += String(chunk)));
  child.stderr.on('data', (chunk) => void (told.err += String(chunk)));
  const ended = once(child, 'close').then(([code]): unknown => code);
  const listening = async () => {
    await eventually(() => told.out).toContain('docs/sandbox.md');
    return /listens on (http:\/\/\S+)/.exec(told.out)?.[1] ?? '';
  };
  return { child, told, ended, listening };
}

describe('npm run sandbox', () => {
  it('tells its address, the credentials and the test numbers, and serves', async () => {
    const { told, listening } = run({ PORT: '0', ACCESS_TOKEN_SECONDS: '77', PROCESSING_MS: '0' });
    const url = await listening();
    for (const { identifier, what } of testSubscribers) {
      expect(told.out).toContain(identifier);
      expect(told.out).toContain(what);
    }
    const settings = [...told.out.matchAll(/^ {2}SCRATCHPOWER_(\w+)=(.+)$/gm)];
    expect(Object.fromEntries(settings.map(([, name, value]) => [name, value]))).toEqual({
      BASE_URL: url,
      CLIENT_ID: demoCredentials.clientId,
      CLIENT_SECRET: demoCredentials.clientSecret,
      USERNAME: demoCredentials.username,
      PASSWORD: demoCredentials.password,
      ORG_CODE: demoCredentials.orgCode,
    });
    const session = await call(url + paths.v1.login, { json: loginBody({ credentials: demoCredentials }) });
    expect(session.body['access_in']).toBe(77);
    expect(told.err).toBe('');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends cleanly with %s, also in the middle of an answer',
    async (signal) => {
      const { child, told, ended, listening } = run({ PORT: '0' });
      const url = await listening();
      const fault = { endpoint: 'login', kind: 'trickle', delayMs: 600_000 };
      await call(`${url}/__sandbox/faults`, { json: fault });
      const json = loginBody({ credentials: demoCredentials });
      const response = await fetch(url + paths.v1.login, { method: 'POST', body: JSON.stringify(json) });
      child.kill(signal);
      await expect(response.text()).rejects.toThrow();
      expect(await ended).toBe(0);
      expect(told.err).toBe('');
    },
  );

  it('names every bad setting and does not start', async () => {
    const { told, ended } = run({ HOST: '', PORT: 'x', ACCESS_TOKEN_SECONDS: '0', PROCESSING_MS: '-1' });
    expect(await ended).toBe(1);
    const lines = told.err.trim().split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      ...['HOST', 'PORT', 'ACCESS_TOKEN_SECONDS', 'PROCESSING_MS'],
    ]);
    expect(lines[1]).toBe('PORT must be a whole number from 0 to 65535');
    expect(told.out).toBe('');
  });

  it('tells what it is and how it is set up, and takes no argument', async () => {
    const help = run({}, '--help');
    expect(await help.ended).toBe(0);
    expect(help.told.out).toMatch(/^Usage: scratchpower-graphql sandbox [^]*HOST, PORT/);
    for (const wrong of ['--foo', 'foo']) {
      const { told, ended } = run({}, wrong);
      expect(await ended).toBe(1);
      expect(told.err).toMatch(/^error: (unknown option '--foo'|too many arguments)/);
    }
  });

  it('names an address that is not of this machine', async () => {
    const { told, ended } = run({ HOST: '192.0.2.1', PORT: '0' });
    expect(await ended).toBe(1);
    expect(told.err).toBe(
      '192.0.2.1 is no address of this machine. Set HOST to one that is, such as 127.0.0.1.\n',
    );
  });

  it('names a port that is in use', async () => {
    const { port } = new URL((await open()).url);
    const { told, ended } = run({ PORT: port });
    expect(await ended).toBe(1);
    expect(told.err).toBe(`Port ${port} is in use. Stop the other program or set PORT.\n`);
  });
});
