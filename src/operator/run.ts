import { setTimeout as sleep } from 'node:timers/promises';

import { CommanderError, Option, type Command } from 'commander';

import type { KeyStore } from '../auth/key-store.ts';
import { databaseOf, dataKeysOf } from '../config.ts';
import type { SqlRecord } from '../journal/record.ts';
import { openPostgresRecord } from '../journal/postgres.ts';
import { openSqliteRecordBeside } from '../journal/sqlite-beside.ts';
import type { Journal } from '../purchases/journal.ts';
import type { FieldProblem } from '../purchases/problem.ts';
import type { Terminal } from './terminal.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** What a command is given. Nothing of it is global, so that a test can give its own. */
export interface Surroundings {
  readonly env: Env;
  readonly terminal: Terminal;
  readonly now: () => Date;
}

/** It cannot be done; the message tells the person why and what to do. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** As it is called where the package is installed; here `npm run NAME --` does the same. */
const PROGRAM = 'scratchpower-graphql';

export const EXIT = { done: 0, refused: 1, usage: 2 } as const;

/** Every wrong option, a line each, by the name it has on the command line. */
export function refuseIfWrong(
  wrong: readonly FieldProblem[],
  options: Readonly<Record<string, string>> = {},
): void {
  if (wrong.length === 0) return;
  throw new Refusal(
    wrong.map(({ field, message }) => `${options[field] ?? `--${field}`}: ${message}.`).join('\n'),
  );
}

/** Runs a command line; returns the exit code: 0 done, 1 refused or failed, 2 wrongly called. */
export async function run(
  program: Command,
  argv: readonly string[],
  { terminal }: Surroundings,
): Promise<number> {
  try {
    await program.parseAsync(argv, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    // It has told by itself what was wrong with the call.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    terminal.err(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.refused;
  }
}

/** Settings that each program and its commands share. */
export function prepared(program: Command, { terminal }: Surroundings): Command {
  return program
    .name(`${PROGRAM} ${program.name()}`)
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });
}

/**
 * Opens the record beside its gateway for as long as `work` takes: the part of one integration, or where none is named
 * those of all that have something recorded.
 */
export async function withJournals<T>(
  env: Env,
  integration: string | undefined,
  work: (journals: readonly Journal[]) => Promise<T>,
): Promise<T> {
  const record = await openRecordOf(env);
  try {
    const known = await record.integrations();
    if (integration === undefined) return await work(known.map((name) => record.of(name)));
    if (known.includes(integration)) return await work([record.of(integration)]);
    const told = known.length === 0 ? 'none yet' : known.join(', ');
    throw new Refusal(
      `--integration: nothing is recorded of ${JSON.stringify(integration)}, but of: ${told}.`,
    );
  } finally {
    await record.close();
  }
}

/** Of which integration: for every command that looks at purchases. */
export function integrationOption(): Option {
  return new Option('--integration <name>', 'of this integration only');
}

/** The same, of the keys of callers. */
export async function withKeys<T>(env: Env, work: (keys: KeyStore) => Promise<T>): Promise<T> {
  const journal = await openRecordOf(env);
  try {
    return await work(journal.keys);
  } finally {
    await journal.close();
  }
}

/** Of PostgreSQL two connections are enough: the gateways need the others. */
const POOL = 2;

export function openRecordOf(env: Env): Promise<SqlRecord> {
  const database = databaseOf(env);
  const dataKeys = dataKeysOf(env);
  if (database.kind === 'sqlite') return openSqliteRecordBeside({ path: database.path, dataKeys });
  return openPostgresRecord({
    ...{ ...database, dataKeys, poolSize: POOL, migrates: false },
    runtime: { sleep: (ms) => sleep(ms), random: () => Math.random() },
    // What goes wrong for good is told by what is thrown.
    log: { warn: () => undefined },
  });
}
