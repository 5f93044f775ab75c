import type { ProductType, Provider, SourceChannel, Surface } from './catalogue.ts';
import type { Decimal, Money } from './money.ts';
import type { Problem } from './problem.ts';

export const purchaseStatuses = ['PENDING', 'SUCCEEDED', 'FAILED', 'UNRESOLVED', 'NEEDS_ATTENTION'] as const;
export type PurchaseStatus = (typeof purchaseStatuses)[number];

/** What is bought: complete, checked, and never changed once it is recorded. */
export interface Order {
  readonly surface: Surface;
  readonly productType: ProductType;
  readonly provider: Provider;
  readonly accountId: number;
  readonly subscriberIdentifier: string;
  /** E.164 with the leading +. */
  readonly beneficiaryPhoneNumber: string;
  readonly amount: Money;
  /** True: charges are paid on top of the amount. False: they are deducted from it. */
  readonly chargesOnTop: boolean;
  readonly comment: string | null;
  /** A locale tag such as en-BW; it decides the language of the upstream's messages. */
  readonly language: string;
  readonly sourceChannel: SourceChannel;
}

/** What the provider tells of the meter's or number's owner. */
export interface Subscriber {
  readonly identifier: string;
  readonly name: string | null;
  readonly address: string | null;
}

export interface Charges {
  readonly entry: Money | null;
  readonly net: Money | null;
  readonly total: Money | null;
  readonly charge: Money | null;
  readonly commission: Money | null;
}

export interface Quote {
  readonly id: string;
  readonly order: Order;
  readonly subscriber: Subscriber;
  readonly charges: Charges;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export const vendTokenKinds = ['CREDIT', 'KEY_CHANGE', 'OTHER'] as const;
export interface VendToken {
  readonly kind: (typeof vendTokenKinds)[number];
  /** Digits only. As good as cash. */
  readonly digits: string;
}

export interface Units {
  readonly value: Decimal;
  readonly unit: string | null;
}

/** What an upstream SUCCESS tells. */
export interface Vend {
  readonly upstreamReference: string | null;
  readonly subscriber: Subscriber | null;
  readonly charges: Charges | null;
  /** In the order in which the customer keys them in. */
  readonly tokens: readonly VendToken[];
  readonly units: Units | null;
  readonly receiptNumber: string | null;
}

/** The part of a purchase that changes, and that each event keeps as it was. */
export interface PurchaseState {
  readonly status: PurchaseStatus;
  readonly upstreamReference: string | null;
  readonly subscriber: Subscriber;
  readonly charges: Charges | null;
  readonly tokens: readonly VendToken[];
  readonly units: Units | null;
  readonly receiptNumber: string | null;
  readonly problem: Problem | null;
  readonly updatedAt: Date;
  readonly settledAt: Date | null;
}

/** What the reconciler remembers of an unresolved purchase. */
export interface Reconciliation {
  /** Retries asked since the purchase became unresolved. */
  readonly checks: number;
  /** When to ask next; null when nobody is to ask. */
  readonly nextCheckAt: Date | null;
  /** Denials of a retry in a row that came after the confirm's own deadline (R5). */
  readonly deniedInARow: number;
  /** Since when the outcome is unknown; the giving-up is counted from here. */
  readonly unresolvedSince: Date | null;
}

export interface Purchase extends PurchaseState, Reconciliation {
  readonly id: string;
  readonly idempotencyKey: string;
  /** The gateway's own reference, sent upstream as external_reference. */
  readonly reference: string;
  readonly quoteId: string | null;
  readonly order: Order;
  readonly createdAt: Date;
  /** The position of the purchase's latest event in the one order of its integration's events. */
  readonly lastEvent: number;
  /** The instance of the gateway that looks after it: it alone may conclude what it has in flight. */
  readonly owner: string;
}

/** Which person changed a purchase by hand, and why. */
export interface ByHand {
  readonly author: string;
  readonly reason: string;
}

/** One change of a purchase; `purchase` is as it was right after that change. */
export interface PurchaseEvent {
  readonly position: number;
  readonly at: Date;
  readonly purchase: Purchase;
  /** Null where the gateway itself made the change. */
  readonly byHand: ByHand | null;
}

export const attemptKinds = ['CONFIRM', 'RETRY'] as const;
export type AttemptKind = (typeof attemptKinds)[number];
export const attemptOutcomes = ['IN_FLIGHT', 'SUCCEEDED', 'REFUSED', 'UNKNOWN', 'NOT_SENT'] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** An answer as it came, before anybody has read it. */
export interface RawAnswer {
  readonly status: number;
  /** At most the transport's bound; `complete` tells whether it is the whole. */
  readonly body: string;
  /** False when the body was cut off or too long. */
  readonly complete: boolean;
  /** Seconds the upstream asked us to wait, from Retry-After. */
  readonly retryAfterSeconds: number | null;
}

export interface Attempt {
  readonly purchaseId: string;
  /** 1 for the first. */
  readonly number: number;
  readonly kind: AttemptKind;
  readonly outcome: AttemptOutcome;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** The X-Request-Id that it carried. */
  readonly requestId: string;
  readonly problem: Problem | null;
  readonly answer: RawAnswer | null;
  /** When the answer's body was blotted out (retention); its status is kept. Null while it is whole. */
  readonly answerBlottedAt: Date | null;
}

/**
 * R6: every move that a status may make. SUCCEEDED is final; FAILED is left only by retryPurchase; what NEEDS_ATTENTION is
 * settled by a person alone.
 */
const moves: Readonly<Record<PurchaseStatus, readonly PurchaseStatus[]>> = {
  PENDING: ['SUCCEEDED', 'FAILED', 'UNRESOLVED'],
  UNRESOLVED: ['SUCCEEDED', 'FAILED', 'NEEDS_ATTENTION'],
  NEEDS_ATTENTION: ['SUCCEEDED', 'FAILED', 'UNRESOLVED'],
  FAILED: ['PENDING', 'UNRESOLVED'],
  SUCCEEDED: [],
};

export function mayMove(from: PurchaseStatus, to: PurchaseStatus): boolean {
  return moves[from].includes(to);
}

/** SUCCEEDED or FAILED: the outcome is certain. */
export function isSettled(status: PurchaseStatus): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}

/** Whether a person may settle it or have it asked about: nobody knows its outcome. */
export function isInDoubt(status: PurchaseStatus): boolean {
  return status === 'UNRESOLVED' || status === 'NEEDS_ATTENTION';
}

/** R1: whether a confirm may be sent again: of all attempts, which there are, nothing was ever sent. */
export function wasNeverSent(attempts: readonly Pick<Attempt, 'kind' | 'outcome'>[]): boolean {
  return (
    attempts.length > 0 && attempts.every(({ kind, outcome }) => kind === 'CONFIRM' && outcome === 'NOT_SENT')
  );
}

/** Whether retryPurchase would do anything now. */
export function canRetry(purchase: Pick<PurchaseState, 'status' | 'problem'>): boolean {
  switch (purchase.status) {
    case 'UNRESOLVED':
    case 'NEEDS_ATTENTION':
      return true;
    case 'FAILED':
      return purchase.problem?.retryable ?? false;
    case 'PENDING':
    case 'SUCCEEDED':
      return false;
  }
}
