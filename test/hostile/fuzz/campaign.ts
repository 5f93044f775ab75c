import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

import { WebSocket } from 'ws';

import { raw } from '../../limits/support.ts';
import { startHostileServer, type HostileServer } from '../server.ts';
import { caseOf, type FuzzCase } from './cases.ts';

/** By then a case has its answer: a confirm may wait for its own time-out, of a second, first. */
const DEADLINE_MS = 5_000;
/** How long a connection or a socket is listened to that is not closed. */
const LISTEN_MS = 250;
const CASES_AT_ONCE = 4;
const HEALTH_EVERY = 200;

export interface FuzzReport {
  readonly cases: number;
  /** How often each status or close code was the answer. */
  readonly answers: Readonly<Record<string, number>>;
  /** What was broken, and how to play it again. Empty when nothing was. */
  readonly faults: readonly string[];
}

/** Sends generated and spoilt requests, from a seed, for so long. Stops at the first faults. */
export async function fuzz(options: { seed: number; seconds: number; cases?: number }): Promise<FuzzReport> {
  const secrets = new Set<string>();
  const limits = { LIMIT_MESSAGES_PER_SECOND: '1000' };
  await using server = await startHostileServer(limits, (upstream) => overhear(upstream, secrets));
  const { clientSecret, password } = server.sandbox.credentials;
  for (const secret of [clientSecret, password]) secrets.add(secret);
  const answers: Record<string, number> = {};
  const faults: string[] = [];
  const deadline = Date.now() + options.seconds * 1_000;
  let next = 0;
  const work = async () => {
    while (Date.now() < deadline && faults.length === 0 && next < (options.cases ?? Infinity)) {
      const seed = options.seed + next;
      next += 1;
      const one = caseOf(seed);
      const broken = await play(server, one, secrets, answers);
      if (broken !== undefined)
        faults.push(`${broken}\n  again: npm run fuzz -- --replay ${seed}\n  ${show(one)}`);
      if (next % HEALTH_EVERY === 0) {
        await server
          .requireHealthy()
          .catch((error: unknown) => faults.push(`after case ${seed}: ${String(error)}`));
      }
    }
  };
  await Promise.all(Array.from({ length: CASES_AT_ONCE }, work));
  await server.requireHealthy().catch((error: unknown) => faults.push(`in the end: ${String(error)}`));
  faults.push(...afterwards(server, secrets));
  return { cases: next, answers, faults };
}

async function play(
  server: HostileServer,
  one: FuzzCase,
  secrets: ReadonlySet<string>,
  answers: Record<string, number>,
): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, DEADLINE_MS, 'late');
  });
  const answer = await Promise.race([
    send(server.url, one).catch((error: unknown) => `died ${String(error)}`),
    late,
  ]);
  clearTimeout(timer);
  if (answer === 'late') return `no answer in ${DEADLINE_MS} ms`;
  const outcome = /^(?:HTTP\/1\.1 |closed |died )?\w+/.exec(answer)?.[0] ?? 'nothing';
  answers[outcome] = (answers[outcome] ?? 0) + 1;
  if (answer.startsWith('died')) return answer;
  for (const secret of secrets) if (answer.includes(secret)) return 'a secret is in the answer';
  // 505: the bytes spoke HTTP/0.9, or what looked like it.
  if (/^HTTP\/1\.1 5(?!05)|^closed (1011|4500)/m.test(answer) && !answer.includes('UNEXPECTED_TYPE'))
    return `a fault of ours: ${answer.slice(0, 500)}`;
  if (answer.includes('"INTERNAL"')) return `a fault of ours: ${answer.slice(0, 500)}`;
  return undefined;
}

async function send(url: string, one: FuzzCase): Promise<string> {
  switch (one.kind) {
    case 'post':
      return asText(
        await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: one.body,
        }),
      );
    case 'get': {
      const { query, variables } = JSON.parse(one.body) as { query: string; variables: object };
      const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
      return asText(await fetch(`${url}/graphql?${search.toString()}`));
    }
    case 'stream': {
      const aborted = AbortSignal.timeout(LISTEN_MS * 4);
      const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
      try {
        return await asText(
          await fetch(`${url}/graphql`, { method: 'POST', headers, body: one.body, signal: aborted }),
        );
      } catch (error) {
        // A stream that goes on is left.
        if (aborted.aborted) return 'left';
        throw error;
      }
    }
    case 'connection':
      return (await raw(url, one.bytes, { ms: LISTEN_MS })).text;
    case 'socket':
      return overSocket(url, one.bytes);
  }
}

async function asText(response: Response): Promise<string> {
  return `HTTP/1.1 ${response.status}\n${JSON.stringify([...response.headers])}\n${await response.text()}`;
}

async function overSocket(url: string, bytes: Buffer): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  let text = '';
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => (text += `\n${data.toString('utf8')}`));
  const closed = new Promise<string>((resolve) => socket.once('close', (code) => resolve(`closed ${code}`)));
  await Promise.race([once(socket, 'open'), closed]);
  socket.send('{"type":"connection_init"}');
  await Promise.race([once(socket, 'message'), closed]);
  (Reflect.get(socket, '_socket') as { write?(bytes: Buffer): void } | null)?.write?.(bytes);
  const open = new Promise<string>((resolve) => setTimeout(resolve, LISTEN_MS, 'open'));
  const outcome = await Promise.race([closed, open]);
  socket.terminate();
  // A message that only a server sends is answered so by graphql-ws.
  const isServers = /"type":"(connection_ack|next|error)"/.test(bytes.toString('utf8'));
  return `${outcome}${isServers && outcome === 'closed 4500' ? ' UNEXPECTED_TYPE' : ''}${text}`;
}

function afterwards({ process, sandbox }: HostileServer, secrets: ReadonlySet<string>): string[] {
  const output = process.output();
  const faults: string[] = [];
  for (const secret of secrets) if (output.includes(secret)) faults.push('a secret is in the output');
  const internal = output
    .split('\n')
    .filter((line) => /failed unexpectedly|Internal error|Unhandled|MaxListeners/.test(line));
  const ours = internal.filter((line) => !line.includes('Unexpected message of type'));
  if (ours.length > 0) faults.push(`on the output: ${ours.slice(0, 3).join('\n')}`);
  const references = sandbox.ledger.map(({ externalReference }) => externalReference);
  if (new Set(references).size !== references.length) faults.push('a purchase was charged twice');
  return faults;
}

/** Stands between the gateway and the upstream, and keeps what no answer may hold: its sessions' tokens. */
async function overhear(
  upstream: string,
  secrets: Set<string>,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server: Server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const {
        host: _,
        connection: _connection,
        'content-length': _length,
        'transfer-encoding': _coding,
        ...headers
      } = request.headers;
      const answer = await fetch(upstream + (request.url ?? ''), {
        method: request.method ?? 'GET',
        headers: headers as Record<string, string>,
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      });
      const text = await answer.text();
      for (const [, token] of text.matchAll(/"(?:access|refresh)_token":"([^"]+)"/g))
        if (token !== undefined) secrets.add(token);
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'application/json',
      });
      response.end(text);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function show(one: FuzzCase): string {
  return 'body' in one
    ? `${one.kind} ${one.body}`
    : `${one.kind} ${JSON.stringify(one.bytes.toString('latin1'))}`;
}
