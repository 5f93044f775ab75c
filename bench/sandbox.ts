import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { z } from 'zod';

export interface SandboxProcess extends AsyncDisposable {
  readonly pid: number;
  /** What the gateway needs in order to find it. */
  readonly environment: Readonly<Record<string, string>>;
  /** How many calls have come so far. */
  calls(): Promise<number>;
  /** From now on every answer takes so long. */
  delay(ms: number): Promise<void>;
}

/** The sandbox as a process of its own, answering at once. */
export async function startSandboxProcess(): Promise<SandboxProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'sandbox/main.ts'], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', PROCESSING_MS: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Test numbers:')) resolve();
    });
    void exited.then(() => reject(new Error('the sandbox did not start')));
  });
  const lines = [...output.matchAll(/^ {2}(SCRATCHPOWER_\w+)=(.*)$/gm)];
  const environment = Object.fromEntries(lines.map(([, name, value]) => [name ?? '', value ?? '']));
  return {
    pid: child.pid ?? 0,
    environment,
    calls: async () => {
      const answer = await fetch(`${environment['SCRATCHPOWER_BASE_URL'] ?? ''}/__sandbox/state`);
      return z.object({ calls: z.int() }).parse(await answer.json()).calls;
    },
    delay: async (delayMs) => {
      const answer = await fetch(`${environment['SCRATCHPOWER_BASE_URL'] ?? ''}/__sandbox/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ endpoint: '*', kind: 'delay_before', count: null, delayMs }),
      });
      if (answer.status !== 201) throw new Error(`the sandbox takes no delay: ${await answer.text()}`);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** A session that outlasts the benchmark. */
export async function logIn(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const required = (name: string) => requiredOf(environment, name);
  const response = await fetch(`${required('SCRATCHPOWER_BASE_URL')}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_id: required('SCRATCHPOWER_CLIENT_ID'),
      client_secret: required('SCRATCHPOWER_CLIENT_SECRET'),
      ...{ grant_type: 'password', source_channel: 'WEB' },
      identifier: required('SCRATCHPOWER_USERNAME'),
      secret_pass: required('SCRATCHPOWER_PASSWORD'),
      org_code: required('SCRATCHPOWER_ORG_CODE'),
    }),
  });
  return z.object({ access_token: z.string() }).parse(await response.json()).access_token;
}

export function requiredOf(environment: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = environment[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}
