import { describe, expect, it } from 'vitest';

import {
  askedAgainByHand,
  readByHand,
  readFinding,
  settledByHand,
  whyNotByHand,
  type FindingInput,
} from '../../src/purchases/by-hand.ts';
import { canRetry, purchaseStatuses } from '../../src/purchases/purchase.ts';
import { anOrder, aPurchase, bwp, someProblem, someTime } from '../support/domain.ts';

const typed: FindingInput = {
  status: 'SUCCEEDED',
  keyChangeTokens: [],
  tokens: ['1234 5678-9012 3456 7890'],
  anyLength: false,
  receiptNumber: null,
  upstreamReference: null,
  total: null,
};
const noTokens = { tokens: [] };
const found = (change: Partial<FindingInput>, order = anOrder()) =>
  readFinding(order, { ...typed, ...change });
const later = new Date(someTime.getTime() + 1_000);

describe('what a person found', () => {
  it('is read: tokens in groups, the receipt, the reference and the total', () => {
    const { finding, wrong } = found({
      keyChangeTokens: ['1'.repeat(20), '2'.repeat(20)],
      receiptNumber: ' R1 ',
      upstreamReference: 'SP-1',
      total: '102.50',
    });
    expect(wrong).toEqual([]);
    expect(finding).toEqual({
      status: 'SUCCEEDED',
      tokens: [
        { kind: 'KEY_CHANGE', digits: '1'.repeat(20) },
        { kind: 'KEY_CHANGE', digits: '2'.repeat(20) },
        { kind: 'CREDIT', digits: '12345678901234567890' },
      ],
      receiptNumber: 'R1',
      upstreamReference: 'SP-1',
      total: bwp('102.50'),
    });
  });

  it('needs no token for airtime, nor where it FAILED', () => {
    expect(found(noTokens, anOrder({ productType: 'AIRTIME' })).wrong).toEqual([]);
    expect(found({ ...noTokens, status: 'FAILED' }).wrong).toEqual([]);
    expect(found({ ...noTokens, status: 'FAILED', upstreamReference: 'SP-1' }).wrong).toEqual([]);
  });

  it('may have tokens of another length where that is meant', () => {
    expect(found({ tokens: ['12345'], anyLength: true }).finding.tokens).toEqual([
      { kind: 'CREDIT', digits: '12345' },
    ]);
  });

  it.each<[field: string, what: string, change: Partial<FindingInput>]>([
    ['token', 'no token', noTokens],
    ['token', 'only key-change tokens', { tokens: [], keyChangeTokens: ['1'.repeat(20)] }],
    ['token', 'a letter', { tokens: ['1234567890123456789O'] }],
    ['token', 'nothing in it', { tokens: [' '] }],
    ['token', 'a digit too few', { tokens: ['1'.repeat(19)] }],
    ['token', 'a digit too many', { tokens: ['1'.repeat(21)] }],
    ['token', 'far too many', { tokens: ['1'.repeat(101)], anyLength: true }],
    ['token', 'one twice', { tokens: ['1'.repeat(20), '1111 '.repeat(5)] }],
    ['keyChange', 'a wrong key-change token', { keyChangeTokens: ['12'] }],
    ['receiptNumber', 'an empty receipt', { receiptNumber: ' ' }],
    ['upstreamReference', 'an endless reference', { upstreamReference: 'x'.repeat(201) }],
    ['total', 'no amount', { total: 'BWP 1' }],
    ['total', 'a comma', { total: '1,50' }],
    ['total', 'a negative', { total: '-1' }],
    ['total', 'too many decimals', { total: '1.505' }],
    ['total', 'too large', { total: '1'.repeat(13) }],
    ['token', 'tokens of a failure', { status: 'FAILED' }],
    ['token', 'a receipt of a failure', { ...noTokens, status: 'FAILED', receiptNumber: 'r' }],
    ['token', 'a total of a failure', { ...noTokens, status: 'FAILED', total: '1' }],
  ])('is refused at %s for %s, without telling a token', (field, _what, change) => {
    const { wrong } = found(change);
    expect(wrong.map((one) => one.field)).toContain(field);
    expect(JSON.stringify(wrong).replace('1234 5678 9012 3456 7890', '')).not.toMatch(/\d{4}/);
  });

  it.each([
    ['author', '', 'a reason'],
    ['author', 'x'.repeat(201), 'a reason'],
    ['reason', 'kagiso', ' \n '],
    ['reason', 'kagiso', 'x'.repeat(1_001)],
  ])('needs a fair %s', (field, author, reason) => {
    expect(readByHand({ author, reason }).wrong).toMatchObject([{ field }]);
  });

  it('is signed without the blanks around', () => {
    expect(readByHand({ author: ' kagiso ', reason: ' seen\n' })).toEqual({
      byHand: { author: 'kagiso', reason: 'seen' },
      wrong: [],
    });
  });
});

