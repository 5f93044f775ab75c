import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { errorAnswer, type Answer, type Surface } from './answers.ts';
import { answerControl } from './control.ts';
import { deliver } from './delivery.ts';
import { Faults, type Endpoint, type Fault, type FaultRequest } from './faults.ts';
import { Handlers } from './handlers.ts';
import { Ledger, type LedgerEntry } from './ledger.ts';
import { demoCredentials, OAuth, type SandboxCredentials } from './oauth.ts';
import { readBody } from './read-body.ts';
import { route } from './routes.ts';

export type { FaultRequest, Fault, LedgerEntry, SandboxCredentials };

export interface SandboxOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Lifetime of an access token. Default 3600. */
  readonly accessTokenSeconds?: number;
  /** How long a validate, confirm or retry takes. Default 0. */
  readonly processingMs?: number;
  readonly now?: () => Date;
}

export interface CallRecord {
  readonly seq: number;
  readonly at: string;
  readonly surface: Surface;
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly path: string;
  readonly requestId: string | null;
  readonly externalReference: string | null;
  /** As it came, with its secrets blotted out. */
  readonly body: unknown;
  /** Null until it is answered, and for ever where the connection was dropped. */
  status: number | null;
  fault: string | null;
  /** Whether it did what it asks for, whatever became of the answer. */
  processed: boolean;
}

export interface Sandbox extends AsyncDisposable {
  /** http://host:port; v1 is at /v1. */
  readonly url: string;
  readonly credentials: SandboxCredentials;
  /** Every debit, in order. */
  readonly ledger: readonly LedgerEntry[];
  /** Every call, in order. */
  readonly calls: readonly CallRecord[];
  readonly faults: readonly Fault[];
  addFault(fault: FaultRequest): Fault;
  clearFaults(): void;
  /** Makes every access token invalid; refresh tokens stay good. */
  expireTokens(): void;
  /** "1000000.00". Throws for an account that there is not. */
  balance(accountId: number): string;
  /** Ledger, calls, faults, sessions and balances as at the start. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts ScratchPower, imitated: both surfaces on one port and one ledger. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, host = '127.0.0.1', accessTokenSeconds = 3600, processingMs = 0 } = options;
  const now = options.now ?? (() => new Date());
  const ledger = new Ledger(now);
  const oauth = new OAuth({ now, accessTokenSeconds });
  const faults = new Faults();
  const handlers = new Handlers({ ledger, oauth });
  const calls: CallRecord[] = [];
  const closing = new AbortController();
  // One listener for each call that is being delayed, however many there are.
  setMaxListeners(0, closing.signal);

  const sandbox: Omit<Sandbox, 'url' | 'close' | typeof Symbol.asyncDispose> = {
    credentials: demoCredentials,
    get ledger() {
      return ledger.entries;
    },
    calls,
    get faults() {
      return faults.list;
    },
    addFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    expireTokens: () => oauth.expireAccess(),
    balance: (id) => {
      const account = ledger.account(id);
      if (account === undefined) throw new Error(`the sandbox has no account ${id}`);
      return account.balance.toFixed(2);
    },
    reset: () => {
      ledger.reset();
      oauth.reset();
      faults.clear();
      calls.length = 0;
    },
  };

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const body = await readBody(request);
    if (path.startsWith('/__sandbox/')) {
      answerControl(request.method ?? 'GET', path, body, sandbox, ledger, response);
      return;
    }
    const arrivedAt = now();
    const { endpoint, surface, allowed, accountId } = route(request.method ?? 'GET', path);
    const given = headerOf(request, 'x-request-id') ?? '';
    const made = surface === 'v1' ? `req_${randomUUID()}` : null;
    const requestId = given === '' ? made : given.slice(0, 128);
    const externalReference = field(body.json, 'external_reference');
    const subscriber = field(body.json, 'subscriber_identifier') ?? field(body.json, 'meter_number');
    const record: CallRecord = {
      ...{
        seq: calls.length + 1,
        at: arrivedAt.toISOString(),
        surface,
        endpoint,
        method: request.method ?? 'GET',
        path,
      },
      ...{
        requestId,
        externalReference,
        body: redact(body.json),
        status: null,
        fault: null,
        processed: false,
      },
    };
    calls.push(record);
    const fault = faults.take({ endpoint, surface, subscriber, externalReference });
    record.fault = fault?.kind ?? null;
    const slow = ['validate', 'confirm', 'retry'].includes(endpoint) ? processingMs : 0;
    const process = (): Answer => {
      const authorization = headerOf(request, 'authorization');
      const answer = handlers.answer({
        ...{ endpoint, surface, allowed, accountId, body, authorization, arrivedAt, fault },
      });
      record.processed = 'status' in answer && answer.status < 400;
      if ('body' in answer) return answer;
      return errorAnswer(surface, answer, requestId ?? '', now());
    };
    const refuse = (error: Parameters<typeof errorAnswer>[1]) =>
      errorAnswer(surface, error, requestId ?? '', now());
    const headers: Record<string, string> =
      surface === 'v1' && requestId !== null ? { 'x-request-id': requestId } : {};
    const signal = closing.signal;
    await deliver({ response, fault, slow, process, refuse, headers, signal, record });
  };

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      // A caller that went away is no fault of ours; anything else is told to it, unless its answer has begun.
      if (response.destroyed || response.writableEnded) return;
      if (response.headersSent) response.destroy();
      else
        response
          .writeHead(500, { 'content-type': 'text/plain' })
          .end(`The sandbox failed: ${String(error)}\n`);
    });
  });
  await listen(server, port, host);
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  const close = async () => {
    closing.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  const whole: Sandbox = Object.assign(
    Object.create(null, Object.getOwnPropertyDescriptors(sandbox)) as typeof sandbox,
    {
      url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`,
      close,
      [Symbol.asyncDispose]: close,
    },
  );
  return whole;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function field(body: unknown, name: string): string | null {
  if (typeof body !== 'object' || body === null) return null;
  const value: unknown = Object.entries(body).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : null;
}

const SECRETS = ['client_secret', 'secret_pass', 'refresh_token'];

function redact(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return null;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, SECRETS.includes(key) ? '…' : (value as unknown)]),
  );
}
