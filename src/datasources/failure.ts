import { problem, type FieldProblem, type Problem, type ProblemType } from '../purchases/problem.ts';
import type { Vend } from '../purchases/purchase.ts';
import type { Claim, Expected, Reading } from '../purchases/vending.ts';

/** An error envelope of either surface, in one shape. */
export interface Envelope {
  readonly type: ProblemType;
  readonly code: string;
  /** Safe to show. */
  readonly message: string;
  /** Null where the surface does not say. */
  readonly retryable: boolean | null;
  /** The provider itself refused: the purchase was seen and turned down. */
  readonly fromProvider: boolean;
  /** The upstream does not know the reference. */
  readonly unknownReference: boolean;
  /** Nobody knows what happened, whatever the status says (Current 100). */
  readonly unexpected: boolean;
  readonly docUrl: string | null;
  readonly requestId: string | null;
  readonly fields: readonly FieldProblem[];
}

/** A success body of either surface, in one shape. */
export interface Told {
  readonly status: string;
  readonly externalReference: string | null;
  readonly subscriberIdentifier: string | null;
  /** Null when the token field holds something that is no token. */
  readonly vend: Vend | null;
}

export interface Evidence {
  readonly status: number;
  /** The body came whole. */
  readonly complete: boolean;
  /** The word for a success stands in the text, wherever: of what cannot be read it is all there is. */
  readonly mentionsSuccess: boolean;
  readonly envelope: Envelope | null;
  readonly told: Told | null;
  /** What Retry-After asked for. */
  readonly retryAfterSeconds: number | null;
}

/** 4xx that do not say what became of the request. */
const UNDECIDED = new Set([408, 409, 425, 429]);

/**
 * What an answer to a confirm or a retry means. Pure; the one place that decides it. In doubt it is UNKNOWN. A retry is
 * read more strictly than a confirm: that the question was refused says nothing of the purchase.
 */
export function readEvidence(evidence: Evidence, expected: Expected): Reading {
  const { status, complete, mentionsSuccess, envelope, told, retryAfterSeconds } = evidence;
  const isSuccess = status >= 200 && status < 300;
  const mayBeSold = isSuccess && mentionsSuccess ? 'SOLD' : undefined;
  if (!complete) return unknown(expected, 'answer_cut_off', mayBeSold ?? (isSuccess ? 'TAKEN' : undefined));
  if (isSuccess)
    return told === null ? unknown(expected, 'answer_unreadable', mayBeSold) : readTold(told, expected);
  if (envelope === null || status < 400) return unknown(expected, 'answer_unreadable');
  const refusal: Reading = {
    outcome: 'REFUSED',
    problem: problemOf(envelope, expected.requestId, retryAfterSeconds),
  };
  if (envelope.unexpected) return { outcome: 'UNKNOWN', problem: refusal.problem };
  const fromProvider = envelope.fromProvider && envelope.retryable === false;
  if (expected.kind === 'RETRY') {
    const { problem: why } = refusal;
    if (fromProvider) return { outcome: 'DENIED', problem: why, isKnown: true };
    if (status === 404 && envelope.unknownReference)
      return { outcome: 'DENIED', problem: why, isKnown: false };
    return { outcome: 'UNKNOWN', problem: why };
  }
  if (fromProvider) return refusal;
  if (
    (status === 429 || status === 503) &&
    (envelope.type === 'RATE_LIMITED' || envelope.retryable === true)
  ) {
    return { outcome: 'REFUSED', problem: { ...refusal.problem, retryable: true } };
  }
  if (status === 401) return { outcome: 'REFUSED', problem: { ...refusal.problem, retryable: true } };
  if (status < 500 && !UNDECIDED.has(status)) return refusal;
  return { outcome: 'UNKNOWN', problem: refusal.problem };
}

