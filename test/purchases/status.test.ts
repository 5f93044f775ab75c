import { describe, expect, it } from 'vitest';

import {
  canRetry,
  isInDoubt,
  isSettled,
  mayMove,
  purchaseStatuses,
  type PurchaseStatus,
} from '../../src/purchases/purchase.ts';
import { aPurchase, someProblem } from '../support/domain.ts';

/** R6: every move there is; all others are refused. */
const moves: Record<PurchaseStatus, PurchaseStatus[]> = {
  PENDING: ['SUCCEEDED', 'FAILED', 'UNRESOLVED'],
  UNRESOLVED: ['SUCCEEDED', 'FAILED', 'NEEDS_ATTENTION'],
  NEEDS_ATTENTION: ['SUCCEEDED', 'FAILED', 'UNRESOLVED'],
  FAILED: ['PENDING', 'UNRESOLVED'],
  SUCCEEDED: [],
};

describe.each(purchaseStatuses)('R6: from %s', (from) => {
  it.each(purchaseStatuses)('to %s', (to) => {
    expect(mayMove(from, to)).toBe(moves[from].includes(to));
  });
});

describe('a status', () => {
  it('is settled when its outcome is certain', () => {
    expect(purchaseStatuses.filter(isSettled)).toEqual(['SUCCEEDED', 'FAILED']);
  });

  it('is in doubt when a person may decide', () => {
    expect(purchaseStatuses.filter(isInDoubt)).toEqual(['UNRESOLVED', 'NEEDS_ATTENTION']);
  });

  it.each<[PurchaseStatus, retryable: boolean, expected: boolean]>([
    ['PENDING', true, false],
    ['SUCCEEDED', true, false],
    ['UNRESOLVED', false, true],
    ['NEEDS_ATTENTION', false, true],
    ['FAILED', true, true],
    ['FAILED', false, false],
  ])('%s with a problem that is retryable: %s can be retried: %s', (status, retryable, expected) => {
    expect(canRetry(aPurchase({ status, problem: { ...someProblem, retryable } }))).toBe(expected);
  });

  it('FAILED without a problem cannot be retried', () => {
    expect(canRetry(aPurchase({ status: 'FAILED' }))).toBe(false);
  });
});
