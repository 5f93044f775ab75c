import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Pool } from 'pg';
import {
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRes,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible';

import type { Caller } from '../auth/caller.ts';
import { problem, type Problem } from '../purchases/problem.ts';
import type { RequestContext } from './request-context.ts';

/** Each per minute; 0 is no limit. */
export interface RateLimits {
  /** Operations of a caller. */
  readonly operations: number;
  /** Validations, confirms and retries of a caller. */
  readonly purchases: number;
  /** The same of all callers of an integration together. */
  readonly integration: number;
  /** Refused credentials from an address. */
  readonly refused: number;
}

/** Sets a header of the HTTP response; over WebSocket there is none to set. */
export type SetHeader = (name: string, value: string) => void;

/** Where instances count together: a table with the columns that rate-limiter-flexible wants. */
export interface SharedCounts {
  readonly pool: Pool;
  readonly table: string;
}

const WINDOW_S = 60;

/**
 * Who may do how much in a minute. Operations are counted by each instance for itself, for a shared count would make a
 * write of every read; what reaches the upstream, and refused credentials, are counted in PostgreSQL when the record is
 * there. While that does not answer each instance counts for itself: neither is everybody shut out nor everybody let in.
 */
export class Rates {
  readonly #operations: Counter | undefined;
  readonly #purchases: Counter | undefined;
  readonly #integration: Counter | undefined;
  readonly #refused: Counter | undefined;
  readonly #shutOut = new Map<string, number>();

  constructor(limits: RateLimits, together?: SharedCounts) {
    const counter = (name: string, points: number, shared: boolean) =>
      points === 0 ? undefined : new Counter(name, points, shared ? together : undefined);
    this.#operations = counter('operations', limits.operations, false);
    this.#purchases = counter('purchases', limits.purchases, true);
    this.#integration = counter('integration', limits.integration, true);
    this.#refused = counter('refused', limits.refused, true);
  }

  /** Counts an operation; the error to answer it with when there have been too many. */
  async operation(caller: Caller, setHeader: SetHeader): Promise<GraphQLError | undefined> {
    const state = await this.#operations?.count(callerKey(caller));
    if (state === undefined) return undefined;
    tell(setHeader, [state]);
    if (!state.exceeded) return undefined;
    setHeader('retry-after', String(state.resetS));
    return new GraphQLError(
      `You have sent ${state.points} operations within a minute, and no more are allowed. Try again in ${seconds(state.resetS)}.`,
      {
        extensions: {
          code: 'RATE_LIMITED',
          retryable: true,
          retryAfter: state.resetS,
          http: { status: 429 },
        },
      },
    );
  }

  /** Counts something that reaches the upstream; the `Problem` to answer it with when there has been too much. */
  async purchase(caller: Caller, setHeader: SetHeader): Promise<Problem | undefined> {
    // The caller's first: who is turned away for himself takes nothing from the others.
    const states: CountState[] = [];
    for (const [counter, key] of [
      [this.#purchases, callerKey(caller)],
      [this.#integration, caller.integration ?? 'default'],
    ] as const) {
      const state = await counter?.count(key);
      if (state === undefined) continue;
      states.push(state);
      if (state.exceeded) break;
    }
    if (states.length > 0) tell(setHeader, states);
    const exceeded = states.find((state) => state.exceeded);
    if (exceeded === undefined) return undefined;
    setHeader('retry-after', String(exceeded.resetS));
    return problem({
      type: 'RATE_LIMITED',
      code: 'rate_limited',
      message: `Too many purchases within a minute. Please send the very same again in ${seconds(exceeded.resetS)}.`,
      retryable: true,
      retryAfter: exceeded.resetS,
    });
  }

  /** For how many seconds nobody at this address is let in; 0 when they are. Asks nobody else: it is asked always. */
  shutOutFor(address: string): number {
    const until = this.#shutOut.get(address);
    if (until === undefined) return 0;
    const left = Math.ceil((until - performance.now()) / 1_000);
    if (left <= 0) this.#shutOut.delete(address);
    return Math.max(0, left);
  }

  /** Counts credentials that were refused; after too many the address is shut out, here at once. */
  async refused(address: string): Promise<void> {
    const state = await this.#refused?.count(address);
    if (state === undefined || state.remaining > 0) return;
    // The oldest go first: who guesses from very many addresses must not fill the memory.
    const [oldest] = this.#shutOut.keys();
    if (oldest !== undefined && this.#shutOut.size >= MOST_SHUT_OUT) this.#shutOut.delete(oldest);
    this.#shutOut.set(address, performance.now() + state.resetS * 1_000);
  }
}

const MOST_SHUT_OUT = 10_000;

/** Counts each operation of a caller, over every entrance. */
export function rateLimit(rates: Rates): Plugin<RequestContext> {
  const count = async (event: {
    args: ExecutionArgs & { contextValue: RequestContext };
    setResultAndStopExecution: (result: ExecutionResult) => void;
  }) => {
    const { caller, setHeader } = event.args.contextValue;
    const refusal = await rates.operation(caller, setHeader);
    if (refusal !== undefined) event.setResultAndStopExecution({ errors: [refusal] });
  };
  return { onExecute: count, onSubscribe: count };
}

function callerKey({ integration, name }: Caller): string {
  return `${integration ?? 'default'}/${name}`;
}

interface CountState {
  readonly name: string;
  /** As a header tells it. */
  readonly policy: string;
  readonly points: number;
  readonly remaining: number;
  readonly resetS: number;
  readonly exceeded: boolean;
}

class Counter {
  readonly #name: string;
  readonly #points: number;
  readonly #policy: string;
  readonly #limiter: RateLimiterAbstract;

  constructor(name: string, points: number, together: SharedCounts | undefined) {
    const options = { keyPrefix: name, points, duration: WINDOW_S };
    this.#name = name;
    this.#points = points;
    this.#policy = `"${name}";q=${points};w=${WINDOW_S}`;
    const memory = new RateLimiterMemory(options);
    this.#limiter =
      together === undefined
        ? memory
        : new RateLimiterPostgres({
            ...options,
            storeClient: together.pool,
            storeType: 'pool',
            tableName: together.table,
            tableCreated: true,
            insuranceLimiter: memory,
            // Who is over the limit costs the database nothing more.
            inMemoryBlockOnConsumed: points + 1,
          });
  }

  async count(key: string): Promise<CountState> {
    try {
      return this.#state(await this.#limiter.consume(bounded(key)), false);
    } catch (error) {
      if (error instanceof RateLimiterRes) return this.#state(error, true);
      throw error;
    }
  }

  #state({ remainingPoints, msBeforeNext }: RateLimiterRes, exceeded: boolean): CountState {
    const resetS = Math.max(1, Math.ceil(msBeforeNext / 1_000));
    return {
      name: this.#name,
      policy: this.#policy,
      points: this.#points,
      remaining: Math.max(0, remainingPoints),
      resetS,
      exceeded,
    };
  }
}

/** What the table's column holds. */
const LONGEST_KEY = 200;
const bounded = (key: string) => key.slice(0, LONGEST_KEY);

/** https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (structured fields, since draft 8). */
function tell(setHeader: SetHeader, states: readonly CountState[]): void {
  let [policies, counts, between] = ['', '', ''];
  for (const { name, policy, remaining, resetS } of states) {
    policies += between + policy;
    counts += `${between}"${name}";r=${remaining};t=${resetS}`;
    between = ', ';
  }
  setHeader('ratelimit-policy', policies);
  setHeader('ratelimit', counts);
}

function seconds(count: number): string {
  return count === 1 ? '1 second' : `${count} seconds`;
}
