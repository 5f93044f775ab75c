import { errorAnswer, type Answer } from '../../sandbox/answers.ts';
import type { Endpoint, Fault } from '../../sandbox/faults.ts';
import { faultRequest } from '../../sandbox/faults.ts';
import { Handlers } from '../../sandbox/handlers.ts';
import { Ledger } from '../../sandbox/ledger.ts';
import { OAuth } from '../../sandbox/oauth.ts';
import { route } from '../../sandbox/routes.ts';
import type { Carrier, Exchange } from '../../src/datasources/transport.ts';
import { problem } from '../../src/purchases/problem.ts';
import type { RawAnswer } from '../../src/purchases/purchase.ts';
import type { Sent } from '../../src/purchases/vending.ts';
import type { UpstreamCall } from '../attack/history.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

export const networkFaultKinds = [
  /** No connection: nothing is sent. */
  'refused',
  /** The connection breaks before the request has arrived. */
  'lost before',
  /** The connection breaks after it was processed. */
  'lost after',
  /** It never arrives, and nothing is said. */
  'vanished',
  /** It arrives after everybody has left, as late as the contract's assumption allows. */
  'late landing',
  /** It is processed, and answered after the deadline. */
  'late answer',
  'slow',
  '502 in HTML, processed',
  '500 in HTML, not processed',
  'garbage',
  'cut off',
  'empty',
  '401',
  '429',
  '503 refused outright',
  'refused by the provider',
  'pending',
  'pending, then failed',
  'failed',
  /** A proxy repeats what is safe to repeat. */
  'twice',
] as const;

export interface NetworkFault {
  readonly endpoint: 'login' | 'refresh' | 'me' | 'accounts' | 'products' | 'validate' | 'confirm' | 'retry';
  /** It is the so-manieth call of that endpoint that it strikes, counted from 1. */
  readonly nth: number;
  readonly kind: (typeof networkFaultKinds)[number];
  /** How slow, how late. */
  readonly ms: number;
}

/** A time in which nobody is reached. */
export interface Outage {
  readonly from: number;
  readonly ms: number;
  readonly kind: 'refused' | 'vanished';
}

export interface UpstreamOptions {
  readonly world: World;
  readonly faults: readonly NetworkFault[];
  readonly outages: readonly Outage[];
  readonly tokenSeconds: number;
  /** How long after the deadline a request may still arrive. */
  readonly lateLandingMs: number;
  /** Told of each confirm and retry as it leaves, and of each debit as it is made. */
  readonly onSend: (exchange: Exchange) => void;
  readonly onDebit: (externalReference: string | null) => void;
}

const SAFE_TO_REPEAT: readonly Endpoint[] = ['me', 'accounts', 'products', 'validate', 'retry'];
const HTML = '<html><body><h1>Bad Gateway</h1></body></html>';

/** ScratchPower as the sandbox has it, behind a network that the script rules over. */
export class SimulatedUpstream {
  readonly calls: UpstreamCall[] = [];
  readonly #options: UpstreamOptions;
  readonly #ledger: Ledger;
  readonly #handlers: Handlers;
  readonly #counts = new Map<string, number>();
  #calm = false;

