import { Pool } from 'undici';

import type { Leaving } from '../purchases/leaving.ts';
import { problem, ProblemError, type Problem } from '../purchases/problem.ts';
import type { Surface } from '../purchases/catalogue.ts';
import type { RawAnswer } from '../purchases/purchase.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { Sent } from '../purchases/vending.ts';
import { SingleSend } from './single-send.ts';

export type Endpoint =
  'login' | 'refresh' | 'me' | 'accounts' | 'products' | 'validate' | 'confirm' | 'retry';

/** One call as the log and the metrics see it. No secrets. */
export interface UpstreamCall {
  readonly surface: Surface;
  readonly endpoint: Endpoint;
  readonly requestId: string;
  readonly status: number | null;
  readonly outcome: Sent['kind'];
  readonly ms: number;
}

export interface Exchange {
  readonly endpoint: Endpoint;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly requestId: string;
  readonly accessToken?: string;
  /** More of them, such as what a trace goes on by. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** JSON text. */
  readonly body?: string;
  /** For the whole exchange, the body's last byte included. */
  readonly timeoutMs: number;
  readonly signal?: Leaving | undefined;
  /** Asked once the connection is there, right before the first byte: when it says no, nothing is sent. */
  readonly mayLeave?: (() => boolean) | undefined;
}

export interface TransportOptions {
  readonly origin: string;
  readonly surface: Surface;
  readonly runtime: Runtime;
  readonly observe?: ((call: UpstreamCall) => void) | undefined;
  /** Default 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Default 1 MiB, also once it is decompressed; what comes after it is not read. */
  readonly maxAnswerBytes?: number | undefined;
  /** Default 64. */
  readonly connections?: number | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 1_048_576;
const CONNECTIONS = 64;
/** Shorter than what proxies and servers commonly allow, so that it is we who close an idle connection. */
const KEEP_ALIVE_MS = 4_000;

/** What carries exchanges to one surface: the network, or a simulation of it. */
export interface Carrier {
  /** Never throws, but for what its own signal throws: whatever happens is one of `Sent`. */
  exchange(exchange: Exchange): Promise<Sent>;
  close(): Promise<void>;
}

/**
 * One surface's connections. Tells of each exchange whether an answer came, nothing was sent, or nobody knows. It never
 * sends anything twice: that is for those to decide who know what was asked.
 */
export class Transport implements Carrier {
  readonly #pool: Pool;
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#pool = new Pool(options.origin, {
      connections: options.connections ?? CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: { timeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS },
    });
  }

  async exchange(exchange: Exchange): Promise<Sent> {
    const { runtime, surface, observe } = this.#options;
    const startedAt = runtime.monotonic();
    const sent = await this.#send(exchange);
    const { endpoint, requestId } = exchange;
    const status = sent.kind === 'ANSWERED' ? sent.answer.status : null;
    observe?.({
      surface,
      endpoint,
      requestId,
      status,
      outcome: sent.kind,
      ms: Math.round(runtime.monotonic() - startedAt),
    });
    return sent;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #send({
    method,
    path,
    requestId,
    accessToken,
    headers: more,
    body,
    timeoutMs,
    signal,
    mayLeave,
  }: Exchange): Promise<Sent> {
    signal?.throwIfAborted();
    const send = new SingleSend({
      timeoutMs,
      signal,
      mayLeave,
      maxBytes: this.#options.maxAnswerBytes ?? MAX_ANSWER_BYTES,
    });
    // Without a word on codings, any would be welcome.
    const own = {
      ...{ accept: 'application/json', 'accept-encoding': 'identity' },
      'x-request-id': requestId,
    };
    const headers: Record<string, string> = more === undefined ? own : { ...more, ...own };
    if (accessToken !== undefined) headers['authorization'] = `Bearer ${accessToken}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    // The deadline is ours, for the whole exchange: undici's own are off.
    this.#pool.dispatch(
      { method, path, headers, body: body ?? null, headersTimeout: 0, bodyTimeout: 0 },
      send,
    );
    const arrival = await send.arrival;
    switch (arrival.kind) {
      case 'NOT_SENT':
        return { kind: 'NOT_SENT', problem: unreachable(requestId) };
      case 'LOST':
        return {
          kind: 'LOST',
          problem: arrival.timedOut ? timedOut(requestId) : connectionLost(requestId),
        };
      case 'ANSWERED': {
        const { status, body: came } = arrival;
        const now = this.#options.runtime.now().getTime();
        const retryAfterSeconds = secondsOf(arrival.headers['retry-after'], now);
        return {
          kind: 'ANSWERED',
          answer: { status, body: came.text, complete: came.complete, retryAfterSeconds },
        };
      }
    }
  }
}

function secondsOf(header: string | string[] | undefined, now: number): number | null {
  const value = Array.isArray(header) ? header[0] : header;
  if (value === undefined) return null;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

export function unreachable(requestId: string | null): Problem {
  const message = 'The provider cannot be reached. Nothing was sent; please try again later.';
  return problem({ type: 'UNAVAILABLE', code: 'upstream_unreachable', message, retryable: true, requestId });
}

function timedOut(requestId: string): Problem {
  const message = 'The provider did not answer in time. Please try again later.';
  return problem({ type: 'UNAVAILABLE', code: 'upstream_timeout', message, retryable: true, requestId });
}

function connectionLost(requestId: string): Problem {
  const message = 'The connection to the provider was lost. Please try again later.';
  return problem({ type: 'UNAVAILABLE', code: 'connection_lost', message, retryable: true, requestId });
}

export function unreadable(requestId: string): Problem {
  const message = 'The provider’s answer could not be understood. Please try again later.';
  return problem({ type: 'UNAVAILABLE', code: 'upstream_unreadable', message, retryable: true, requestId });
}

/** The answer, or a throw: for what is safe to ask again. */
export function answerOf(sent: Sent): RawAnswer {
  if (sent.kind === 'ANSWERED') return sent.answer;
  throw new ProblemError(sent.problem);
}
