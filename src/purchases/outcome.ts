import type { AttemptResult, PurchaseChange } from './journal.ts';
import { problem, type Problem } from './problem.ts';
import type { AttemptKind, Purchase } from './purchase.ts';
import type { Claim, Reading } from './vending.ts';

/** What came of an attempt: an answer that was read, or none. */
export type Result =
  | Reading
  | { readonly outcome: 'NOT_SENT'; readonly problem: Problem }
  | { readonly outcome: 'LOST'; readonly problem: Problem };

export interface Policy {
  /** The first wait before an unresolved purchase is asked about. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** After so long without an outcome a person has to look. */
  readonly giveUpAfterMs: number;
}

export interface Circumstances {
  readonly now: Date;
  /** Until what was sent has certainly been processed or never will be; 0 when that time has passed (R5). */
  readonly mayLandForMs: number;
  /** What the answers to earlier attempts say of the purchase: a denial against it is no certain no. */
  readonly claims: ReadonlySet<Claim>;
  /** What the upstream asked for with Retry-After. */
  readonly retryAfterSeconds: number | null;
  /** A number in [0, 1), for the jitter. */
  readonly random: number;
  readonly policy: Policy;
}

/** R5: so many denials in a row, after the confirm's own deadline, are a certain no. */
const DENIALS_NEEDED = 2;

/**
 * What an attempt's result makes of its purchase. Pure. FAILED only when it is certain (R4), for a retry's denial only
 * under R5 and where no earlier answer says otherwise; a retry that could not be sent or was not understood changes nothing but the next time to ask.
 */
export function conclude(
  purchase: Purchase,
  kind: AttemptKind,
  result: Result,
  circumstances: Circumstances,
): { result: AttemptResult; change: PurchaseChange } {
  const { now } = circumstances;
  switch (result.outcome) {
    case 'SUCCEEDED': {
      const { vend } = result;
      return {
        result: { outcome: 'SUCCEEDED', problem: null, finishedAt: now },
        change: {
          ...settled(now),
          status: 'SUCCEEDED',
          problem: null,
          upstreamReference: vend.upstreamReference ?? purchase.upstreamReference,
          subscriber: {
            identifier: purchase.subscriber.identifier,
            name: vend.subscriber?.name ?? purchase.subscriber.name,
            address: vend.subscriber?.address ?? purchase.subscriber.address,
          },
          charges: vend.charges ?? purchase.charges,
          tokens: vend.tokens,
          units: vend.units,
          receiptNumber: vend.receiptNumber,
        },
      };
    }
    case 'REFUSED':
      return {
        result: { outcome: 'REFUSED', problem: result.problem, finishedAt: now },
        change: { ...settled(now), status: 'FAILED', problem: result.problem },
      };
    case 'NOT_SENT':
      if (kind === 'CONFIRM') {
        return {
          result: { outcome: 'NOT_SENT', problem: result.problem, finishedAt: now },
          change: { ...settled(now), status: 'FAILED', problem: result.problem },
        };
      }
      return {
        result: { outcome: 'NOT_SENT', problem: result.problem, finishedAt: now },
        change: unresolved(purchase, circumstances),
      };
    case 'DENIED': {
      const { claims, mayLandForMs } = circumstances;
      const isBelied = claims.has('SOLD') || (claims.has('TAKEN') && !result.isKnown);
      const counts = mayLandForMs <= 0 && !isBelied;
      const inARow = counts ? purchase.deniedInARow + 1 : 0;
      if (inARow >= DENIALS_NEEDED) {
        return {
          result: { outcome: 'REFUSED', problem: result.problem, finishedAt: now },
          change: { ...settled(now), status: 'FAILED', problem: whyDenied(result.problem) },
        };
      }
      return {
        result: { outcome: 'UNKNOWN', problem: result.problem, finishedAt: now },
        change: { ...unresolved(purchase, circumstances), deniedInARow: inARow },
      };
    }
    case 'UNKNOWN':
    case 'LOST':
      return {
        result: { outcome: 'UNKNOWN', problem: result.problem, finishedAt: now },
        change: unresolved(purchase, circumstances),
      };
  }
}

/** What every purchase has once nothing more is to be found out about it. */
export function settled(now: Date) {
  return {
    updatedAt: now,
    settledAt: now,
    checks: 0,
    nextCheckAt: null,
    deniedInARow: 0,
    unresolvedSince: null,
  };
}

/** Still in doubt: ask again later, or, after too long, let a person look. */
function unresolved(purchase: Purchase, circumstances: Circumstances): PurchaseChange {
  const { now, policy } = circumstances;
  const since = purchase.unresolvedSince ?? now;
  const givenUp = purchase.status === 'UNRESOLVED' && now.getTime() - since.getTime() >= policy.giveUpAfterMs;
  const checks = purchase.status === 'UNRESOLVED' ? purchase.checks + 1 : 0;
  return {
    status: givenUp ? 'NEEDS_ATTENTION' : 'UNRESOLVED',
    problem: givenUp ? needsAttention() : inDoubt(),
    updatedAt: now,
    settledAt: null,
    unresolvedSince: since,
    deniedInARow: 0,
    checks,
    nextCheckAt: givenUp ? null : new Date(now.getTime() + nextDelayMs(checks, circumstances)),
  };
}

/** Doubling from the base to the maximum, of which a random half to whole is waited; longer when it was asked for. */
export function nextDelayMs(checks: number, circumstances: Circumstances): number {
  const { policy, random, retryAfterSeconds, mayLandForMs } = circumstances;
  const grown = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.min(checks, 30));
  const jittered = grown * (0.5 + random / 2);
  const askedFor = Math.min((retryAfterSeconds ?? 0) * 1000, policy.maxDelayMs);
  // A denial means nothing before the confirm's deadline, but SUCCESS does: ask no later than right after it.
  const untilDeadline = mayLandForMs > 0 ? mayLandForMs + 1 : Infinity;
  return Math.ceil(Math.max(askedFor, Math.min(jittered, untilDeadline)));
}

function inDoubt(): Problem {
  return problem({
    type: 'UNAVAILABLE',
    code: 'outcome_unknown',
    message:
      'The answer was lost on its way. We are finding out what became of this purchase; please do not buy again.',
  });
}

function needsAttention(): Problem {
  return problem({
    type: 'UNAVAILABLE',
    code: 'needs_attention',
    message:
      'We could not find out what became of this purchase. Please contact support before buying again.',
  });
}

function whyDenied(denial: Problem): Problem {
  if (denial.type === 'PROVIDER') return denial;
  return problem({
    type: 'UNAVAILABLE',
    code: 'purchase_not_found',
    message: 'This purchase never reached the provider. Nothing was charged; you may buy again.',
    retryable: true,
    requestId: denial.requestId,
  });
}
