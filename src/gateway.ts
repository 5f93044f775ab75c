import type { Logger } from 'pino';

import { openAuthenticator } from './auth/open.ts';
import type { KeyStore } from './auth/key-store.ts';
import type { Config } from './config.ts';
import type { IntegrationConfig } from './config/integrations.ts';
import { createUpstream, type WatchedUpstream } from './datasources/facade.ts';
import { clientAddress } from './http/client-address.ts';
import { failureCode } from './http/failure-code.ts';
import { Health } from './http/health.ts';
import { startHttpServer } from './http/http-server.ts';
import { loadPersistedOperations, NO_MANIFEST } from './http/persisted-operations.ts';
import { Rates } from './http/rates.ts';
import { createEngine } from './http/yoga.ts';
import type { Journal, JournalRecord } from './purchases/journal.ts';
import { Liveness } from './purchases/liveness.ts';
import { composePurchasing, type Purchasing } from './purchases/purchasing.ts';
import type { Runtime } from './purchases/runtime.ts';
import { readingOf } from './purchases/view.ts';
import { Domains, type Served } from './schema/domains.ts';
import { systemRuntime } from './system-runtime.ts';
import { createLog } from './telemetry/log.ts';
import { openTelemetry, type Telemetry } from './telemetry/telemetry.ts';

export interface Gateway extends AsyncDisposable {
  /** http://host:port; GraphQL is at /graphql. */
  readonly url: string;
  /** http://host:port/metrics, where METRICS_PORT is set. */
  readonly metricsUrl: string | undefined;
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
  const log = options.log ?? (await createLog(config.logLevel, config.logFormat));
  const runtime = options.runtime ?? systemRuntime();
  const newId = () => runtime.id(runtime.now());

  // Before the record: a faulty manifest is a fault of the configuration.
  const persisted =
    config.persistedOperations &&
    (await loadPersistedOperations(config.persistedOperations.path, config.persistedOperations.only));
  const instance = newId();
  const telemetry = await openTelemetry({
    ...{ metrics: config.metrics, traces: config.traces, instance, runtime, log },
    database: config.database.kind === 'sqlite' ? 'sqlite' : 'postgresql',
    persisted: persisted?.texts.values(),
    codeOf: failureCode,
  });
  const record = await openRecord(config, { instance, runtime, log }).catch(async (error: unknown) => {
    await telemetry.close();
    throw error;
  });
  const liveness = new Liveness({ journal: record, runtime, log, leaseMs: config.instanceLeaseMs });
  const served: Integration[] = [];
  const { purchases: ofCaller, integration: ofAll, refused } = config.rates;
  const counts =
    config.database.kind === 'postgres' && ofCaller + ofAll + refused > 0
      ? await (await import('./journal/postgres/rates.ts')).openRateCounts(config.database.url, log)
      : undefined;
  const closeRecord = async () => {
    for (const { feed } of served) feed.close();
    await Promise.all(served.map(({ upstream }) => upstream.close()));
    await counts?.close();
    await record.close();
    await telemetry.close();
  };
  /** What could not be started is ended. */
  const orClose =
    (...more: (() => Promise<void>)[]) =>
    async (error: unknown) => {
      for (const close of more) await close();
      await closeRecord();
      throw error;
    };

  const begin = async () => {
    await liveness.start();
    for (const integration of config.integrations) {
      served.push(await serve(integration, { config, record, liveness, runtime, log, telemetry }));
    }
    await warnOfForgotten(record, config, log);
  };
  await begin().catch(orClose(() => liveness.stop()));
  const health = new Health({
    record: () => record.ping(),
    // One that is out of order takes nothing from the others.
    session: async () => {
      await Promise.any(
        served.map(({ upstream }) => upstream.on(upstream.defaultSurface).ready({ requestId: newId() })),
      );
    },
  });
  const { allowedOrigins, host, port, discovery, limits, hstsMaxAge } = config;
  const authenticator = await openAuthenticator(config.auth, { store: record.keys, runtime, log }).catch(
    orClose(() => liveness.stop()),
  );
  const authenticates = config.auth.mode !== 'none';
  const rates = new Rates(config.rates, counts);
  const access = {
    authenticator,
    authenticates,
    runtime,
    log,
    allowedOrigins,
    limits,
    rates,
    persisted: persisted ?? NO_MANIFEST,
  };
  const domains = new Domains(served);
  const engine = createEngine({
    ...{ ...access, discovery, newId, coalescing: config.reads.coalescing, plugins: telemetry.plugins() },
    domainOf: (caller) => domains.of(caller),
  });

