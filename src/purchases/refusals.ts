import { problem, type FieldProblem, type Problem } from './problem.ts';
import type { Purchase } from './purchase.ts';
import type { Log } from './runtime.ts';

const MAX_KEY_LENGTH = 255;
const MAX_WAIT_MS = 60_000;

export function wrongKey(key: string): FieldProblem[] {
  if (key.length <= MAX_KEY_LENGTH && key.trim() !== '') return [];
  const message = `The idempotency key must have 1 to ${MAX_KEY_LENGTH} characters. Make a new UUID for each purchase.`;
  return [{ field: 'idempotencyKey', message }];
}

export function wrongWait(waitMs: number): FieldProblem[] {
  if (waitMs >= 0 && waitMs <= MAX_WAIT_MS) return [];
  return [{ field: 'waitMs', message: `waitMs must be between 0 and ${MAX_WAIT_MS} milliseconds.` }];
}

export function keyConflict(): Problem {
  return problem({
    type: 'CONFLICT',
    code: 'idempotency_key_reused',
    message: 'This idempotency key belongs to another purchase. Use a new key for a new purchase.',
    fields: [{ field: 'idempotencyKey', message: 'Used for other details already.' }],
  });
}

export function badQuote(code: string, message: string): Problem {
  return problem({ type: 'INVALID_INPUT', code, message, fields: [{ field: 'from.quoteId', message }] });
}

export function noSuchPurchase(): Problem {
  const message = 'There is no such purchase.';
  return problem({
    type: 'NOT_FOUND',
    code: 'purchase_unknown',
    message,
    fields: [{ field: 'id', message }],
  });
}

export function notRetryable({ problem: why }: Purchase): Problem {
  return problem({
    type: 'CONFLICT',
    code: 'purchase_not_retryable',
    message: `This purchase was refused for good${why === null ? '.' : `: ${why.message}`} Buy again with a new key.`,
  });
}

export function nobodyThere(): Problem {
  const message = 'The provider is not available at this moment.';
  return problem({ type: 'UNAVAILABLE', code: 'circuit_open', message, retryable: true });
}

export function recordUnavailable(message: string): Problem {
  return problem({ type: 'UNAVAILABLE', code: 'record_unavailable', message, retryable: true });
}

/** A record that is somewhere else may be out of reach for a while: then nothing was made. */
export async function readRecord<T>(log: Log, read: () => Promise<T>): Promise<T | Problem> {
  try {
    return await read();
  } catch (error) {
    log.error({ err: error }, 'the record could not be read');
    return recordUnavailable('The record cannot be read now, so nothing was done. Please try again.');
  }
}
