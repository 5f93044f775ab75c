import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { withExtra, withoutOptional, type Answer, type Fault as ErrorFault } from './answers.ts';
import type { Fault } from './faults.ts';

interface Delivery {
  readonly response: ServerResponse;
  readonly fault: Fault | undefined;
  /** How long processing takes. */
  readonly slow: number;
  /** Does what the call asks for, once. */
  readonly process: () => Answer;
  /** An error in the surface's own envelope. */
  readonly refuse: (error: ErrorFault) => Answer;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly record: { status: number | null };
}

const DELAY_MS = 1_000;
const TRICKLE_MS = 50;

/** Processes the call and answers it, or does with it what the fault says. */
export async function deliver(delivery: Delivery): Promise<void> {
  const { response, fault, slow, process, refuse } = delivery;
  const wait = async (ms: number) => {
    // No timer is as short as that: each call would take a millisecond.
    if (ms > 0) await sleep(ms, undefined, { signal: delivery.signal, ref: false });
  };
  const delayMs = fault?.delayMs ?? DELAY_MS;
  switch (fault?.kind) {
    case 'drop_before':
      response.destroy();
      return;
    case 'late_landing':
      response.destroy();
      await wait(delayMs);
      process();
      return;
    case 'rate_limit': {
      const refusal = refuse({ ...rateLimited });
      send(delivery, { ...refusal, headers: { 'retry-after': String(fault.retryAfterSeconds) } });
      return;
    }
    case 'unauthorized':
      send(delivery, refuse(expired));
      return;
    case 'error': {
      const { status = 400, type, code, message, retryable } = fault;
      send(delivery, refuse({ status, type, code, number: code, message, retryable }));
      return;
    }
    case 'html_error':
      await wait(slow);
      if (fault.processed) process();
      sendText(delivery, fault.status ?? 502, '<html><body><h1>Bad Gateway</h1></body></html>', 'text/html');
      return;
    case 'delay_before':
      await wait(delayMs);
      break;
    default:
      break;
  }
  await wait(slow);
  const answer = process();
  switch (fault?.kind) {
    case 'drop_after':
      response.destroy();
      return;
    case 'delay_after':
      await wait(delayMs);
      send(delivery, answer);
      return;
    case 'garbage':
      sendText(delivery, 200, '%%% not what you asked for %%%', 'application/json');
      return;
    case 'empty':
      sendText(delivery, 200, '', 'application/json');
      return;
    case 'cut_off': {
      const text = JSON.stringify(answer.body);
      const half = text.slice(0, Math.ceil(text.length / 2));
      delivery.record.status = answer.status;
      response.writeHead(answer.status, {
        ...jsonHeaders(delivery),
        'content-length': Buffer.byteLength(text),
      });
      response.write(half, () => response.destroy());
      return;
    }
    case 'trickle': {
      const bytes = Buffer.from(JSON.stringify(answer.body));
      delivery.record.status = answer.status;
      response.writeHead(answer.status, { ...jsonHeaders(delivery), 'content-length': bytes.length });
      for (const byte of bytes) {
        if (response.destroyed) return;
        response.write(Uint8Array.of(byte));
        await wait(fault.delayMs ?? TRICKLE_MS);
      }
      response.end();
      return;
    }
    case 'huge':
      sendText(delivery, 200, `{"padding":"${'x'.repeat(fault.bytes)}"}`, 'application/json');
      return;
    case 'extra_fields':
      send(delivery, { ...answer, body: Object(withExtra(answer.body)) as object });
      return;
    case 'missing_optional':
      send(delivery, { ...answer, body: Object(withoutOptional(answer.body)) as object });
      return;
    default:
      send(delivery, answer);
  }
}

const rateLimited: ErrorFault = {
  ...{ status: 429, type: 'rate_limit_error', code: 'rate_limited', number: '429', retryable: true },
  message: 'Too many requests. Please wait a little.',
};
const expired: ErrorFault = {
  ...{ status: 401, type: 'authentication_error', code: 'authentication_failed', number: '110' },
  message: 'The access token has expired.',
};

const jsonHeaders = ({ headers }: Delivery) => ({ 'content-type': 'application/json', ...headers });

function send(delivery: Delivery, { status, body, headers }: Answer): void {
  delivery.record.status = status;
  delivery.response.writeHead(status, { ...jsonHeaders(delivery), ...headers }).end(JSON.stringify(body));
}

function sendText(delivery: Delivery, status: number, text: string, type: string): void {
  delivery.record.status = status;
  delivery.response.writeHead(status, { ...delivery.headers, 'content-type': type }).end(text);
}
