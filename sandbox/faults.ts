import { z } from 'zod';

export const endpointNames = [
  'login',
  'refresh',
  'logout',
  'me',
  'accounts',
  'account',
  'products',
  'validate',
  'confirm',
  'retry',
  'other',
] as const;
export type Endpoint = (typeof endpointNames)[number];

export const faultKinds = [
  'delay_before',
  'delay_after',
  'drop_before',
  'drop_after',
  'html_error',
  'garbage',
  'cut_off',
  'empty',
  'rate_limit',
  'unauthorized',
  'pending',
  'failed',
  'trickle',
  'late_landing',
  'extra_fields',
  'missing_optional',
  'error',
  'huge',
] as const;

export const faultRequest = z.strictObject({
  /** The endpoint that it strikes; `*` for every one. */
  endpoint: z.enum([...endpointNames, '*'], { error: `must be one of: ${endpointNames.join(', ')}, *` }),
  surface: z.enum(['v1', 'current']).optional(),
  kind: z.enum(faultKinds, { error: `must be one of: ${faultKinds.join(', ')}` }),
  /** How many calls it strikes; null: until it is cleared. Default 1. */
  count: z.number().int().min(1).nullable().default(1),
  /** For the delays, late_landing and trickle (per byte). Default 1000, for trickle 50. */
  delayMs: z.number().int().min(0).max(600_000).optional(),
  /** For html_error and error. Default 502 and 400. */
  status: z.number().int().min(400).max(599).optional(),
  /** For html_error: whether the call is processed all the same. Default true. */
  processed: z.boolean().default(true),
  retryAfterSeconds: z.number().int().min(0).default(1),
  /** For pending: how many retries are answered PENDING before it resolves. Default 1. */
  pendingPolls: z.number().int().min(0).default(1),
  /** For pending: what it becomes. */
  becomes: z.enum(['SUCCESS', 'FAILED']).default('SUCCESS'),
  /** For error: the envelope. On Current `code` is the response_code. */
  type: z.string().default('api_error'),
  code: z.string().default('unexpected'),
  message: z.string().default('The sandbox was told to fail.'),
  retryable: z.boolean().default(false),
  /** For huge: the size of the body. Default 3,000,000. */
  bytes: z.number().int().min(1).max(200_000_000).default(3_000_000),
  /** Strikes only calls for this subscriber or reference. */
  subscriber: z.string().optional(),
  externalReference: z.string().optional(),
});
export type FaultRequest = z.input<typeof faultRequest>;
export type Fault = z.output<typeof faultRequest> & { readonly id: number; readonly left: number | null };

/** What only a purchase can be. */
const OF_CONFIRM: readonly (typeof faultKinds)[number][] = ['pending', 'failed'];

/** As a person orders one, who would wait for ever for what strikes nothing. */
export const orderedFault = faultRequest.superRefine(({ endpoint, kind }, context) => {
  if (!OF_CONFIRM.includes(kind) || endpoint === 'confirm' || endpoint === '*') return;
  const message = `must be confirm, or *: ${kind} does nothing to another`;
  context.addIssue({ code: 'custom', path: ['endpoint'], message });
});

export interface CallFacts {
  readonly endpoint: Endpoint;
  readonly surface: 'v1' | 'current';
  readonly subscriber: string | null;
  readonly externalReference: string | null;
}

/** The faults that wait for their calls, in the order in which they were added. */
export class Faults {
  #faults: Fault[] = [];
  #nextId = 1;

  get list(): readonly Fault[] {
    return this.#faults;
  }

  add(request: FaultRequest): Fault {
    const parsed = faultRequest.parse(request);
    const fault: Fault = { ...parsed, id: this.#nextId, left: parsed.count };
    this.#nextId += 1;
    this.#faults.push(fault);
    return fault;
  }

  clear(): void {
    this.#faults = [];
  }

  /** The first fault that fits the call; it is used up by that. */
  take(call: CallFacts): Fault | undefined {
    const fault = this.#faults.find(
      (one) =>
        (one.endpoint === '*' || one.endpoint === call.endpoint) &&
        (one.surface === undefined || one.surface === call.surface) &&
        (one.subscriber === undefined || one.subscriber === call.subscriber) &&
        (one.externalReference === undefined || one.externalReference === call.externalReference),
    );
    if (fault === undefined || fault.left === null) return fault;
    const left = fault.left - 1;
    this.#faults = this.#faults.flatMap((one) =>
      one !== fault ? [one] : left > 0 ? [{ ...one, left }] : [],
    );
    return fault;
  }
}
