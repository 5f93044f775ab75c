import { describe, expect, it } from 'vitest';

import { conclude, nextDelayMs, type Circumstances, type Result } from '../../src/purchases/outcome.ts';
import type { AttemptKind, Purchase, PurchaseStatus } from '../../src/purchases/purchase.ts';
import { aPurchase, bwp, someProblem, someTime } from '../support/domain.ts';

const HOUR = 3_600_000;
const circumstances: Circumstances = {
  now: someTime,
  mayLandForMs: 0,
  retryAfterSeconds: null,
  random: 0,
  policy: { baseDelayMs: 2_000, maxDelayMs: 60_000, giveUpAfterMs: 24 * HOUR },
};
const succeeded: Result = {
  outcome: 'SUCCEEDED',
  vend: {
    upstreamReference: 'SP1',
    subscriber: { identifier: '04040404040', name: 'K. MOTHIBI', address: null },
    charges: { entry: bwp('100'), net: null, total: null, charge: null, commission: null },
    tokens: [{ kind: 'CREDIT', digits: '12345678901234567890' }],
    units: null,
    receiptNumber: 'R1',
  },
};
const pending = aPurchase();
const unresolved = aPurchase({ status: 'UNRESOLVED', unresolvedSince: someTime });
const onceDenied = { ...unresolved, deniedInARow: 1 };
const old = { ...unresolved, unresolvedSince: new Date(someTime.getTime() - 25 * HOUR) };
const refused: Result = { outcome: 'REFUSED', problem: someProblem };
const notFound = { ...someProblem, type: 'NOT_FOUND', code: 'purchase_not_found' } as const;
const denied: Result = { outcome: 'DENIED', problem: notFound };
const unknown: Result = { outcome: 'UNKNOWN', problem: someProblem };
const lost: Result = { outcome: 'LOST', problem: someProblem };
const notSent: Result = { outcome: 'NOT_SENT', problem: someProblem };

describe('what comes of an attempt', () => {
  it.each<[string, Purchase, AttemptKind, Result, number, PurchaseStatus, string]>([
    ['a confirm that succeeded', pending, 'CONFIRM', succeeded, 9, 'SUCCEEDED', 'SUCCEEDED'],
    ['a confirm that was refused', pending, 'CONFIRM', refused, 9, 'FAILED', 'REFUSED'],
    ['a confirm that was never sent', pending, 'CONFIRM', notSent, 9, 'FAILED', 'NOT_SENT'],
    ['a confirm whose answer was lost', pending, 'CONFIRM', lost, 9, 'UNRESOLVED', 'UNKNOWN'],
    ['a confirm whose answer is unreadable', pending, 'CONFIRM', unknown, 9, 'UNRESOLVED', 'UNKNOWN'],
    ['a retry that succeeded', unresolved, 'RETRY', succeeded, 9, 'SUCCEEDED', 'SUCCEEDED'],
    ['a retry that tells of a failure', unresolved, 'RETRY', refused, 9, 'FAILED', 'REFUSED'],
    ['a retry that was never sent', unresolved, 'RETRY', notSent, 9, 'UNRESOLVED', 'NOT_SENT'],
    ['a retry whose answer was lost', unresolved, 'RETRY', lost, 9, 'UNRESOLVED', 'UNKNOWN'],
    ['a denial while the confirm may still land', unresolved, 'RETRY', denied, 1, 'UNRESOLVED', 'UNKNOWN'],
    ['a second early denial', onceDenied, 'RETRY', denied, 1, 'UNRESOLVED', 'UNKNOWN'],
    ['the first late denial', unresolved, 'RETRY', denied, 0, 'UNRESOLVED', 'UNKNOWN'],
    ['the second late denial in a row', onceDenied, 'RETRY', denied, 0, 'FAILED', 'REFUSED'],
    ['a lost answer after the giving-up time', old, 'RETRY', lost, 0, 'NEEDS_ATTENTION', 'UNKNOWN'],
    ['a success after the giving-up time', old, 'RETRY', succeeded, 0, 'SUCCEEDED', 'SUCCEEDED'],
  ])('%s', (_name, purchase, kind, result, mayLandForMs, status, outcome) => {
    const conclusion = conclude(purchase, kind, result, { ...circumstances, mayLandForMs });
    expect(conclusion.change.status).toBe(status);
    expect(conclusion.result.outcome).toBe(outcome);
  });

  it('counts late denials only when they come in a row', () => {
    const first = conclude(unresolved, 'RETRY', denied, circumstances);
    expect(first.change.deniedInARow).toBe(1);
    expect(conclude(onceDenied, 'RETRY', lost, circumstances).change.deniedInARow).toBe(0);
    const early = { ...circumstances, mayLandForMs: 1 };
    expect(conclude(onceDenied, 'RETRY', denied, early).change.deniedInARow).toBe(0);
  });

  it('tells why it was denied: the provider’s own reason, or that it never arrived', () => {
    const provider: Result = { outcome: 'DENIED', problem: someProblem };
    expect(conclude(onceDenied, 'RETRY', provider, circumstances).change.problem).toEqual(someProblem);
    const { change } = conclude(onceDenied, 'RETRY', denied, circumstances);
    expect(change.problem).toMatchObject({ code: 'purchase_not_found', retryable: true });
  });

  it('keeps what was known of the subscriber when the answer leaves it out', () => {
    const known = aPurchase({ subscriber: { identifier: '04040404040', name: 'OLD', address: 'PLOT 1' } });
    const { change } = conclude(known, 'CONFIRM', succeeded, circumstances);
    expect(change.subscriber).toEqual({ identifier: '04040404040', name: 'K. MOTHIBI', address: 'PLOT 1' });
    expect(change.tokens).toHaveLength(1);
  });

  it('never tells a customer in doubt to buy again', () => {
    const { change } = conclude(pending, 'CONFIRM', lost, circumstances);
    expect(change.problem?.retryable).toBe(false);
    expect(change.problem?.code).toBe('outcome_unknown');
  });
});

describe('when it is asked again', () => {
  it('grows from the base to the maximum, jittered by up to a half', () => {
    const delays = [0, 1, 2, 10, 1000].map((checks) => nextDelayMs(checks, { ...circumstances, random: 1 }));
    expect(delays).toEqual([2_000, 4_000, 8_000, 60_000, 60_000]);
    expect(nextDelayMs(0, { ...circumstances, random: 0 })).toBe(1_000);
  });

  it('waits as long as the upstream asked, within the maximum', () => {
    expect(nextDelayMs(0, { ...circumstances, retryAfterSeconds: 30 })).toBe(30_000);
    expect(nextDelayMs(0, { ...circumstances, retryAfterSeconds: 86_400 })).toBe(60_000);
  });
});
