import { InvalidArgumentError, Option, type Command } from 'commander';

import type { Journal, OnUnreadable, PurchaseFilter } from '../purchases/journal.ts';
import { purchaseStatuses, type Purchase, type PurchaseStatus } from '../purchases/purchase.ts';
import { describePurchase, json, moneyOf } from './describe.ts';
import type { Found } from './find.ts';
import { maskOf } from './mask.ts';
import { auditReveal } from './reveal.ts';
import { integrationOption, withJournals, type Surroundings } from './run.ts';
import { table } from './table.ts';
import { HOME_ZONE, instantIn, shown } from './zone.ts';

interface ListOptions {
  status?: PurchaseStatus[];
  since?: Date;
  until?: Date;
  account?: number;
  meter?: string;
  integration?: string;
  limit: number;
  json?: true;
  reveal?: true;
  author?: string;
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
    .addOption(integrationOption())
    .option('--limit <n>', 'at most so many, the newest first', aLimit, 50)
    .option('--json', 'print one JSON document')
    .option('--reveal', 'show tokens and phone numbers; the audit trail keeps that you did')
    .option('--author <name>', 'to whom they are shown (default: the user of the operating system)')
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
  const unreadable = (id: string) =>
    terminal.err(`${id} cannot be read, and is left out; \`show ${id}\` says why.\n`);
  const { purchases, more, several } = await withJournals(env, options.integration, async (journals) => {
    const found = await collectAll(journals, filter, matters, { wanted: options.limit + 1, unreadable });
    const kept = found.slice(0, options.limit);
    if (options.reveal === true) await auditReveal(kept, { author: options.author, now });
    return { purchases: kept, more: found.length > options.limit, several: journals.length > 1 };
  });
  if (options.json === true) {
    const described = purchases.map((one) => describePurchase(one, maskOf(one.purchase, [], options.reveal)));
    terminal.out(json({ purchases: described, more }));
    return;
  }
  if (purchases.length > 0) terminal.out(`${tableOf(purchases, several, options.reveal)}\n\n`);
  if (purchases.length === 0 && options.status === undefined) {
    terminal.out('0 purchases that need a person; --status, such as --status SUCCEEDED, lists others.\n');
    return;
  }
  const count = `${purchases.length} ${purchases.length === 1 ? 'purchase' : 'purchases'}`;
  terminal.out(more ? `${count}; there are more, which a higher --limit shows.\n` : `${count}.\n`);
}

/** Of each integration as many as are wanted, for the newest of all may be of any. */
async function collectAll(
  journals: readonly Journal[],
  filter: PurchaseFilter,
  matters: (purchase: Purchase) => boolean,
  how: { wanted: number; unreadable: OnUnreadable },
): Promise<Found[]> {
  const found: Found[] = [];
  for (const journal of journals) {
    const purchases = await collect(journal, filter, matters, how);
    found.push(...purchases.map((purchase) => ({ journal, purchase })));
  }
  return found.sort((one, other) => (one.purchase.id < other.purchase.id ? 1 : -1)).slice(0, how.wanted);
}

async function collect(
  journal: Journal,
  filter: PurchaseFilter,
  matters: (purchase: Purchase) => boolean,
  { wanted, unreadable }: { wanted: number; unreadable: OnUnreadable },
): Promise<Purchase[]> {
  const found: Purchase[] = [];
  for (let after: string | undefined; ;) {
    const page = await journal.page({ filter, after, limit: PAGE, inverted: false }, unreadable);
    found.push(...page.filter(matters));
    after = page.at(-1)?.id;
    if (page.length < PAGE || found.length >= wanted) return found.slice(0, wanted);
  }
}

function tableOf(found: readonly Found[], several: boolean, reveal: true | undefined): string {
  const head = [
    ...(several ? ['integration'] : []),
    'created',
    'status',
    'product',
    'account',
    'meter',
    'amount',
    'problem',
    'reference',
  ];
  const rows = found.map(({ journal, purchase: one }) => [
    ...(several ? [journal.integration] : []),
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

export function aLimit(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 1 to 99999.');
  return Number(text);
}