function readTold(told: Told, expected: Expected): Reading {
  const { externalReference, subscriberIdentifier, vend } = told;
  if (externalReference !== null && externalReference !== expected.reference)
    return unknown(expected, 'answer_of_another', 'SOLD');
  if (subscriberIdentifier !== null && subscriberIdentifier !== expected.subscriberIdentifier) {
    return unknown(expected, 'answer_of_another', 'SOLD');
  }
  switch (told.status.toUpperCase()) {
    case 'SUCCESS':
      if (vend === null) return unknown(expected, 'token_unreadable', 'SOLD');
      // The money has moved and the token is not here: a retry will bring it.
      if (vend.tokens.length === 0 && expected.productType !== 'AIRTIME')
        return unknown(expected, 'token_missing', 'SOLD');
      return { outcome: 'SUCCEEDED', vend };
    case 'PENDING':
      return unknown(expected, 'upstream_pending', isEmpty(vend) ? 'TAKEN' : 'SOLD');
    case 'FAILED': {
      // A token belies the word, and one that cannot be read may be one: something was sold.
      if (!isEmpty(vend)) return unknown(expected, 'answer_contradicts_itself', 'SOLD');
      const failed = problem({
        type: 'PROVIDER',
        code: 'purchase_failed',
        message: 'The provider could not complete this purchase. Nothing was charged.',
        retryable: true,
        requestId: expected.requestId,
      });
      // Of the retry that was told so; one before it may still be under way.
      if (expected.kind === 'RETRY') return { outcome: 'DENIED', problem: failed, isKnown: true };
      return { outcome: 'REFUSED', problem: failed };
    }
    default:
      return unknown(expected, 'answer_unreadable', 'SOLD');
  }
}

/** Nothing in it may be a token. */
function isEmpty(vend: Vend | null): boolean {
  return vend !== null && vend.tokens.length === 0;
}

function unknown({ requestId }: Expected, code: string, claim?: Claim): Reading {
  const message = 'What became of this purchase is not known yet.';
  const why = problem({ type: 'UNAVAILABLE', code, message, requestId });
  return { outcome: 'UNKNOWN', problem: why, ...(claim !== undefined && { claim }) };
}

/** Nobody is told to wait longer. */
const A_DAY_S = 86_400;

export function problemOf(envelope: Envelope, requestId: string, retryAfterSeconds: number | null): Problem {
  const { type, code, message, docUrl, fields } = envelope;
  return problem({
    ...{ type, code, message, docUrl, fields },
    retryable: envelope.retryable ?? false,
    retryAfter: retryAfterSeconds === null ? null : Math.min(Math.ceil(retryAfterSeconds), A_DAY_S),
    requestId: envelope.requestId ?? requestId,
  });
}

/** The type of an error whose own type says nothing known. */
export function typeByStatus(status: number): ProblemType {
  switch (status) {
    case 401:
      return 'AUTHENTICATION';
    case 403:
      return 'PERMISSION';
    case 404:
      return 'NOT_FOUND';
    case 409:
      return 'CONFLICT';
    case 429:
      return 'RATE_LIMITED';
    default:
      return status >= 500 ? 'UNAVAILABLE' : 'INVALID_INPUT';
  }
}

/** A map: an upstream may name a field `constructor`, which every object has. */
const paths: ReadonlyMap<string, string> = new Map([
  ['product_type', 'productType'],
  ['provider_code', 'providerCode'],
  ['debited_account_id', 'accountId'],
  ['subscriber_identifier', 'subscriberIdentifier'],
  ['meter_number', 'subscriberIdentifier'],
  ['beneficiary_phone_number', 'beneficiaryPhoneNumber'],
  ['amount', 'amount.amount'],
  ['currency', 'amount.currency'],
  ['charges_on_top_flag', 'chargesOnTop'],
  ['comment', 'comment'],
  ['language', 'language'],
  ['source_channel', 'sourceChannel'],
]);

/** Our path of the upstream's field; none for one that our input has not. */
export function fieldProblem(param: string | null, message: string): readonly FieldProblem[] {
  const field = param === null ? undefined : paths.get(param);
  return field === undefined ? [] : [{ field, message }];
}
