import type { Decided, Ended, PurchaseChange } from './journal.ts';
import { currencyDecimals, Decimal, MAX_INTEGER_DIGITS, type Money } from './money.ts';
import { settled } from './outcome.ts';
import { problem, type FieldProblem } from './problem.ts';
import type { ByHand, Order, Purchase, VendToken } from './purchase.ts';

/** What a person found out of a purchase, as it was typed. */
export interface FindingInput {
  readonly status: 'SUCCEEDED' | 'FAILED';
  /** Key-change tokens, in the order to be keyed in; before the credit token. */
  readonly keyChangeTokens: readonly string[];
  readonly tokens: readonly string[];
  /** Tokens that have not twenty digits are meant so. */
  readonly anyLength: boolean;
  readonly receiptNumber: string | null;
  readonly upstreamReference: string | null;
  /** An amount of the purchase's currency, such as 102.50. */
  readonly total: string | null;
}

/** The same, read and checked. */
export interface Finding {
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly tokens: readonly VendToken[];
  readonly receiptNumber: string | null;
  readonly upstreamReference: string | null;
  readonly total: Money | null;
}

export const MAX_REASON_LENGTH = 1_000;
export const MAX_AUTHOR_LENGTH = 200;
const MAX_TEXT_LENGTH = 200;
/** A token of the Standard Transfer Specification, which prepaid meters take. */
const TOKEN_DIGITS = 20;
const MAX_TOKEN_DIGITS = 100;

export function readByHand(typed: ByHand): { byHand: ByHand; wrong: readonly FieldProblem[] } {
  const byHand = { author: typed.author.trim(), reason: typed.reason.trim() };
  const wrong: FieldProblem[] = [];
  if (byHand.author === '' || byHand.author.length > MAX_AUTHOR_LENGTH) {
    const message = `tell who decides, in 1 to ${MAX_AUTHOR_LENGTH} characters`;
    wrong.push({ field: 'author', message });
  }
  if (byHand.reason === '' || byHand.reason.length > MAX_REASON_LENGTH) {
    const message = `tell how you know, in 1 to ${MAX_REASON_LENGTH} characters: it is kept for ever`;
    wrong.push({ field: 'reason', message });
  }
  return { byHand, wrong };
}

/** Every wrong field at once. Never tells a token. */
export function readFinding(
  order: Pick<Order, 'productType' | 'amount'>,
  typed: FindingInput,
): { finding: Finding; wrong: readonly FieldProblem[] } {
  const wrong: FieldProblem[] = [];
  const complain = (field: string, message: string) => void wrong.push({ field, message });
  const succeeded = typed.status === 'SUCCEEDED';

  const keyChange = readTokens('keyChange', typed.keyChangeTokens, typed.anyLength, complain);
  const credit = readTokens('token', typed.tokens, typed.anyLength, complain);
  const tokens: VendToken[] = [
    ...keyChange.map((digits) => ({ kind: 'KEY_CHANGE', digits }) as const),
    ...credit.map(
      (digits) => ({ kind: order.productType === 'AIRTIME' ? 'OTHER' : 'CREDIT', digits }) as const,
    ),
  ];
  if (new Set(tokens.map(({ digits }) => digits)).size < tokens.length) {
    complain('token', 'is given twice: give each token once');
  }
  if (succeeded && typed.tokens.length === 0 && order.productType !== 'AIRTIME') {
    complain('token', 'is missing: a purchase that SUCCEEDED has its token, which ScratchPower can tell');
  }
  const { receiptNumber, upstreamReference } = typed;
  const total = readTotal(order.amount.currency, typed.total, complain);
  for (const [field, value] of Object.entries({ receiptNumber, upstreamReference })) {
    if (value !== null && (value.trim() === '' || value.length > MAX_TEXT_LENGTH))
      complain(field, `must have 1 to ${MAX_TEXT_LENGTH} characters, or be left out`);
  }
  if (!succeeded && [...tokens, receiptNumber, total].some((given) => given !== null)) {
    complain('token', 'a purchase that FAILED has no token, no receipt and no total: leave them out');
  }
  const finding = {
    status: typed.status,
    tokens,
    receiptNumber: receiptNumber?.trim() ?? null,
    upstreamReference: upstreamReference?.trim() ?? null,
    total,
  };
  return { finding, wrong };
}

type Complain = (field: string, message: string) => void;