describe('settled by hand', () => {
  const doubtful = aPurchase({
    status: 'UNRESOLVED',
    ...{ checks: 7, nextCheckAt: later, deniedInARow: 1, unresolvedSince: someTime, problem: someProblem },
    charges: { entry: bwp('100'), net: null, total: bwp('1'), charge: bwp('2.50'), commission: null },
  });
  const settled = {
    ...{ updatedAt: later, settledAt: later, checks: 0, nextCheckAt: null, deniedInARow: 0 },
    unresolvedSince: null,
  };

  it('SUCCEEDED has what was found, and nobody asks any more', () => {
    const { finding } = found({ receiptNumber: 'R1', upstreamReference: 'SP-1', total: '102.50' });
    expect(settledByHand(doubtful, finding, later)).toEqual({
      ...settled,
      status: 'SUCCEEDED',
      problem: null,
      tokens: [{ kind: 'CREDIT', digits: '12345678901234567890' }],
      ...{ receiptNumber: 'R1', upstreamReference: 'SP-1' },
      charges: { ...doubtful.charges, total: bwp('102.50') },
    });
    const priceless = settledByHand(aPurchase({ status: 'UNRESOLVED' }), finding, later);
    expect(priceless.charges).toMatchObject({ entry: null, total: bwp('102.50') });
    expect(settledByHand(doubtful, found({}).finding, later).charges).toEqual(doubtful.charges);
  });

  it('FAILED can never be charged later, and tells a customer no more than that', () => {
    const change = settledByHand(doubtful, found({ ...noTokens, status: 'FAILED' }).finding, later);
    expect(change).toMatchObject({ ...settled, status: 'FAILED', problem: { code: 'settled_by_hand' } });
    expect(canRetry({ status: 'FAILED', problem: change.problem ?? null })).toBe(false);
    expect(change.tokens).toBeUndefined();
  });

  it('asking again makes it due at once; one that was given up begins anew', () => {
    expect(askedAgainByHand(doubtful, later)).toEqual({
      ...{ status: 'UNRESOLVED', updatedAt: later, nextCheckAt: later },
    });
    expect(askedAgainByHand({ ...doubtful, status: 'NEEDS_ATTENTION' }, later)).toMatchObject({
      ...{ status: 'UNRESOLVED', nextCheckAt: later, unresolvedSince: later, checks: 0, deniedInARow: 0 },
      problem: { code: 'outcome_unknown' },
    });
  });

  it('what was refused is told why', () => {
    expect(whyNotByHand({ refused: null, purchase: doubtful })).toBeNull();
    expect(whyNotByHand({ refused: 'IN_FLIGHT', purchase: doubtful })).toMatch(/under way/);
    for (const status of purchaseStatuses) {
      expect(whyNotByHand({ refused: 'NOT_IN_DOUBT', purchase: { ...doubtful, status } })).toContain(status);
    }
    const failed = aPurchase({ status: 'FAILED', problem: { ...someProblem, retryable: true } });
    expect(whyNotByHand({ refused: 'NOT_IN_DOUBT', purchase: failed })).toContain('retryPurchase');
  });
});
