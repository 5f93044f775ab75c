import { randomUUID } from 'node:crypto';

import { Agent, request } from 'undici';

import { Hindrance } from './assumption.ts';
import { sentence } from './show.ts';
import { at, type Endpoint, type Surface } from './surfaces.ts';

export interface Question {
  readonly surface: Surface;
  readonly endpoint: Endpoint;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  readonly token?: string;
  /** Null: none is sent. Default: one of our own. */
  readonly requestId?: string | null;
}

export interface Reply {
  readonly question: Question;
  readonly requestId: string | null;
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** Undefined when the body is no JSON. */
  readonly json: unknown;
}

/** No whole answer came. */
export class NoAnswer extends Hindrance {
  /** Whether it may have been processed all the same. */
  readonly maybeSent: boolean;

  constructor(message: string, maybeSent: boolean) {
    super(message);
    this.maybeSent = maybeSent;
  }
}

export interface WireOptions {
  /** Without a trailing slash or /v1. */
  readonly baseUrl: string;
  /** Of a confirm and a retry, the answer's last byte included. */
  readonly confirmTimeoutMs: number;
  /** Of any other call. */
  readonly readTimeoutMs: number;
  /** Aborted when the run is to end: no further call is begun, and none but a confirm and a retry is waited for. */
  readonly stop: AbortSignal;
  readonly observe: (reply: Reply) => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 1_048_576;
/** Errors that come before a connection is there: nothing was sent. */
const NEVER_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED'];

/** HTTP and nothing else: each call on a connection of its own, so that none is ever sent twice by a client's kindness. */
export class Wire {
  readonly #options: WireOptions;
  readonly #agent = new Agent({ pipelining: 0, connect: { timeout: CONNECT_TIMEOUT_MS } });

  constructor(options: WireOptions) {
    this.#options = options;
  }

  async ask(question: Question): Promise<Reply> {
    const { baseUrl, confirmTimeoutMs, readTimeoutMs, stop, observe } = this.#options;
    if (stop.aborted) throw new NoAnswer('the run was interrupted', false);
    const moves = question.endpoint === 'confirm' || question.endpoint === 'retry';
    const timeoutMs = moves ? confirmTimeoutMs : readTimeoutMs;
    const deadline = AbortSignal.timeout(timeoutMs);
    // What may move money is waited for: its answer is what the person must know.
    const signal = moves ? deadline : AbortSignal.any([deadline, stop]);
    const { requestId = randomUUID() } = question;
    try {
      const answer = await request(`${baseUrl}${question.path}`, {
        method: question.method,
        headers: {
          accept: 'application/json',
          ...(requestId === null ? {} : { 'x-request-id': requestId }),
          ...(question.token === undefined ? {} : { authorization: `Bearer ${question.token}` }),
          ...(question.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: question.body === undefined ? null : JSON.stringify(question.body),
        ...{ dispatcher: this.#agent, signal, headersTimeout: 0, bodyTimeout: 0 },
      });
      const text = await read(answer.body);
      const headers = answer.headers;
      const header = (name: string) => {
        const value = headers[name];
        return Array.isArray(value) ? value[0] : value;
      };
      const reply: Reply = { question, requestId, status: answer.statusCode, header, json: parse(text) };
      observe(reply);
      return reply;
    } catch (error) {
      const why = whyOf(error, deadline.aborted ? timeoutMs : undefined, stop.aborted);
      const code = codeOf(error);
      const maybeSent = code === undefined || !NEVER_SENT.includes(code);
      throw new NoAnswer(`${question.method} ${question.path}: ${why}`, maybeSent);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

async function read(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = at(error, 'code');
  if (typeof code === 'string') return code;
  const cause: unknown = at(error, 'cause.code');
  return typeof cause === 'string' ? cause : undefined;
}

function whyOf(error: unknown, timedOutAfterMs: number | undefined, stopped: boolean): string {
  if (timedOutAfterMs !== undefined) return `no answer within ${timedOutAfterMs} ms`;
  if (stopped) return 'the run was interrupted';
  const code = codeOf(error);
  if (code !== undefined) return `no answer (${code})`;
  return `no answer (${sentence(error instanceof Error ? error.message : String(error))})`;
}

/** What an answer said, in a line: its status and the names of its error. */
export function said({ status, json, question }: Reply): string {
  const told = errorOf(json, question.surface);
  if (json === undefined) return `HTTP ${status} and no JSON`;
  if (told === undefined) return `HTTP ${status}`;
  const names = [told.type, told.code].filter((one) => one !== undefined).map((one) => sentence(one));
  const message = told.message === undefined ? '' : ` "${sentence(told.message)}"`;
  return `HTTP ${status} ${names.join('/')}${message}`;
}

export interface ErrorWords {
  readonly type: string | undefined;
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** The words of an error envelope; undefined where there is none. */
export function errorOf(json: unknown, surface: Surface): ErrorWords | undefined {
  const text = (path: string) => {
    const value = at(json, path);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  const words =
    surface === 'v1'
      ? { type: text('error.type'), code: text('error.code'), message: text('error.message') }
      : { type: undefined, code: text('response_code'), message: text('response_message') };
  return words.type === undefined && words.code === undefined ? undefined : words;
}
