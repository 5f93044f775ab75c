import { open } from 'node:fs/promises';

import { InvalidArgumentError, type Command } from 'commander';

import { aWholeNumber } from './list.ts';
import { auditReveal } from './reveal.ts';
import { integrationOption, Refusal, withJournals, type Surroundings } from './run.ts';
import { readEntries, statementCsv, type Entry } from './statement-rows.ts';
import { dayIn, HOME_ZONE, isZone } from './zone.ts';

interface StatementOptions {
  date: string;
  zone: string;
  integration?: string;
  account?: number;
  out?: string;
  reveal?: true;
  author?: string;
}

export function addStatement(program: Command, { env, terminal, now }: Surroundings): void {
  program
    .command('statement')
    .description(
      'a day’s debits, charges, commission and tokens by integration and account, as CSV, to lay beside ScratchPower’s',
    )
    .requiredOption('--date <day>', 'such as 2026-03-01', aDay)
    .option('--zone <name>', 'whose day is meant: an IANA time zone', aZone, HOME_ZONE)
    .addOption(integrationOption())
    .option('--account <number>', 'of this account only', aWholeNumber)
    .option('--out <file>', 'write a new file, for its owner only, instead of standard output')
    .option('--reveal', 'show the numbers that airtime was bought for; the audit trail keeps that you did')
    .option('--author <name>', 'to whom they are shown (default: the user of the operating system)')
    .addHelpText(
      'after',
      `
A row for each purchase that SUCCEEDED on that day, and for each created by its end that has no outcome at the time of
printing; then a TOTAL row for each integration, account and currency, which counts what SUCCEEDED.`,
    )
    .action(async ({ date, zone, integration, account, out, reveal, author }: StatementOptions) => {
      const day = dayIn(zone, date);
      if (day === undefined) throw new Refusal(`--date: there is no day ${date} in ${zone}.`);
      const entries = await withJournals(env, integration, async (journals) => {
        const all: Entry[] = [];
        for (const journal of journals)
          all.push(...(await readEntries(journal, { ...day, accountId: account })));
        if (reveal === true) {
          const airtime = all.filter(({ purchase }) => purchase.order.productType === 'AIRTIME');
          await auditReveal(airtime, { author, now });
        }
        return all;
      });
      const csv = statementCsv(entries, zone, reveal);
      if (out === undefined) terminal.out(csv);
      else await writeNew(out, csv);
      const open = entries.filter(({ purchase }) => purchase.status !== 'SUCCEEDED').length;
      if (open > 0) terminal.err(`${open} without an outcome yet: print it again when they have one.\n`);
    });
}

async function writeNew(path: string, text: string): Promise<void> {
  let file;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new Refusal(
      exists
        ? `--out: ${path} exists. Name a new file: none is ever overwritten.`
        : `--out: ${path} cannot be written (${error instanceof Error ? error.message : String(error)}). Name a file in a folder that you may write to.`,
      { cause: error },
    );
  }
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function aDay(text: string): string {
  if (dayIn(HOME_ZONE, text) === undefined)
    throw new InvalidArgumentError('It must be a day, such as 2026-03-01.');
  return text;
}

function aZone(text: string): string {
  if (!isZone(text)) throw new InvalidArgumentError('It must be an IANA time zone, such as Africa/Gaborone.');
  return text;
}
