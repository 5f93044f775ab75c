import { formatAmount, type Money } from '../purchases/money.ts';
import type { Problem } from '../purchases/problem.ts';
import type { Attempt, PurchaseEvent, PurchaseState } from '../purchases/purchase.ts';
import type { Found } from './find.ts';
import type { Mask } from './mask.ts';

/** A purchase as JSON: exact amounts as text, instants in UTC, secrets masked. */
export function describePurchase({ journal, purchase }: Found, mask: Mask) {
  const { order, charges } = purchase;
  return {
    id: purchase.id,
    reference: purchase.reference,
    integration: journal.integration,
    idempotencyKey: purchase.idempotencyKey,
    quoteId: purchase.quoteId,
    ...describeState(purchase, mask),
    createdAt: purchase.createdAt,
    settledAt: purchase.settledAt,
    unresolvedSince: purchase.unresolvedSince,
    checks: purchase.checks,
    nextCheckAt: purchase.nextCheckAt,
    deniedInARow: purchase.deniedInARow,
    order: {
      ...order,
      subscriberIdentifier: mask(order.subscriberIdentifier),
      beneficiaryPhoneNumber: mask(order.beneficiaryPhoneNumber),
      amount: amountOf(order.amount),
      currency: order.amount.currency,
      comment: order.comment === null ? null : mask(order.comment),
    },
    subscriber: { ...purchase.subscriber, identifier: mask(purchase.subscriber.identifier) },
    charges: charges && {
      entry: moneyOf(charges.entry),
      net: moneyOf(charges.net),
      total: moneyOf(charges.total),
      charge: moneyOf(charges.charge),
      commission: moneyOf(charges.commission),
    },
    units: purchase.units && { value: purchase.units.value.toFixed(), unit: purchase.units.unit },
  };
}

function describeState(
  { status, upstreamReference, receiptNumber, tokens, problem }: PurchaseState,
  mask: Mask,
) {
  return {
    status,
    upstreamReference,
    receiptNumber,
    tokens: tokens.map(({ kind, digits }) => ({ kind, digits: mask(digits) })),
    problem: problem && describeProblem(problem, mask),
  };
}

function describeProblem(problem: Problem, mask: Mask): Problem {
  const fields = problem.fields.map(({ field, message }) => ({ field, message: mask(message) }));
  return { ...problem, message: mask(problem.message), fields };
}

export function describeEvent({ position, at, purchase, byHand }: PurchaseEvent, mask: Mask) {
  return {
    ...{ position, at, ...describeState(purchase, mask) },
    byHand: byHand && { ...byHand, reason: mask(byHand.reason) },
  };
}

export function describeAttempt(attempt: Attempt, mask: Mask) {
  const { purchaseId: _, answer, problem, ...rest } = attempt;
  return {
    ...rest,
    problem: problem && describeProblem(problem, mask),
    answer: answer && { ...answer, body: mask(answer.body) },
  };
}

export function moneyOf(money: Money | null): string | null {
  return money && `${money.currency} ${formatAmount(money)}`;
}

function amountOf(money: Money): string {
  return formatAmount(money);
}

/** One JSON document. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
