import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { backupCommand } from '../../src/operator/backup.ts';
import { keysCommand } from '../../src/operator/keys.ts';
import { purchasesCommand } from '../../src/operator/purchases.ts';
import { resealCommand } from '../../src/operator/reseal.ts';
import { restoreCommand } from '../../src/operator/restore.ts';
import { commandLine } from './process.ts';

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const commands = {
  purchases: purchasesCommand,
  keys: keysCommand,
  backup: backupCommand,
  restore: restoreCommand,
  reseal: resealCommand,
};
export type Script = keyof typeof commands;

/** The real command in a process of its own, where nobody sits who could answer. */
export function startScript(
  script: Script,
  argv: readonly string[],
  path: string,
  env: Readonly<Record<string, string>> = {},
) {
  const child = spawn(process.execPath, commandLine(script, ...argv), {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: `file:${path}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { child, said: said.then(([out, err]): Said => ({ code: child.exitCode, out, err })) };
}

export function script(
  name: Script,
  argv: readonly string[],
  path: string,
  env?: Readonly<Record<string, string>>,
): Promise<Said> {
  return startScript(name, argv, path, env).said;
}

/** The same command within this process, which is quicker; `answer` is what the person types who sits there. */
export async function command(
  name: Script,
  argv: readonly string[],
  path: string,
  {
    answer,
    now = new Date(),
    env = {},
  }: { answer?: string; now?: Date; env?: Readonly<Record<string, string>> } = {},
): Promise<Said & { asked: string }> {
  const said = { out: '', err: '', asked: '' };
  const terminal = {
    out: (more: string) => void (said.out += more),
    err: (more: string) => void (said.err += more),
    interactive: answer !== undefined,
    ask: (question: string) => {
      said.asked += question;
      return Promise.resolve(answer ?? '');
    },
  };
  const code = await commands[name](argv, {
    env: { DATABASE_URL: `file:${path}`, ...env },
    terminal,
    now: () => now,
  });
  return { code, ...said };
}
