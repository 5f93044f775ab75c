import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

import { pino, type Logger } from 'pino';
import { v7 } from 'uuid';

import type { Config, DatabaseConfig } from './config.ts';
import { createUpstream } from './datasources/facade.ts';
import { clientAddress } from './http/client-address.ts';
import { Health } from './http/health.ts';
import { startHttpServer } from './http/http-server.ts';
import { loadPersistedOperations } from './http/persisted-operations.ts';
import { Rates } from './http/rates.ts';
import { createGatewayYoga } from './http/yoga.ts';
import { openPostgresJournal } from './journal/postgres.ts';
import { openRateCounts } from './journal/postgres/rates.ts';
import { openSqliteJournal } from './journal/sqlite.ts';
import type { Journal } from './purchases/journal.ts';
import { composePurchasing } from './purchases/purchasing.ts';
import type { Runtime } from './purchases/runtime.ts';

export interface Gateway extends AsyncDisposable {
  /** http://host:port; GraphQL is at /graphql. */
  readonly url: string;
  /**
   * Stops in order: not ready any more, sockets closed (1001), event streams cut, requests drained, confirms under way
   * concluded, the record closed. All within SHUTDOWN_TIMEOUT_MS; what is then still in flight is picked up at the next
   * start.
   */
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly log?: Logger;
  readonly runtime?: Runtime;
}

/** Composes a gateway from a configuration, opens its record and listens. Throws an Error that says why it can't. */
export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const log = options.log ?? createLog(config.logLevel);
  const runtime = options.runtime ?? systemRuntime();
  const newId = () => runtime.id(runtime.now());

  // Before the record: a faulty manifest is a fault of the configuration.
  const persisted =
    config.persistedOperations &&
    (await loadPersistedOperations(config.persistedOperations.path, config.persistedOperations.only));
  const journal = await openRecord(config.database, { instance: newId(), runtime, log });
  const upstream = createUpstream({
    ...config.upstream,
    ...config.protection,
    confirmTimeoutMs: config.confirmTimeoutMs,
    readTimeoutMs: config.readTimeoutMs,
    runtime,
    observe: (call) => log.debug({ upstream: call }, 'upstream call'),
    onCircuit: (surface, state) => {
      if (state === 'OPEN') log.warn({ surface }, 'the upstream is not available: the circuit is open');
      else log.info({ surface }, 'the upstream is back: the circuit is closed');
    },
  });
  const { catalogue, purchases, feed, dispatcher, reconciler, liveness } = await composePurchasing({
    ...{ journal, upstream, runtime, log },
    quoteTtlMs: config.quoteTtlMs,
    mayLandMs: config.confirmTimeoutMs + config.lateLandingMs,
    leaseMs: config.instanceLeaseMs,
    reconcile: { ...config.reconcile, answerRetentionMs: config.answerRetentionMs },
  });
  const health = new Health({
    record: () => journal.ping(),
    session: () => upstream.on(upstream.defaultSurface).ready({ requestId: newId() }),
  });
  const { allowedOrigins, host, port, limits, hstsMaxAge } = config;
  const { purchases: ofCaller, integration: ofAll, refused } = config.rates;
  const counts =
    config.database.kind === 'postgres' && ofCaller + ofAll + refused > 0
      ? await openRateCounts(config.database.url, log)
      : undefined;
  const rates = new Rates(config.rates, counts);
  const yoga = createGatewayYoga({
    domain: { catalogue, purchases, feed, journal },
    log,
    newId,
    allowedOrigins,
    ...{ limits, rates, persisted },
  });

  const closeRecord = async () => {
    feed.close();
    await upstream.close();
    await counts?.close();
    await journal.close();
  };
  const http = await startHttpServer({
    ...{ yoga, health, host, port, allowedOrigins, limits, rates, persisted, hstsMaxAge },
    clientAddressOf: clientAddress(config.trustProxy),
  }).catch(async (error: unknown) => {
    await closeRecord();
    throw error;
  });
  reconciler.start();

  const stop = async () => {
    const deadline = runtime.monotonic() + config.shutdownTimeoutMs;
    const left = () => Math.max(0, deadline - runtime.monotonic());
    await Promise.all([http.close(left()), reconciler.stop()]);
    const inFlight = await dispatcher.drain(left());
    await liveness.stop();
    if (inFlight > 0) log.warn({ inFlight }, 'purchases are still in flight; the next start picks them up');
    await closeRecord();
  };
  let stopping: Promise<void> | undefined;
  const close = () => (stopping ??= stop());
  return { url: http.url, close, [Symbol.asyncDispose]: close };
}

/** Throws an Error that names the record and the remedy. */
function openRecord(
  database: DatabaseConfig,
  options: { instance: string; runtime: Runtime; log: Logger },
): Promise<Journal> {
  return database.kind === 'sqlite'
    ? openSqliteJournal({ path: database.path, instance: options.instance })
    : openPostgresJournal({ ...database, ...options });
}

/** JSON lines on standard output. Whatever is logged by mistake under a secret's name is redacted (R9). */
export function createLog(level: Config['logLevel']): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
  });
}

const SECRETS = [
  ...[
    'password',
    'clientSecret',
    'client_secret',
    'secret_pass',
    'authorization',
    'access_token',
    'refresh_token',
  ],
  ...['token', 'tokens', 'digits', 'body', 'answer', 'beneficiaryPhoneNumber', 'beneficiary_phone_number'],
];

/** The real clock, chance and timers. */
export function systemRuntime(): Runtime {
  let lastMs = 0;
  let seq = 0;
  return {
    now: () => new Date(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) =>
      sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined),
    turn: () => setImmediate(),
    random: () => Math.random(),
    id: (at) => {
      // Within a millisecond the counter keeps the order.
      const msecs = at.getTime();
      seq = msecs === lastMs ? seq + 1 : randomBytes(4).readUInt32BE() >>> 2;
      lastMs = msecs;
      return v7({ msecs, seq });
    },
  };
}
