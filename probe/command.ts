import { writeFile } from 'node:fs/promises';

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

import { ConfigError, upstreamOf } from '../src/config.ts';
import type { Terminal } from '../src/operator/terminal.ts';
import type { Assumption } from './assumption.ts';
import { assumptions } from './catalogue.ts';
import { notChosen, tryAll, type Choice } from './findings.ts';
import { planOf, told } from './plan.ts';
import type { NumberOf } from './purchases.ts';
import { differing, exitCodeOf, markdown, outcomes, verdictOf, type Report } from './report.ts';
import { surfaces, type Surface } from './surfaces.ts';
import { baseOf, looksLikeProduction } from './target.ts';
import { Walk } from './walk.ts';
import { NoAnswer, said } from './wire.ts';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  readonly now: () => Date;
  /** Aborted by Ctrl-C: the confirm under way is waited for, nothing more is begun, and the report is written. */
  readonly stop: AbortSignal;
  /** Between two questions about a purchase whose outcome is awaited. Default 2000. */
  readonly pollMs?: number;
}

interface Options {
  surface: Surface | 'both';
  only?: string[];
  withoutPurchases?: true;
  withDuplicates?: true;
  amount: number;
  account?: number;
  phone: string;
  airtime?: NumberOf;
  water?: NumberOf;
  yes?: true;
  report?: string;
  json?: string;
  list?: true;
  onProductionWithRealMoney?: true;
}

const COULD_NOT_RUN = 2;
const POLL_MS = 2_000;
const LARGEST_AMOUNT = 500;

/** It cannot run; the message says why and what to do. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** `scratchpower-graphql probe`: 0 when all that was tried holds, 1 when something differs, 2 when it could not run. */
export async function probeCommand(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { terminal } = surroundings;
  const program = commandLine(terminal);
  try {
    program.parse(argv, { from: 'user' });
    return await probe(program.opts<Options>(), surroundings);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : COULD_NOT_RUN;
    if (!(error instanceof Refusal || error instanceof ConfigError)) throw error;
    terminal.err(`${error.message}\n`);
    return COULD_NOT_RUN;
  }
}

async function probe(options: Options, surroundings: Surroundings): Promise<number> {
  const { terminal, env, now, stop, pollMs = POLL_MS } = surroundings;
  const chosen = choose(options);
  if (options.list === true) {
    terminal.out(chosen.map(({ id, mark, statement }) => `${id}  [${mark}] ${statement}\n`).join(''));
    return 0;
  }
  const { baseUrl: address, ...access } = upstreamOf(env);
  const baseUrl = baseOf(address);
  if (looksLikeProduction(baseUrl) && options.onProductionWithRealMoney !== true) {
    throw new Refusal(
      `${baseUrl} may be production, where real money moves: the address does not say staging. Nothing was sent. Point SCRATCHPOWER_BASE_URL at staging, or give --on-production-with-real-money if you mean it.`,
    );
  }
  for (const file of [options.report, options.json]) if (file !== undefined) await write(file, '');
  const walk = new Walk({
    settings: {
      ...{ baseUrl, ...access, pollMs, amount: options.amount, phone: options.phone },
      ...{ accountId: options.account, airtime: options.airtime, water: options.water },
    },
    ...{ stop, now, tell: (line) => terminal.err(`${walk.secrets.hide(line)}\n`) },
  });
  try {
    return await walked(walk, chosen, options, surroundings);
  } finally {
    await walk.close();
  }
}

async function walked(
  walk: Walk,
  chosen: readonly Assumption[],
  options: Options,
  { terminal, now, stop }: Surroundings,
): Promise<number> {
  const startedAt = now().toISOString();
  const sides = surfaces.filter((surface) => chosen.some((one) => one.surface === surface));
  await logIn(walk, sides);
  const choice: Choice = {
    withPurchases: options.withoutPurchases !== true,
    withDuplicates: options.withDuplicates === true,
  };
  await agree(
    walk,
    chosen.filter((one) => notChosen(one, choice) === undefined),
    options,
    terminal,
  );
  const report: Report = {
    ...{ target: walk.settings.baseUrl, startedAt, surfaces: sides },
    findings: await tryAll(walk, chosen, choice),
    ...{ endedAt: now().toISOString(), interrupted: stop.aborted },
    ...{ debits: walk.debits, wire: walk.names.all },
  };
  const text = walk.secrets.hide(markdown(report));
  const exitCode = exitCodeOf(report);
  if (options.json !== undefined) {
    const json = walk.secrets.hide(JSON.stringify({ ...report, exitCode }, null, 2));
    await write(options.json, `${json}\n`);
  }
  if (options.report === undefined) terminal.out(text);
  else {
    await write(options.report, text);
    terminal.out(walk.secrets.hide(summary(report, options.report)));
  }
  return exitCode;
}

/** Without a session on any surface there is nothing to find out. */
async function logIn(walk: Walk, sides: readonly Surface[]): Promise<void> {
  const refusals: string[] = [];
  for (const surface of sides) {
    try {
      const reply = await walk.on(surface).login();
      if (![400, 401, 403].includes(reply.status)) return;
      refusals.push(`${surface}: ${said(reply)}; are SCRATCHPOWER_CLIENT_ID and its companions right?`);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      refusals.push(`${surface}: ${error.message}; is SCRATCHPOWER_BASE_URL right?`);
    }
  }
  throw new Refusal(
    `There is no session on ${walk.settings.baseUrl}. Nothing was bought.\n  ${refusals.join('\n  ')}`,
  );
}