function readTokens(
  field: string,
  typed: readonly string[],
  anyLength: boolean,
  complain: Complain,
): readonly string[] {
  return typed.flatMap((one) => {
    const digits = one.replace(/[\s-]/g, '');
    if (!/^\d+$/.test(digits) || digits.length > MAX_TOKEN_DIGITS) {
      complain(field, 'must be digits, in groups or not, such as "1234 5678 9012 3456 7890"');
      return [];
    }
    if (digits.length !== TOKEN_DIGITS && !anyLength) {
      const told = `has ${digits.length} digits where a token has ${TOKEN_DIGITS}: look again, or say --any-length`;
      complain(field, told);
      return [];
    }
    return [digits];
  });
}

function readTotal(currency: string, typed: string | null, complain: Complain): Money | null {
  if (typed === null) return null;
  const decimals = currencyDecimals(currency) ?? 2;
  const amount = /^(\d+)(?:\.(\d+))?$/.exec(typed.trim());
  const [text, whole = '', fraction = ''] = amount ?? [];
  if (text === undefined || whole.length > MAX_INTEGER_DIGITS || fraction.length > decimals) {
    complain('total', `must be an amount of ${currency} with at most ${decimals} decimals, such as 102.50`);
    return null;
  }
  return { amount: new Decimal(text), currency };
}

/**
 * Until when what was sent of these attempts may still be processed, where that is later than `now`; else null: `mayLandMs`
 * after the last of which it is not known what came of it. R5 counts fewer; to wait for all costs a minute, and no money.
 */
export function mayLandUntil(attempts: readonly Ended[], mayLandMs: number, now: Date): Date | null {
  const ends = attempts.flatMap(({ outcome, finishedAt }) =>
    outcome === 'UNKNOWN' && finishedAt !== null ? [finishedAt.getTime() + mayLandMs] : [],
  );
  const last = Math.max(...ends);
  return last > now.getTime() ? new Date(last) : null;
}

/** What a person's finding makes of a purchase in doubt. FAILED is for good: nothing can be charged for it later. */
export function settledByHand(purchase: Purchase, finding: Finding, now: Date): PurchaseChange {
  const { status, tokens, receiptNumber, upstreamReference, total } = finding;
  const none = { entry: null, net: null, total: null, charge: null, commission: null };
  return {
    ...settled(now),
    status,
    upstreamReference: upstreamReference ?? purchase.upstreamReference,
    ...(status === 'FAILED'
      ? { problem: notMade() }
      : {
          problem: null,
          tokens,
          receiptNumber,
          charges: total === null ? purchase.charges : { ...(purchase.charges ?? none), total },
        }),
  };
}

/** Due at once for the gateway that runs, or the next that starts. A purchase that was given up begins anew. */
export function askedAgainByHand(purchase: Purchase, now: Date): PurchaseChange {
  return {
    status: 'UNRESOLVED',
    updatedAt: now,
    nextCheckAt: now,
    ...(purchase.status === 'UNRESOLVED'
      ? {}
      : { problem: askedAgain(), settledAt: null, checks: 0, deniedInARow: 0, unresolvedSince: now }),
  };
}

/** Why a person's decision was refused, and what to do; null when it was not. */
export function whyNotByHand({ refused, purchase }: Decided): string | null {
  switch (refused) {
    case null:
      return null;
    case 'IN_FLIGHT':
      return 'A call to ScratchPower about this purchase is under way. Wait for its end and look again; where no gateway runs, start one: it picks it up.';
    case 'NOT_IN_DOUBT':
      if (purchase.status === 'SUCCEEDED') return 'This purchase SUCCEEDED, which never changes.';
      if (purchase.status !== 'FAILED')
        return `This purchase is ${purchase.status}. Wait for its end and look again.`;
      return purchase.problem?.retryable === true
        ? 'This purchase FAILED: nothing was charged. It can be tried again with retryPurchase of the GraphQL API.'
        : 'This purchase FAILED for good: nothing was charged. Buy again with a new key.';
  }
}

/** Shown to a customer: nothing of who found out, or how. */
function notMade() {
  return problem({
    type: 'UNAVAILABLE',
    code: 'settled_by_hand',
    message: 'We have checked: this purchase was not made and nothing was charged for it. Please buy anew.',
  });
}

function askedAgain() {
  return problem({
    type: 'UNAVAILABLE',
    code: 'outcome_unknown',
    message: 'We are finding out again what became of this purchase; please do not buy again.',
  });
}