  const http = await startHttpServer({
    ...{ ...access, ...engine, health, host, port, hstsMaxAge },
    clientAddressOf: clientAddress(config.trustProxy),
  }).catch(
    orClose(
      () => authenticator.close(),
      () => liveness.stop(),
    ),
  );
  const watched = { runtime, record, sockets: () => http.sockets(), socketLimit: limits.socket.sockets };
  const metricsUrl = await telemetry.serve({ ...watched, integrations: served }).catch(
    orClose(
      () => http.close(0),
      () => authenticator.close(),
      () => liveness.stop(),
    ),
  );
  for (const { reconciler } of served) reconciler.start();

  const stop = async () => {
    const deadline = runtime.monotonic() + config.shutdownTimeoutMs;
    const left = () => Math.max(0, deadline - runtime.monotonic());
    await Promise.all([http.close(left()), ...served.map(({ reconciler }) => reconciler.stop())]);
    const drained = await Promise.all(served.map(({ dispatcher }) => dispatcher.drain(left())));
    const inFlight = drained.reduce((sum, count) => sum + count, 0);
    await liveness.stop();
    await authenticator.close();
    if (inFlight > 0) log.warn({ inFlight }, 'purchases are still in flight; the next start picks them up');
    await closeRecord();
  };
  let stopping: Promise<void> | undefined;
  const close = () => (stopping ??= stop());
  return { url: http.url, metricsUrl, close, [Symbol.asyncDispose]: close };
}

interface Integration extends Served, Pick<Purchasing, 'feed' | 'dispatcher' | 'reconciler'> {
  readonly upstream: WatchedUpstream;
  readonly journal: Journal;
}

/** One integration at work: with its own part of the record, its own sessions, connections, circuit and limits. */
async function serve(
  { name, upstream: where, accounts, limits }: IntegrationConfig,
  options: {
    config: Config;
    record: JournalRecord;
    liveness: Liveness;
    runtime: Runtime;
    log: Logger;
    telemetry: Telemetry;
  },
): Promise<Integration> {
  const { config, record, liveness, runtime, telemetry } = options;
  const log = config.integrations.length === 1 ? options.log : options.log.child({ integration: name });
  const { aroundCheck, ...watching } = telemetry.integration(name, log);
  const journal = telemetry.journal(record.of(name));
  const upstream = createUpstream({
    ...where,
    ...config.protection,
    confirmTimeoutMs: config.confirmTimeoutMs,
    readTimeoutMs: config.readTimeoutMs,
    runtime,
    ...watching,
    onCircuit: (surface, state) => {
      if (state === 'OPEN') log.warn({ surface }, 'the upstream is not available: the circuit is open');
      else log.info({ surface }, 'the upstream is back: the circuit is closed');
    },
  });
  const { catalogue, purchases, feed, dispatcher, reconciler } = await composePurchasing({
    ...{ journal, upstream, liveness, runtime, log, aroundCheck },
    reads: config.reads,
    quoteTtlMs: config.quoteTtlMs,
    mayLandMs: config.mayLandMs,
    reconcile: { ...config.reconcile, answerRetentionMs: config.answerRetentionMs },
  });
  const domain = { catalogue, purchases, feed, journal: readingOf(journal, log) };
  return { name, accounts, limits, domain, journal, upstream, feed, dispatcher, reconciler };
}

/** Whoever took an integration out of the configuration may not know that it has purchases in doubt. */
async function warnOfForgotten(record: JournalRecord, config: Config, log: Logger): Promise<void> {
  const known = new Set(config.integrations.map(({ name }) => name));
  const forgotten = (await record.integrations()).filter((name) => !known.has(name));
  if (forgotten.length > 0) {
    log.warn(
      { forgotten },
      'the record has purchases of integrations that are not served: nobody looks after them',
    );
  }
}

/** Throws an Error that names the record and the remedy. Only the database that is used is loaded. */
async function openRecord(
  { database, dataKeys }: Pick<Config, 'database' | 'dataKeys'>,
  options: { instance: string; runtime: Runtime; log: Logger },
): Promise<JournalRecord & { readonly keys: KeyStore }> {
  if (database.kind === 'postgres') {
    const { openPostgresRecord } = await import('./journal/postgres.ts');
    return openPostgresRecord({ ...database, ...options, dataKeys });
  }
  const { openSqliteRecord } = await import('./journal/sqlite.ts');
  return openSqliteRecord({ path: database.path, instance: options.instance, dataKeys });
}
