export const problemTypes = [
  'INVALID_INPUT',
  'AUTHENTICATION',
  'PERMISSION',
  'NOT_FOUND',
  'CONFLICT',
  'PROVIDER',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'INTERNAL',
] as const;
export type ProblemType = (typeof problemTypes)[number];

export interface FieldProblem {
  /** Dotted path of the input field, e.g. `amount.amount`. */
  readonly field: string;
  readonly message: string;
}

/** Why something was refused: data, not an exception. Its texts may be shown to a customer. */
export interface Problem {
  readonly type: ProblemType;
  /** Stable; the upstream's own code where it gave one. */
  readonly code: string;
  readonly message: string;
  /** True when the same request may be sent again as it is. */
  readonly retryable: boolean;
  /** In seconds, where it is known; of what is recorded, from when it was. */
  readonly retryAfter: number | null;
  readonly docUrl: string | null;
  /** What ScratchPower's support finds the call by. */
  readonly requestId: string | null;
  readonly fields: readonly FieldProblem[];
}

export type ProblemInit = Pick<Problem, 'type' | 'code' | 'message'> & Partial<Problem>;

export function problem(init: ProblemInit): Problem {
  return { retryable: false, retryAfter: null, docUrl: null, requestId: null, fields: [], ...init };
}

/** A `Problem` where no value can carry it: a read that failed, an argument that makes no sense. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(init: ProblemInit, options?: ErrorOptions) {
    super(init.message, options);
    this.name = 'ProblemError';
    this.problem = problem(init);
  }
}

export function isProblem(value: object): value is Problem {
  return 'retryable' in value && 'fields' in value;
}
