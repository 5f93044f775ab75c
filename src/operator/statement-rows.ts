import { stringify } from 'csv-stringify/sync';

import type { Journal } from '../purchases/journal.ts';
import { Decimal, formatAmount, type Money } from '../purchases/money.ts';
import type { ByHand, Purchase } from '../purchases/purchase.ts';
import type { Found } from './find.ts';
import { maskOf } from './mask.ts';
import { shown } from './zone.ts';

/** A purchase of the statement, and who settled it, where a person did. */
export interface Entry extends Found {
  readonly byHand: ByHand | null;
}

const PAGE = 500;
const sums = ['entry', 'charge', 'net', 'total', 'commission'] as const;

/**
 * What SUCCEEDED from the one instant to before the other, and what was created before the second and has no outcome now.
 * The open ones are read first: one that is settled meanwhile is then in both readings, and counts as settled.
 */
export async function readEntries(
  journal: Journal,
  { from, until, accountId }: { from: Date; until: Date; accountId?: number | undefined },
): Promise<readonly Entry[]> {
  const entries = new Map<string, Entry>();
  const filter = { status: ['PENDING', 'UNRESOLVED', 'NEEDS_ATTENTION'], createdBefore: until } as const;
  for (let after: string | undefined; ;) {
    const page = await journal.page({
      filter: { ...filter, accountId },
      after,
      limit: PAGE,
      inverted: false,
    });
    for (const purchase of page) entries.set(purchase.id, { journal, purchase, byHand: null });
    after = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  for (let after; ;) {
    const page = await journal.successes({ from, until, accountId, after, limit: PAGE });
    for (const { purchase, byHand } of page) entries.set(purchase.id, { journal, purchase, byHand });
    after = page.at(-1);
    if (page.length < PAGE) break;
  }
  return [...entries.values()];
}

/**
 * The statement: by integration, account and currency, each purchase a row, oldest first, and then a row of their totals. Amounts are
 * exact and plain decimals; what is not known is empty, and `without_total` counts the successes whose total is not.
 */
export function statementCsv(entries: readonly Entry[], zone: string, reveal = false): string {
  const groups = new Map<string, Entry[]>();
  const ordered = [...entries].sort((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1));
  for (const entry of ordered) {
    const { accountId, amount } = entry.purchase.order;
    const key = `${entry.journal.integration} ${accountId} ${amount.currency}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  const rows = [...groups.values()].flatMap((group) => [
    ...group.map((entry) => purchaseRow(entry, zone, reveal)),
    totalRow(group),
  ]);
  return stringify(rows.map(harmless), { header: true, columns: [...columns], record_delimiter: 'windows' });
}

const columns = [
  ...[
    'row',
    'account',
    'currency',
    'reference',
    'upstream_reference',
    'receipt',
    'product',
    'provider',
    'meter',
  ],
  ...['created', 'status', 'settled', 'by_hand', 'amount', ...sums, 'tokens'],
  ...['succeeded', 'unresolved', 'without_total', 'integration'],
] as const;
type Row = Partial<Record<(typeof columns)[number], string>>;

function purchaseRow({ journal, purchase, byHand }: Entry, zone: string, reveal: boolean): Row {
  const { order, charges } = purchase;
  return {
    row: 'PURCHASE',
    integration: journal.integration,
    account: String(order.accountId),
    currency: order.amount.currency,
    reference: purchase.reference,
    upstream_reference: purchase.upstreamReference ?? '',
    receipt: purchase.receiptNumber ?? '',
    product: order.productType,
    provider: order.provider.code,
    meter: maskOf(purchase, [], reveal)(order.subscriberIdentifier),
    created: shown(purchase.createdAt, zone),
    status: purchase.status,
    settled: purchase.settledAt === null ? '' : shown(purchase.settledAt, zone),
    by_hand: byHand === null ? 'no' : 'yes',
    amount: formatAmount(order.amount),
    // Of one without an outcome a quote may tell what it would cost: nothing of that is a debit.
    ...(isSuccess(purchase) ? Object.fromEntries(sums.map((name) => [name, exact(charges?.[name])])) : {}),
    tokens: String(purchase.tokens.length),
    succeeded: isSuccess(purchase) ? '1' : '0',
    unresolved: isSuccess(purchase) ? '0' : '1',
    without_total: lacksTotal(purchase) ? '1' : '0',
  };
}

function totalRow(group: readonly Entry[]): Row {
  const all = group.map(({ purchase }) => purchase);
  const successes = all.filter(isSuccess);
  const { accountId, amount } = all[0]?.order ?? {};
  const currency = amount?.currency ?? '';
  const sum = (amounts: readonly (Money | null | undefined)[]) =>
    formatAmount({
      amount: amounts.reduce((total, one) => total.plus(one?.amount ?? 0), new Decimal(0)),
      currency,
    });
  return {
    row: 'TOTAL',
    integration: group[0]?.journal.integration ?? '',
    account: String(accountId),
    currency,
    amount: sum(successes.map(({ order }) => order.amount)),
    ...Object.fromEntries(sums.map((name) => [name, sum(successes.map(({ charges }) => charges?.[name]))])),
    tokens: String(successes.reduce((count, { tokens }) => count + tokens.length, 0)),
    succeeded: String(successes.length),
    unresolved: String(all.length - successes.length),
    without_total: String(all.filter(lacksTotal).length),
  };
}

function isSuccess({ status }: Purchase): boolean {
  return status === 'SUCCEEDED';
}

function lacksTotal(purchase: Purchase): boolean {
  return isSuccess(purchase) && (purchase.charges?.total ?? null) === null;
}

function exact(money: Money | null | undefined): string {
  return money == null ? '' : formatAmount(money);
}

function orderOf({ journal, purchase: { order, id } }: Entry): string {
  return `${journal.integration} ${String(order.accountId).padStart(16, '0')} ${order.amount.currency} ${id}`;
}

/**
 * A spreadsheet runs what begins so. An amount may begin with its minus; csv-stringify's own `escape_formulas` would put
 * an apostrophe before that too. https://owasp.org/www-community/attacks/CSV_Injection
 */
function harmless(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value)
        ? `'${value}`
        : value,
    ]),
  );
}
