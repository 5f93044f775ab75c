import { InvalidArgumentError, Option, type Command } from 'commander';

import type { Journal, PurchaseFilter } from '../purchases/journal.ts';
import { purchaseStatuses, type Purchase, type PurchaseStatus } from '../purchases/purchase.ts';
import { describePurchase, json, moneyOf } from './describe.ts';
import { maskOf } from './mask.ts';
import { withJournal, type Surroundings } from './run.ts';
import { table } from './table.ts';
import { HOME_ZONE, instantIn, shown } from './zone.ts';

interface ListOptions {
  status?: PurchaseStatus[];
  since?: Date;
  until?: Date;
  account?: number;
  meter?: string;
  limit: number;
  json?: true;
  reveal?: true;
}

/** The gateway settles most of what is UNRESOLVED within seconds: nobody needs to look at those. */
const LONG_UNRESOLVED_MS = 300_000;
const PAGE = 500;

export function addList(program: Command, surroundings: Surroundings): void {
  program
    .command('list')
    .description('the purchases that a person must look at, or others')
    .addOption(
      new Option('--status <status...>', 'of these statuses')
        .choices(purchaseStatuses)
        .default(undefined, 'NEEDS_ATTENTION, and UNRESOLVED for more than five minutes'),
    )
    .option(
      '--since <instant>',
      `created then or later: 2026-03-01 (in ${HOME_ZONE}) or 2026-03-01T12:00Z`,
      anInstant,
    )
    .option('--until <instant>', 'created before then', anInstant)
    .option('--account <number>', 'debited to this account', aWholeNumber)
    .option('--meter <identifier>', 'for this meter or number')
    .option('--limit <n>', 'at most so many, the newest first', aLimit, 50)
    .option('--json', 'print one JSON document')
    .option('--reveal', 'show tokens and phone numbers')
    .action((options: ListOptions) => list(options, surroundings));
}

async function list(options: ListOptions, { env, terminal, now }: Surroundings): Promise<void> {
  const longSince = new Date(now().getTime() - LONG_UNRESOLVED_MS);
  const filter: PurchaseFilter = {
    status: options.status ?? ['NEEDS_ATTENTION', 'UNRESOLVED'],
    accountId: options.account,
    subscriberIdentifier: options.meter,
    createdAfter: options.since,
    createdBefore: options.until,
  };
  const matters = ({ status, unresolvedSince, createdAt }: Purchase) =>
    options.status !== undefined || status !== 'UNRESOLVED' || (unresolvedSince ?? createdAt) <= longSince;
  const found = await withJournal(env, (journal) => collect(journal, filter, matters, options.limit + 1));
  const purchases = found.slice(0, options.limit);
  const more = found.length > options.limit;
  if (options.json === true) {
    const described = purchases.map((one) => describePurchase(one, maskOf(one, [], options.reveal)));
    terminal.out(json({ purchases: described, more }));
    return;
  }
  if (purchases.length > 0) terminal.out(`${tableOf(purchases, options.reveal)}\n\n`);
  const count = `${purchases.length} ${purchases.length === 1 ? 'purchase' : 'purchases'}`;
  terminal.out(more ? `${count}; there are more, which a higher --limit shows.\n` : `${count}.\n`);
}

async function collect(
  journal: Journal,
  filter: PurchaseFilter,
  matters: (purchase: Purchase) => boolean,
  wanted: number,
): Promise<Purchase[]> {
  const found: Purchase[] = [];
  for (let after: string | undefined; ;) {
    const page = await journal.page({ filter, after, limit: PAGE, inverted: false });
    found.push(...page.filter(matters));
    after = page.at(-1)?.id;
    if (page.length < PAGE || found.length >= wanted) return found.slice(0, wanted);
  }
}

function tableOf(purchases: readonly Purchase[], reveal: true | undefined): string {
  const head = ['created', 'status', 'product', 'account', 'meter', 'amount', 'problem', 'reference'];
  const rows = purchases.map((one) => [
    shown(one.createdAt),
    one.status,
    `${one.order.productType} ${one.order.provider.code}`,
    String(one.order.accountId),
    maskOf(one, [], reveal)(one.order.subscriberIdentifier),
    moneyOf(one.order.amount) ?? '',
    one.problem?.code ?? '',
    one.reference,
  ]);
  return table(head, rows);
}

function anInstant(text: string): Date {
  const instant = instantIn(HOME_ZONE, text);
  if (instant === undefined)
    throw new InvalidArgumentError('It must be a day, 2026-03-01, or an instant, 2026-03-01T12:00Z.');
  return instant;
}

export function aWholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, such as 13209.');
  return Number(text);
}

function aLimit(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 1 to 99999.');
  return Number(text);
}
