import type { z } from 'zod';

import { milliseconds, oneOf, text, wholeNumber } from './values.ts';

const MILLION = 1_000_000;
/** Beyond it the parser's recursion could exhaust the stack: three calls for each bracket of a nested list. */
const MOST_TOKENS = 3_000;
const TWO_YEARS_S = 63_072_000;

/** What one request, one socket, one caller may cost us (docs/security-limits.md). */
export const limitsShape = {
  LIMIT_TOKENS: wholeNumber('tokens', 1_000, 100, MOST_TOKENS),
  LIMIT_DEPTH: wholeNumber('levels', 16, 1, 100),
  LIMIT_ALIASES: wholeNumber('aliases', 30, 0, 1_000),
  LIMIT_DIRECTIVES: wholeNumber('directives', 30, 0, 1_000),
  LIMIT_LIST_ITEMS: wholeNumber('items', 200, 1, 10_000),
  LIMIT_COST: wholeNumber('points', 20_000, 100, 100 * MILLION),
  LIMIT_BODY_BYTES: wholeNumber('bytes', 100_000, 1_000, 100 * MILLION),
  LIMIT_CONNECTIONS: wholeNumber('connections', 20_000, 1, MILLION),
  LIMIT_SOCKETS: wholeNumber('sockets', 10_000, 1, MILLION),
  LIMIT_SOCKETS_PER_ADDRESS: wholeNumber('sockets', 1_000, 1, MILLION),
  LIMIT_SUBSCRIPTIONS_PER_SOCKET: wholeNumber('operations', 100, 1, 10_000),
  LIMIT_SUBSCRIPTIONS_PER_CALLER: wholeNumber('subscriptions', 10_000, 1, MILLION),
  LIMIT_SOCKET_BUFFER_BYTES: wholeNumber('bytes', MILLION, 1_000, 1_000 * MILLION),
  LIMIT_MESSAGES_PER_SECOND: wholeNumber('messages', 100, 1, 100_000),
  SOCKET_INIT_TIMEOUT_MS: milliseconds(5_000),
  SOCKET_IDLE_TIMEOUT_MS: milliseconds(600_000, 100),
  REQUEST_TIMEOUT_MS: milliseconds(15_000, 100),
  KEEP_ALIVE_TIMEOUT_MS: milliseconds(65_000),
  RATE_LIMIT_PER_MINUTE: wholeNumber('operations', 60_000, 0, 100 * MILLION),
  RATE_LIMIT_PURCHASES_PER_MINUTE: wholeNumber('purchases', 6_000, 0, 100 * MILLION),
  RATE_LIMIT_INTEGRATION_PER_MINUTE: wholeNumber('purchases', 12_000, 0, 100 * MILLION),
  RATE_LIMIT_REFUSED_PER_MINUTE: wholeNumber('attempts', 60, 0, 100 * MILLION),
  TRUST_PROXY: wholeNumber('proxies', 0, 0, 10),
  HSTS_MAX_AGE: wholeNumber('seconds', 0, 0, TWO_YEARS_S),
  PERSISTED_OPERATIONS: text.optional(),
  PERSISTED_OPERATIONS_ONLY: oneOf(['on', 'off']).default('off'),
};

type Values = z.output<z.ZodObject<typeof limitsShape>>;

/** What belongs together wrongly; one line each. */
export function limitFaults(values: Values): string[] {
  const faults: string[] = [];
  if (values.PERSISTED_OPERATIONS_ONLY === 'on' && values.PERSISTED_OPERATIONS === undefined) {
    faults.push(
      'PERSISTED_OPERATIONS is missing: PERSISTED_OPERATIONS_ONLY=on allows only the operations of its manifest',
    );
  }
  return faults;
}

export interface LimitsConfig {
  readonly limits: {
    readonly operation: {
      readonly tokens: number;
      readonly depth: number;
      readonly aliases: number;
      readonly directives: number;
      readonly listItems: number;
      readonly cost: number;
    };
    readonly http: {
      readonly bodyBytes: number;
      readonly connections: number;
      readonly requestTimeoutMs: number;
      readonly keepAliveTimeoutMs: number;
    };
    readonly socket: {
      readonly messageBytes: number;
      readonly sockets: number;
      readonly socketsPerAddress: number;
      readonly subscriptionsPerSocket: number;
      readonly bufferBytes: number;
      readonly messagesPerSecond: number;
      readonly initTimeoutMs: number;
      readonly idleTimeoutMs: number;
    };
    readonly subscriptionsPerCaller: number;
  };
  /** Each per minute; 0 is none. */
  readonly rates: {
    readonly operations: number;
    readonly purchases: number;
    readonly integration: number;
    readonly refused: number;
  };
  /** How many proxies stand in front, each of which adds to X-Forwarded-For. */
  readonly trustProxy: number;
  /** Seconds; 0 sends no Strict-Transport-Security. */
  readonly hstsMaxAge: number;
  /** Path of the manifest; `only` allows no operation but those. */
  readonly persistedOperations: { readonly path: string; readonly only: boolean } | undefined;
}

export function limitsOf(values: Values): LimitsConfig {
  return {
    limits: {
      operation: {
        tokens: values.LIMIT_TOKENS,
        depth: values.LIMIT_DEPTH,
        aliases: values.LIMIT_ALIASES,
        directives: values.LIMIT_DIRECTIVES,
        listItems: values.LIMIT_LIST_ITEMS,
        cost: values.LIMIT_COST,
      },
      http: {
        bodyBytes: values.LIMIT_BODY_BYTES,
        connections: values.LIMIT_CONNECTIONS,
        requestTimeoutMs: values.REQUEST_TIMEOUT_MS,
        keepAliveTimeoutMs: values.KEEP_ALIVE_TIMEOUT_MS,
      },
      socket: {
        messageBytes: values.LIMIT_BODY_BYTES,
        sockets: values.LIMIT_SOCKETS,
        socketsPerAddress: values.LIMIT_SOCKETS_PER_ADDRESS,
        subscriptionsPerSocket: values.LIMIT_SUBSCRIPTIONS_PER_SOCKET,
        bufferBytes: values.LIMIT_SOCKET_BUFFER_BYTES,
        messagesPerSecond: values.LIMIT_MESSAGES_PER_SECOND,
        initTimeoutMs: values.SOCKET_INIT_TIMEOUT_MS,
        idleTimeoutMs: values.SOCKET_IDLE_TIMEOUT_MS,
      },
      subscriptionsPerCaller: values.LIMIT_SUBSCRIPTIONS_PER_CALLER,
    },
    rates: {
      operations: values.RATE_LIMIT_PER_MINUTE,
      purchases: values.RATE_LIMIT_PURCHASES_PER_MINUTE,
      integration: values.RATE_LIMIT_INTEGRATION_PER_MINUTE,
      refused: values.RATE_LIMIT_REFUSED_PER_MINUTE,
    },
    trustProxy: values.TRUST_PROXY,
    hstsMaxAge: values.HSTS_MAX_AGE,
    persistedOperations:
      values.PERSISTED_OPERATIONS === undefined
        ? undefined
        : { path: values.PERSISTED_OPERATIONS, only: values.PERSISTED_OPERATIONS_ONLY === 'on' },
  };
}
