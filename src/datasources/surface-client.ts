import type { z } from 'zod';

import { isProblem, problem, ProblemError, type Problem } from '../purchases/problem.ts';
import type { Surface } from '../purchases/catalogue.ts';
import type { RawAnswer } from '../purchases/purchase.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { Call, Expected, Reading, Sent, Slot, Vending } from '../purchases/vending.ts';
import type { ProductType } from '../purchases/catalogue.ts';
import { Breaker, type CircuitState, type Verdict } from './breaker.ts';
import { problemOf, readEvidence, type Envelope, type Told } from './failure.ts';
import { CONCURRENCY, Gate, QUEUE } from './gate.ts';
import { parseJson } from './json.ts';
import { credentialsRefused, Session, type Credentials, type Renewal } from './session.ts';
import {
  answerOf,
  Transport,
  unreachable,
  unreadable,
  type Carrier,
  type Endpoint,
  type Exchange,
  type TransportOptions,
  type UpstreamCall,
} from './transport.ts';

export interface SurfaceOptions {
  /** Without a trailing slash or /v1. */
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly confirmTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly connectTimeoutMs?: number | undefined;
  readonly maxAnswerBytes?: number | undefined;
  /** At most so many calls at once. Default 64. */
  readonly concurrency?: number | undefined;
  /** At most so many wait for their turn. Default 256. */
  readonly queue?: number | undefined;
  /** At most so long. Default 5000. */
  readonly maxWaitMs?: number | undefined;
  /** So many calls in a row without an upstream open the circuit. Default 5. */
  readonly circuitFailures?: number | undefined;
  /** How long it is open at first. Default 5000. */
  readonly circuitOpenMs?: number | undefined;
  readonly onCircuit?: ((surface: Surface, state: 'OPEN' | 'CLOSED') => void) | undefined;
  /** After each login and refresh; `problem` where it failed. */
  readonly onRenewal?: ((surface: Surface, how: Renewal, problem: Problem | undefined) => void) | undefined;
  readonly runtime: Runtime;
  readonly observe?: ((call: UpstreamCall) => void) | undefined;
  /** Makes what carries the exchanges. Default: real connections. */
  readonly connect?: ((options: TransportOptions) => Carrier) | undefined;
}

/** How a surface is, at this moment. */
export interface SurfaceState {
  readonly circuit: CircuitState;
  /** Calls under way, and how many there may be. */
  readonly inUse: number;
  readonly places: number;
  /** Calls that wait for a place, and how many may. */
  readonly waiting: number;
  readonly queue: number;
  /** Whether there is a session. */
  readonly session: boolean;
}

/** A surface with its connections. */
export interface ClosableVending extends Vending {
  state(): SurfaceState;
  close(): Promise<void>;
}

/** What makes a surface: where its endpoints are and how its answers are read. */
export interface Dialect {
  readonly surface: Surface;
  /** Before every path, such as /v1. */
  readonly prefix: string;
  readonly envelopeIn: (body: unknown, status: number) => Envelope | null;
  readonly toldBy: (body: unknown, productType: ProductType) => Told | null;
}

/** What both surfaces do alike: sessions, sending, and the reading of failures. */
export class SurfaceClient {
  readonly #dialect: Dialect;
  readonly #options: SurfaceOptions;
  readonly #carrier: Carrier;
  readonly #breaker: Breaker;
  readonly #gate: Gate;
  readonly #session: Session;
  #readying: Promise<void> | undefined;
  readonly #prefix: string;
  /** The last answer to each read, and what was read in it. */
  readonly #lastRead = new Map<z.ZodType, { readonly body: string; readonly value: unknown }>();