/** Says what it will buy, and buys nothing that nobody agreed to. */
async function agree(
  walk: Walk,
  chosen: readonly Assumption[],
  options: Options,
  terminal: Terminal,
): Promise<void> {
  const planned = await planOf(walk, chosen);
  if (planned.length === 0) return;
  terminal.err(told(planned, walk.settings.baseUrl));
  if (options.yes !== true) {
    if (!terminal.interactive) {
      throw new Refusal(
        'Nothing was bought: nobody sits here who could agree. Give --yes to buy this, or --without-purchases.',
      );
    }
    const answer = await terminal.ask('Buy this? Type yes: ');
    if (answer.trim().toLowerCase() !== 'yes') throw new Refusal('Nothing was bought.');
  }
  for (const { surface, trial } of planned) walk.on(surface).agree(trial);
}

function summary(report: Report, file: string): string {
  const differ = differing(report.findings).map(
    ({ id, outcome }) => `  ${id}\n    expected: ${outcome.expected}\n    seen:     ${outcome.seen}\n`,
  );
  const debits = report.debits.map(
    ({ surface, name, reference, outcome, total }) =>
      `  ${reference}  ${surface} ${name}: ${outcomes[outcome]}${total === null ? '' : `, BWP ${total}`}\n`,
  );
  const bought = debits.length === 0 ? '' : `Bought:\n${debits.join('')}`;
  return `${differ.length === 0 ? '' : `Differs:\n${differ.join('')}`}${bought}${verdictOf(report)}\nThe report is in ${file}.\n`;
}

/** The assumptions that were asked for. */
function choose({ surface, only }: Options): readonly Assumption[] {
  const inScope = assumptions.filter((one) => surface === 'both' || one.surface === surface);
  if (only === undefined) return inScope;
  const strangers = only.filter((wanted) => !inScope.some(({ id }) => isMeant(id, wanted)));
  if (strangers.length > 0) {
    throw new Refusal(
      `--only: there is no assumption ${strangers.join(', ')}${surface === 'both' ? '' : ` on ${surface}`}. --list tells them all.`,
    );
  }
  return inScope.filter(({ id }) => only.some((wanted) => isMeant(id, wanted)));
}

/** `v1.confirm` means all that begin so; `confirm.token` means it on both surfaces. */
function isMeant(id: string, wanted: string): boolean {
  const short = id.slice(id.indexOf('.') + 1);
  return [id, short].some((one) => one === wanted || one.startsWith(`${wanted}.`));
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(`${file} cannot be written: ${why}. Name another file.`);
  });
}

function commandLine(terminal: Terminal): Command {
  return new Command('scratchpower-graphql probe')
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .description(
      'Ask ScratchPower’s staging whether it is as the gateway assumes. Walks both surfaces with the documented test\nmeters, makes a few small purchases, and writes a report: what holds, what differs, what to change.\nCredentials come from the environment, SCRATCHPOWER_*.',
    )
    .addOption(new Option('--surface <surface>', 'which one').choices([...surfaces, 'both']).default('both'))
    .option(
      '--only <ids>',
      'these assumptions, separated by commas: v1.confirm.token, or v1.confirm, or confirm.token',
      ids,
    )
    .option('--list', 'list the assumptions and end')
    .option('--report <file>', 'write the report here, Markdown; else it is printed')
    .option('--json <file>', 'write it as JSON too')
    .option('--without-purchases', 'try only what costs nothing')
    .option('--with-duplicates', 'also send one confirm twice, which may be debited twice')
    .option('--yes', 'buy what is announced without asking')
    .option('--amount <amount>', 'of an ordinary purchase, in BWP', amountOf, 10)
    .option('--account <id>', 'the account to debit; else the first wallet', accountOf)
    .option(
      '--phone <digits>',
      'the beneficiary’s phone; else ScratchPower’s own example',
      phoneOf,
      '26771436390',
    )
    .option('--airtime <provider:number>', 'a test number for airtime, such as MASCOM:71000000', numberOf)
    .option('--water <provider:number>', 'a test number for water, such as WUC:5000000', numberOf)
    .option('--on-production-with-real-money', 'do not refuse an address that may be production')
    .addHelpText(
      'after',
      '\nExit code: 0 all that was tried holds, 1 something differs, 2 it could not run.',
    );
}

function ids(value: string): string[] {
  const all = value.split(',').map((one) => one.trim());
  if (all.includes('')) throw new InvalidArgumentError('Separate ids by commas.');
  return all;
}

function amountOf(value: string): number {
  const amount = Number(value);
  if (/^\d+(\.\d{1,2})?$/.test(value) && amount > 0 && amount <= LARGEST_AMOUNT) return amount;
  throw new InvalidArgumentError(`Give an amount above 0 and up to ${LARGEST_AMOUNT}, such as 10.00.`);
}

function accountOf(value: string): number {
  if (/^[1-9]\d{0,14}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('Give an account’s number, such as 13209.');
}

function phoneOf(value: string): string {
  const digits = value.replace(/^\+/, '');
  if (/^\d{8,15}$/.test(digits)) return digits;
  throw new InvalidArgumentError('Give 8 to 15 digits with the country’s code, such as 26771436390.');
}

function numberOf(value: string): NumberOf {
  const [, provider, subscriber] = /^([A-Za-z0-9_]+):(\d{5,20})$/.exec(value) ?? [];
  if (provider !== undefined && subscriber !== undefined) return { provider, subscriber };
  throw new InvalidArgumentError('Give PROVIDER:NUMBER, such as MASCOM:71000000.');
}