  constructor(options: UpstreamOptions) {
    const { world, tokenSeconds } = options;
    const now = () => new Date(world.now);
    this.#options = options;
    this.#ledger = new Ledger(now);
    this.#handlers = new Handlers({
      ledger: this.#ledger,
      oauth: new OAuth({ now, accessTokenSeconds: tokenSeconds }),
    });
  }

  get ledger() {
    return this.#ledger.entries;
  }

  /** From now on nothing goes wrong any more. */
  calmDown(): void {
    this.#calm = true;
  }

  /** The network as one process reaches it. */
  carrierOf(process: SimulatedProcess): Carrier {
    return { exchange: (exchange) => this.#exchange(exchange, process), close: () => Promise.resolve() };
  }

  #exchange(exchange: Exchange, process: SimulatedProcess): Promise<Sent> {
    const { world, onSend } = this.#options;
    const { endpoint, timeoutMs, requestId, signal, mayLeave } = exchange;
    const fault = this.#faultOf(endpoint);
    world.note(`${endpoint} leaves${fault === undefined ? '' : `, and meets ${fault.kind}`}`);
    return new Promise((resolve, reject) => {
      const arrives = (sent: Sent, ms: number) => process.after(ms, () => resolve(sent));
      const leave = () => reject(signal?.reason as Error);
      if (signal?.aborted === true) {
        leave();
        return;
      }
      signal?.addEventListener('abort', leave, { once: true });
      const there = world.between(1, 40);
      const notSent: Sent = { kind: 'NOT_SENT', problem: trouble('upstream_unreachable', requestId) };
      if (fault?.kind === 'refused') {
        arrives(notSent, there);
        return;
      }
      process.after(world.between(0, 5), () => {
        if (mayLeave?.() === false) {
          world.note(`${endpoint} may not leave any more`);
          resolve(notSent);
          return;
        }
        onSend(exchange);
        arrives({ kind: 'LOST', problem: trouble('upstream_timeout', requestId) }, timeoutMs);
        this.#travel(exchange, fault, there, arrives);
      });
    });
  }

  /** A request on its way. What its process has left behind, it goes on with. */
  #travel(
    exchange: Exchange,
    fault: { kind: NetworkFault['kind']; ms: number } | undefined,
    there: number,
    arrives: (sent: Sent, ms: number) => void,
  ): void {
    const { world, lateLandingMs } = this.#options;
    const { endpoint, timeoutMs, requestId } = exchange;
    const lost: Sent = { kind: 'LOST', problem: trouble('connection_lost', requestId) };
    const process_ = (extra?: Fault) => this.#process(exchange, extra);
    const answer = (made: Answer | RawAnswer, ms = world.between(1, 40)) =>
      world.after(ms, () => arrives({ kind: 'ANSWERED', answer: rawOf(made) }, 0));
    world.after(there, () => {
      switch (fault?.kind) {
        case 'lost before':
          arrives(lost, 1);
          break;
        case 'vanished':
          break;
        case 'late landing':
          if (fault.ms % 2 === 0) arrives(lost, 1);
          world.after(timeoutMs + (fault.ms / MOST_MS) * lateLandingMs - there - 1, () => void process_());
          break;
        case 'lost after':
          process_();
          arrives(lost, 1);
          break;
        case 'late answer':
          answer(process_(), timeoutMs + fault.ms);
          break;
        case 'slow':
          answer(process_(), fault.ms);
          break;
        case '502 in HTML, processed':
          process_();
          answer(text(502, HTML));
          break;
        case '500 in HTML, not processed':
          answer(text(500, HTML));
          break;
        case 'garbage':
          process_();
          answer(text(200, '%%% not what you asked for %%%'));
          break;
        case 'empty':
          process_();
          answer(text(200, ''));
          break;
        case 'cut off': {
          const whole = rawOf(process_());
          const body = whole.body.slice(0, whole.body.length / 2);
          answer({ ...whole, body, complete: false });
          break;
        }
        case '401':
          answer(this.#refusal(exchange, 401, 'authentication_error', '110'));
          break;
        case '429':
          answer({
            ...rawOf(this.#refusal(exchange, 429, 'rate_limit_error', '429', true)),
            retryAfterSeconds: Math.ceil(fault.ms / 1000),
          });
          break;
        case '503 refused outright':
          answer(this.#refusal(exchange, 503, 'api_error', '999', true));
          break;
        case 'refused by the provider':
          // Of what had succeeded the contract says that a retry returns it.
          if (this.#isDebited(exchange)) answer(process_());
          else answer(this.#refusal(exchange, 422, 'provider_error', '810'));
          break;
        case 'pending':
          answer(process_(faultOf('pending', { pendingPolls: 1 })));
          break;
        case 'pending, then failed':
          answer(process_(faultOf('pending', { pendingPolls: 0, becomes: 'FAILED' })));
          break;
        case 'failed':
          answer(process_(faultOf('failed')));
          break;
        case 'twice':
          if (SAFE_TO_REPEAT.includes(endpoint)) process_();
          answer(process_());
          break;
        default:
          answer(process_());
      }
    });
  }

  #faultOf(endpoint: NetworkFault['endpoint']): { kind: NetworkFault['kind']; ms: number } | undefined {
    const nth = (this.#counts.get(endpoint) ?? 0) + 1;
    this.#counts.set(endpoint, nth);
    if (this.#calm) return undefined;
    const { world, outages, faults } = this.#options;
    const outage = outages.find(({ from, ms }) => world.now >= from && world.now < from + ms);
    return outage ?? faults.find((fault) => fault.endpoint === endpoint && fault.nth === nth);
  }

  #process(exchange: Exchange, fault?: Fault): Answer {
    const { world, onDebit } = this.#options;
    const { endpoint, method, path, accessToken, requestId, body: sent = '' } = exchange;
    const debits = this.#ledger.entries.length;
    const json: unknown = sent === '' ? undefined : JSON.parse(sent);
    const asked = route(method, path);
    const answer = this.#handlers.answer({
      ...asked,
      body: { text: sent, json, tooLarge: false },
      authorization: accessToken === undefined ? undefined : `Bearer ${accessToken}`,
      arrivedAt: new Date(world.now),
      fault,
    });
    if (endpoint === 'confirm' || endpoint === 'retry') {
      const externalReference = referenceIn(json);
      this.calls.push({ endpoint, externalReference, unauthorized: answer.status === 401 });
      world.note(`${endpoint} of ${String(externalReference)} is processed: ${answer.status}`);
      if (this.#ledger.entries.length > debits) onDebit(externalReference);
    }
    if ('body' in answer) return answer;
    return errorAnswer(asked.surface, answer, requestId, new Date(world.now));
  }

  #isDebited({ body = 'null' }: Exchange): boolean {
    const reference = referenceIn(JSON.parse(body));
    return this.ledger.some(({ externalReference }) => externalReference === reference);
  }

  /** A refusal before anything was processed. */
  #refusal(exchange: Exchange, status: number, type: string, number: string, retryable = false): Answer {
    const { surface } = route(exchange.method, exchange.path);
    const error = { status, type, code: `${type}_simulated`, number, message: 'Refused.', retryable };
    return errorAnswer(surface, error, exchange.requestId, new Date(this.#options.world.now));
  }
}

/** The longest of a fault's delays. */
export const MOST_MS = 5_000;

function faultOf(kind: Fault['kind'], more: Partial<Fault> = {}): Fault {
  return { ...faultRequest.parse({ endpoint: 'confirm', kind }), id: 0, left: 1, ...more };
}

function text(status: number, body: string): RawAnswer {
  return { status, body, complete: true, retryAfterSeconds: null };
}

function rawOf(answer: Answer | RawAnswer): RawAnswer {
  if ('complete' in answer) return answer;
  return text(answer.status, JSON.stringify(answer.body));
}

export function referenceIn(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('external_reference' in body)) return null;
  return typeof body.external_reference === 'string' ? body.external_reference : null;
}

function trouble(code: string, requestId: string) {
  return problem({ type: 'UNAVAILABLE', code, message: 'Simulated.', retryable: true, requestId });
}