  constructor(dialect: Dialect, options: SurfaceOptions) {
    const { baseUrl, credentials, runtime, readTimeoutMs: timeoutMs } = options;
    const { origin, pathname } = new URL(baseUrl);
    this.#dialect = dialect;
    this.#options = options;
    this.#prefix = `${pathname.replace(/\/$/, '')}${dialect.prefix}`;
    const { concurrency = CONCURRENCY, queue, maxWaitMs, circuitFailures, circuitOpenMs } = options;
    const { surface } = dialect;
    // A login never waits for the calls that wait for it.
    const { connect = (wanted: TransportOptions) => new Transport(wanted) } = options;
    this.#carrier = connect({ ...options, origin, surface, connections: concurrency + 1 });
    this.#gate = new Gate({ runtime, concurrency, queue, maxWaitMs });
    this.#breaker = new Breaker({
      ...{ runtime, failures: circuitFailures, openMs: circuitOpenMs },
      onChange: (state) => options.onCircuit?.(surface, state),
    });
    const transport = { exchange: (exchange: Exchange) => this.#exchange(exchange) };
    this.#session = new Session({
      ...{ transport, credentials, runtime, timeoutMs },
      paths: { login: `${this.#prefix}/auth/login`, refresh: `${this.#prefix}/auth/refresh` },
      refusal: (answer, requestId) => this.#loginRefused(answer, requestId),
      onRenewal: (how, problem) => options.onRenewal?.(surface, how, problem),
    });
  }

  get state(): SurfaceState {
    const { concurrency: places = CONCURRENCY, queue = QUEUE } = this.#options;
    const circuit = this.#breaker.state;
    return { circuit, ...this.#gate.state, places, queue, session: this.#session.isThere };
  }

  async ready(): Promise<void> {
    await this.#sessionReady();
    const isThere = () => this.#breaker.state === 'CLOSED';
    if (isThere()) return;
    answerOf(await this.#probe());
    // Something answered, and not as an upstream that is there.
    if (!isThere()) throw new ProblemError(circuitOpen(null));
  }

  /**
   * Anybody may ask whether we are ready. Where that makes a login, it waits as every call does for what Retry-After asked
   * for, and has one place for all who ask.
   */
  #sessionReady(): Promise<void> {
    if (this.#session.isThere) return this.#session.ready();
    return (this.#readying ??= this.#login().finally(() => (this.#readying = undefined)));
  }

  async #login(): Promise<void> {
    const slot = await this.#gate.enter();
    if (isProblem(slot)) throw new ProblemError(slot);
    try {
      await this.#session.ready();
    } finally {
      slot.release();
    }
  }

  async admit(): Promise<Slot | Problem> {
    return this.#gate.enter();
  }

  isThere(): boolean {
    return this.#breaker.state === 'CLOSED' || this.#breaker.state === 'PROBE_DUE';
  }

  close(): Promise<void> {
    return this.#carrier.close();
  }

  /**
   * A read: its answer as the shape says, or a `ProblemError`. An answer of the same bytes as the last gives the same
   * object: to read it costs more than to fetch it.
   */
  async read<T>(endpoint: Endpoint, path: string, shape: z.ZodType<T>, call: Call): Promise<T> {
    const answer = await this.#ask({ endpoint, method: 'GET', under: path }, call);
    const last = this.#lastRead.get(shape);
    if (last?.body === answer.body && isSuccess(answer)) return last.value as T;
    const value = this.#parse(answer, shape, call);
    this.#lastRead.set(shape, { body: answer.body, value });
    return value;
  }

  /** Something safe to repeat that carries a body: its answer as the shape says, or the refusal. */
  async ask<T>(
    endpoint: Endpoint,
    path: string,
    body: string,
    shape: z.ZodType<T>,
    call: Call,
  ): Promise<T | Problem> {
    try {
      const answer = await this.#ask({ endpoint, method: 'POST', under: path, body }, call);
      return this.#parse(answer, shape, call);
    } catch (error) {
      if (error instanceof ProblemError) return error.problem;
      throw error;
    }
  }

  /** A confirm or a retry: what became of the sending, whatever happens. */
  async send(endpoint: 'confirm' | 'retry', path: string, body: string, call: Call): Promise<Sent> {
    const { requestId, mayLeave } = call;
    let last: Sent | undefined;
    try {
      // A confirm does not find out whether the upstream is back: something harmless goes ahead.
      if (endpoint === 'confirm' && this.#breaker.state === 'PROBE_DUE') await this.#probe();
      return await this.#session.send(async (accessToken) => {
        const timeoutMs = this.#options.confirmTimeoutMs;
        const exchange = {
          endpoint,
          method: 'POST',
          path: this.#prefix + path,
          body,
          requestId,
          timeoutMs,
          accessToken,
          mayLeave,
        } as const;
        // Until it is known better: whatever breaks from here on, it may have been sent (R4).
        last = { kind: 'LOST', problem: unreadable(requestId) };
        last = await this.#exchange(exchange);
        return last;
      });
    } catch (error) {
      // A 401 and then no new session: the 401 is the answer. Without any answer nothing was sent: there was no session.
      if (last !== undefined) return last;
      const refused = error instanceof ProblemError ? error.problem : unreachable(requestId);
      return { kind: 'NOT_SENT', problem: { ...refused, retryable: true } };
    }
  }

  readAnswer({ status, body, complete, retryAfterSeconds }: RawAnswer, expected: Expected): Reading {
    const json = parseJson(body);
    return readEvidence(
      {
        ...{ status, complete, mentionsSuccess: /success/i.test(body), retryAfterSeconds },
        envelope: this.#dialect.envelopeIn(json, status),
        told: this.#dialect.toldBy(json, expected.productType),
      },
      expected,
    );
  }

  async #ask(
    exchange: { endpoint: Endpoint; method: 'GET' | 'POST'; under: string; body?: string },
    { requestId, signal }: Call,
  ): Promise<RawAnswer> {
    const path = this.#prefix + exchange.under;
    const timeoutMs = this.#options.readTimeoutMs;
    const slot = await this.#gate.enter(signal);
    if (isProblem(slot)) throw new ProblemError({ ...slot, requestId });
    try {
      const sent = await this.#session.send((accessToken) =>
        this.#exchange({ path, requestId, signal, timeoutMs, accessToken, ...exchange }),
      );
      return answerOf(sent);
    } finally {
      slot.release();
    }
  }

  /** Who am I: the call that changes nothing and that every upstream has. */
  #probe(): Promise<Sent> {
    const { runtime, readTimeoutMs: timeoutMs } = this.#options;
    const requestId = runtime.id(runtime.now());
    const exchange = { endpoint: 'me', method: 'GET', path: `${this.#prefix}/auth/me` } as const;
    return this.#session.send((accessToken) =>
      this.#exchange({ ...exchange, requestId, timeoutMs, accessToken }),
    );
  }

  /** Every exchange goes through the circuit, and a Retry-After that comes of it holds the gate. */
  async #exchange(exchange: Exchange): Promise<Sent> {
    const report = this.#breaker.admit({ mayProbe: exchange.endpoint !== 'confirm' });
    if (report === null) return { kind: 'NOT_SENT', problem: circuitOpen(exchange.requestId) };
    let verdict: Verdict;
    try {
      const sent = await this.#carrier.exchange(exchange);
      verdict = this.#isAvailable(sent) ? 'AVAILABLE' : 'UNAVAILABLE';
      if (sent.kind === 'ANSWERED' && [429, 503].includes(sent.answer.status)) {
        this.#gate.hold((sent.answer.retryAfterSeconds ?? 0) * 1000);
      }
      return sent;
    } finally {
      report(verdict);
    }
  }

  /** An upstream that refuses is there, and so is one whose provider refuses, whatever the status. */
  #isAvailable(sent: Sent): boolean {
    if (sent.kind !== 'ANSWERED') return false;
    const { status, body } = sent.answer;
    if (status < 500) return true;
    const envelope = this.#dialect.envelopeIn(parseJson(body), status);
    return envelope !== null && (envelope.fromProvider || status === 500);
  }

  #parse<T>(answer: RawAnswer, shape: z.ZodType<T>, { requestId }: Call): T {
    if (!answer.complete) throw new ProblemError(unreadable(requestId));
    const json = parseJson(answer.body);
    if (!isSuccess(answer)) throw this.#refused(json, answer, requestId);
    const parsed = shape.safeParse(json);
    if (!parsed.success) throw new ProblemError(unreadable(requestId));
    return parsed.data;
  }

  #refused(json: unknown, { status, retryAfterSeconds }: RawAnswer, requestId: string): ProblemError {
    const envelope = this.#dialect.envelopeIn(json, status);
    if (envelope === null) return new ProblemError(unreadable(requestId));
    const refusal = problemOf(envelope, requestId, retryAfterSeconds);
    // What changes nothing may be asked again after any trouble that passes.
    return new ProblemError({
      ...refusal,
      retryable: envelope.retryable ?? (status === 429 || status >= 500),
    });
  }

  #loginRefused(answer: RawAnswer, requestId: string): ProblemError {
    const { status, body, complete } = answer;
    const json = complete ? parseJson(body) : undefined;
    const refused = this.#refused(json, answer, requestId);
    const { problem } = refused;
    return status === 400 || status === 401 || status === 403
      ? credentialsRefused(problem.code, problem.requestId)
      : refused;
  }
}

function isSuccess({ status, complete }: RawAnswer): boolean {
  return complete && status >= 200 && status < 300;
}

function circuitOpen(requestId: string | null): Problem {
  const message = 'The provider is not available at this moment. Nothing was sent; please try again later.';
  return problem({ type: 'UNAVAILABLE', code: 'circuit_open', message, retryable: true, requestId });
}
