import { describe, expect, it } from 'vitest';

import { conclude, nextDelayMs, type Circumstances, type Result } from '../../src/purchases/outcome.ts';
import { problem } from '../../src/purchases/problem.ts';
import type { AttemptKind, Purchase, PurchaseStatus } from '../../src/purchases/purchase.ts';
import type { Claim } from '../../src/purchases/vending.ts';
import { aPurchase, bwp, someProblem, someTime } from '../support/domain.ts';

const HOUR = 3_600_000;
const circumstances: Circumstances = {
  now: someTime,
  mayLandForMs: 0,
  claims: new Set(),
  retryAfterSeconds: null,
  random: 0,
  policy: { baseDelayMs: 2_000, maxDelayMs: 60_000, giveUpAfterMs: 24 * HOUR },
};
const succeeded = {
  outcome: 'SUCCEEDED',
  vend: {
    upstreamReference: 'SP1',
    subscriber: { identifier: '04040404040', name: 'K. MOTHIBI', address: null },
    charges: { entry: bwp('100'), net: null, total: null, charge: null, commission: null },
    tokens: [{ kind: 'CREDIT', digits: '12345678901234567890' }],
    units: null,
    receiptNumber: 'R1',
  },
} satisfies Result;
const pending = aPurchase();
const unresolved = aPurchase({ status: 'UNRESOLVED', unresolvedSince: someTime });
const onceDenied = { ...unresolved, deniedInARow: 1 };
const old = { ...unresolved, unresolvedSince: new Date(someTime.getTime() - 25 * HOUR) };
const refused: Result = { outcome: 'REFUSED', problem: someProblem };
const notFound = { ...someProblem, type: 'NOT_FOUND', code: 'purchase_not_found' } as const;
const denied = { outcome: 'DENIED', problem: notFound, isKnown: false } satisfies Result;
const turnedDown = { outcome: 'DENIED', problem: someProblem, isKnown: true } satisfies Result;
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

  it.each<[claims: Claim[], denial: Result, PurchaseStatus]>([
    [[], denied, 'FAILED'],
    [[], turnedDown, 'FAILED'],
    // It is there, and may fail all the same; but not without ever having been there.
    [['TAKEN'], denied, 'UNRESOLVED'],
    [['TAKEN'], turnedDown, 'FAILED'],
    [['SOLD'], denied, 'UNRESOLVED'],
    [['SOLD'], turnedDown, 'UNRESOLVED'],
    [['TAKEN', 'SOLD'], turnedDown, 'UNRESOLVED'],
  ])('R4: after answers that claim %j, a second late denial', (claims, denial, status) => {
    const told = { ...circumstances, claims: new Set(claims) };
    const { change } = conclude(onceDenied, 'RETRY', denial, told);
    expect([change.status, change.deniedInARow]).toEqual([status, 0]);
    if (status === 'UNRESOLVED')
      expect(conclude(old, 'RETRY', denial, told).change.status).toBe('NEEDS_ATTENTION');
  });

  it('counts late denials only when they come in a row', () => {
    const first = conclude(unresolved, 'RETRY', denied, circumstances);
    expect(first.change.deniedInARow).toBe(1);
    expect(conclude(onceDenied, 'RETRY', lost, circumstances).change.deniedInARow).toBe(0);
    const early = { ...circumstances, mayLandForMs: 1 };
    expect(conclude(onceDenied, 'RETRY', denied, early).change.deniedInARow).toBe(0);
  });

  it('tells why it was denied: the provider’s own reason, or that it never arrived', () => {
    expect(conclude(onceDenied, 'RETRY', turnedDown, circumstances).change.problem).toEqual(someProblem);
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

describe('what is written of it', () => {
  const now = someTime;
  const settled = {
    ...{ updatedAt: now, settledAt: now, checks: 0, nextCheckAt: null, deniedInARow: 0 },
    unresolvedSince: null,
  };
  const doubt = problem({
    type: 'UNAVAILABLE',
    code: 'outcome_unknown',
    message:
      'The answer was lost on its way. We are finding out what became of this purchase; please do not buy again.',
  });
  const asked = { ...unresolved, checks: 3, deniedInARow: 1 };

  it('of a success: all that the answer tells', () => {
    const known = aPurchase({
      ...{ upstreamReference: 'SP0', problem: someProblem },
      charges: { entry: null, net: null, total: bwp('1'), charge: null, commission: null },
      subscriber: { identifier: '04040404040', name: 'OLD', address: 'PLOT 1' },
    });
    expect(conclude(known, 'CONFIRM', succeeded, circumstances)).toEqual({
      result: { outcome: 'SUCCEEDED', problem: null, finishedAt: now },
      change: {
        ...settled,
        ...{ status: 'SUCCEEDED', problem: null, upstreamReference: 'SP1' },
        subscriber: { identifier: '04040404040', name: 'K. MOTHIBI', address: 'PLOT 1' },
        charges: { entry: bwp('100'), net: null, total: null, charge: null, commission: null },
        tokens: [{ kind: 'CREDIT', digits: '12345678901234567890' }],
        ...{ units: null, receiptNumber: 'R1' },
      },
    });
  });

  it('of a success that tells little: what was known stays', () => {
    const known = aPurchase({
      upstreamReference: 'SP0',
      charges: { entry: null, net: null, total: bwp('1'), charge: null, commission: null },
      subscriber: { identifier: '04040404040', name: 'OLD', address: 'PLOT 1' },
    });
    const little: Result = {
      outcome: 'SUCCEEDED',
      vend: { ...succeeded.vend, upstreamReference: null, subscriber: null, charges: null },
    };
    const { change } = conclude(known, 'CONFIRM', little, circumstances);
    const { upstreamReference, charges, subscriber } = known;
    expect(change).toMatchObject({ upstreamReference, charges, subscriber });
  });

  it.each<[what: string, kind: AttemptKind, result: Result, outcome: string]>([
    ['a refusal', 'CONFIRM', refused, 'REFUSED'],
    ['a confirm that was never sent', 'CONFIRM', notSent, 'NOT_SENT'],
  ])('of %s: it is over, for the reason that was given', (_what, kind, result, outcome) => {
    expect(conclude(asked, kind, result, circumstances)).toEqual({
      result: { outcome, problem: someProblem, finishedAt: now },
      change: { ...settled, status: 'FAILED', problem: someProblem },
    });
  });

  it('of the second late denial: it is over, and never arrived', () => {
    const denial = { ...denied, problem: { ...notFound, requestId: 'r1' } };
    expect(conclude(asked, 'RETRY', denial, circumstances)).toEqual({
      result: { outcome: 'REFUSED', problem: denial.problem, finishedAt: now },
      change: {
        ...settled,
        status: 'FAILED',
        problem: problem({
          ...{ type: 'UNAVAILABLE', code: 'purchase_not_found', retryable: true, requestId: 'r1' },
          message: 'This purchase never reached the provider. Nothing was charged; you may buy again.',
        }),
      },
    });
  });

  it.each<[what: string, purchase: Purchase, kind: AttemptKind, result: Result, outcome: string]>([
    ['lost', pending, 'CONFIRM', lost, 'UNKNOWN'],
    ['unreadable', pending, 'CONFIRM', unknown, 'UNKNOWN'],
  ])(
    'of a confirm whose answer is %s: asked about after the first wait',
    (_what, purchase, kind, result, outcome) => {
      expect(conclude(purchase, kind, result, circumstances)).toEqual({
        result: { outcome, problem: someProblem, finishedAt: now },
        change: {
          ...{ status: 'UNRESOLVED', problem: doubt, updatedAt: now, settledAt: null, unresolvedSince: now },
          ...{ deniedInARow: 0, checks: 0, nextCheckAt: new Date(now.getTime() + 1_000) },
        },
      });
    },
  );

  it.each<[what: string, result: Result, outcome: string]>([
    ['was never sent', notSent, 'NOT_SENT'],
    ['was lost', lost, 'UNKNOWN'],
    ['was not understood', unknown, 'UNKNOWN'],
  ])('of a retry that %s: one more check, and the next one later', (_what, result, outcome) => {
    expect(conclude(asked, 'RETRY', result, circumstances)).toEqual({
      result: { outcome, problem: someProblem, finishedAt: now },
      change: {
        ...{ status: 'UNRESOLVED', problem: doubt, updatedAt: now, settledAt: null, unresolvedSince: now },
        ...{ deniedInARow: 0, checks: 4, nextCheckAt: new Date(now.getTime() + 16_000) },
      },
    });
  });

  it('of the first late denial: one more check, and that it was denied', () => {
    expect(conclude(unresolved, 'RETRY', denied, circumstances)).toEqual({
      result: { outcome: 'UNKNOWN', problem: notFound, finishedAt: now },
      change: {
        ...{ status: 'UNRESOLVED', problem: doubt, updatedAt: now, settledAt: null, unresolvedSince: now },
        ...{ deniedInARow: 1, checks: 1, nextCheckAt: new Date(now.getTime() + 2_000) },
      },
    });
  });

  it('is given up after exactly so long, and not a moment before', () => {
    const since = (ms: number) => ({ ...asked, unresolvedSince: new Date(now.getTime() - ms) });
    const { giveUpAfterMs } = circumstances.policy;
    const before = conclude(since(giveUpAfterMs - 1), 'RETRY', lost, circumstances);
    expect(before.change.status).toBe('UNRESOLVED');
    expect(conclude(since(giveUpAfterMs), 'RETRY', lost, circumstances).change).toEqual({
      status: 'NEEDS_ATTENTION',
      problem: problem({
        ...{ type: 'UNAVAILABLE', code: 'needs_attention' },
        message:
          'We could not find out what became of this purchase. Please contact support before buying again.',
      }),
      ...{ updatedAt: now, settledAt: null, unresolvedSince: since(giveUpAfterMs).unresolvedSince },
      ...{ deniedInARow: 0, checks: 4, nextCheckAt: null },
    });
  });

  it('is not given up while its confirm is answered, however long that took', () => {
    const slow = { ...pending, unresolvedSince: old.unresolvedSince };
    expect(conclude(slow, 'CONFIRM', lost, circumstances).change.status).toBe('UNRESOLVED');
  });
});

describe('when it is asked again', () => {
  it('grows from the base to the maximum, jittered by up to a half', () => {
    const delays = [0, 1, 2, 10, 1000].map((checks) => nextDelayMs(checks, { ...circumstances, random: 1 }));
    expect(delays).toEqual([2_000, 4_000, 8_000, 60_000, 60_000]);
    expect(nextDelayMs(0, { ...circumstances, random: 0 })).toBe(1_000);
  });

  it('is asked right after what was sent can no longer land, where that comes first', () => {
    const at = (mayLandForMs: number) => nextDelayMs(3, { ...circumstances, mayLandForMs });
    expect([at(0), at(1), at(5_000), at(7_999), at(60_000)]).toEqual([8_000, 2, 5_001, 8_000, 8_000]);
  });

  it('waits as long as the upstream asked, within the maximum', () => {
    expect(nextDelayMs(0, { ...circumstances, retryAfterSeconds: 30 })).toBe(30_000);
    expect(nextDelayMs(0, { ...circumstances, retryAfterSeconds: 86_400 })).toBe(60_000);
  });
});
