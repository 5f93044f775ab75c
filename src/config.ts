import { z } from 'zod';

import { authNames, isLoopback, readAuth, type AuthConfig, type DiscoveryConfig } from './config/auth.ts';
import { dataKeyNames, readDataKeys, type DataKeyConfig } from './config/data-keys.ts';
import { integrationNames, readIntegrations, type IntegrationConfig } from './config/integrations.ts';
import { limitFaults, limitsOf, limitsShape, type LimitsConfig } from './config/limits.ts';
import { telemetryFaults, telemetryOf, telemetryShape, type TelemetryConfig } from './config/telemetry.ts';
import { commaSeparated, isHttpUrl, milliseconds, oneOf, port, text, wholeNumber } from './config/values.ts';

/** Everything the process is told by its environment. The README's table is its documentation. */
export interface Config extends LimitsConfig, TelemetryConfig {
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  readonly database: DatabaseConfig;
  /** Under which what is personal, or as good as cash, lies sealed; the current one first. None: in plain text. */
  readonly dataKeys: readonly DataKeyConfig[];
  /** After so long without a sign of life an instance's purchases are taken over by another on the same record. */
  readonly instanceLeaseMs: number;
  /** Those that are served, one at least. */
  readonly integrations: readonly IntegrationConfig[];
  /** Of the upstream and of ourselves, for each surface of each integration. */
  readonly protection: {
    readonly concurrency: number;
    readonly queue: number;
    readonly maxWaitMs: number;
    readonly circuitFailures: number;
    readonly circuitOpenMs: number;
  };
  readonly reads: { readonly coalescing: boolean; readonly productsFreshMs: number };
  readonly confirmTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** How long what was sent may still be processed after we have left it. */
  readonly mayLandMs: number;
  readonly quoteTtlMs: number;
  readonly answerRetentionMs: number;
  readonly reconcile: {
    readonly baseDelayMs: number;
    readonly maxDelayMs: number;
    readonly giveUpAfterMs: number;
    readonly concurrency: number;
  };
  readonly shutdownTimeoutMs: number;
  readonly auth: AuthConfig;
  readonly discovery: DiscoveryConfig;
  /** Origins of other sites whose pages may call the gateway. */
  readonly allowedOrigins: readonly string[];
}

/** What a command needs to speak to ScratchPower. */
export interface UpstreamAccess extends Pick<IntegrationConfig['upstream'], 'baseUrl' | 'credentials'> {
  readonly confirmTimeoutMs: number;
  readonly readTimeoutMs: number;
}

/** Where the record lies. */
export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgres';
      /** Has a password in it: never to be told. */
      readonly url: string;
      readonly poolSize: number;
      readonly statementTimeoutMs: number;
    };

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Every fault of the configuration, one line each. Tells names and remedies, never a value that may be secret. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n  ${faults.join('\n  ')}`,
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** Products are never older (R10). */
const MOST_FRESH_MS = 300_000;
const HUNDRED_YEARS_MS = 3_155_760_000_000;

const databaseUrl = z
  .string()
  .trim()
  .regex(/^(file|postgres|postgresql):.+/, {
    error:
      'must be file:PATH, such as file:./data/gateway.db, or postgres://USER:PASSWORD@HOST:PORT/DATABASE',
    abort: true,
  })
  .refine((url) => url.startsWith('file:') || isPostgresUrl(url), {
    error:
      'must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters percent-encoded, such as %40 for @',
  })
  .transform((url) =>
    url.startsWith('file:')
      ? { kind: 'sqlite' as const, path: url.replace(/^file:(\/\/(?=\/))?/, '') }
      : { kind: 'postgres' as const, url },
  )
  .prefault('file:./data/gateway.db');

const origins = commaSeparated
  .refine((list) => list.every((one) => isHttpUrl(one) && new URL(one).origin === one), {
    error: 'must be origins separated by commas, such as https://shop.example,http://localhost:5173',
  })
  .default([]);

const environment = z.object({
  HOST: text.default('127.0.0.1'),
  PORT: port.default(4000),
  LOG_LEVEL: oneOf(logLevels).default('info'),
  DATABASE_URL: databaseUrl,
  DATABASE_POOL: wholeNumber('connections', 10, 2, 1_000),
  DATABASE_STATEMENT_TIMEOUT_MS: milliseconds(10_000, 100),
  INSTANCE_LEASE_MS: milliseconds(10_000, 500),
  CONFIRM_TIMEOUT_MS: milliseconds(30_000),
  READ_TIMEOUT_MS: milliseconds(10_000),
  LATE_LANDING_MS: milliseconds(60_000, 0),
  QUOTE_TTL_MS: milliseconds(600_000),
  ANSWER_RETENTION_MS: milliseconds(7_776_000_000, 1, HUNDRED_YEARS_MS),
  RECONCILE_BASE_DELAY_MS: milliseconds(2_000),
  RECONCILE_MAX_DELAY_MS: milliseconds(60_000),
  RECONCILE_GIVE_UP_AFTER_MS: milliseconds(86_400_000),
  RECONCILE_CONCURRENCY: wholeNumber('purchases', 4, 1, 100),
  UPSTREAM_CONCURRENCY: wholeNumber('calls', 64, 1, 10_000),
  UPSTREAM_QUEUE: wholeNumber('calls', 256, 0, 100_000),
  UPSTREAM_MAX_WAIT_MS: milliseconds(5_000, 0),
  UPSTREAM_COALESCING: oneOf(['on', 'off']).default('on'),
  PRODUCTS_FRESH_MS: milliseconds(MOST_FRESH_MS, 0, MOST_FRESH_MS),
  CIRCUIT_FAILURES: wholeNumber('calls', 5, 1, 10_000),
  CIRCUIT_OPEN_MS: milliseconds(5_000),
  SHUTDOWN_TIMEOUT_MS: milliseconds(30_000),
  ALLOWED_ORIGINS: origins,
  ...limitsShape,
  ...telemetryShape,
});

/** Every name that is read. */
export const environmentNames: readonly string[] = [
  ...Object.keys(environment.shape),
  ...integrationNames,
  ...dataKeyNames,
  ...authNames,
];

const databaseEnvironment = environment.pick({
  DATABASE_URL: true,
  DATABASE_POOL: true,
  DATABASE_STATEMENT_TIMEOUT_MS: true,
});

const timeouts = environment.pick({ CONFIRM_TIMEOUT_MS: true, READ_TIMEOUT_MS: true });

const landing = environment.pick({ CONFIRM_TIMEOUT_MS: true, LATE_LANDING_MS: true });

/**
 * Where ScratchPower is and how long it may take, for commands that need nothing else, by the SCRATCHPOWER_ variables;
 * throws a `ConfigError`.
 */
export function upstreamOf(env: Readonly<Record<string, string | undefined>>): UpstreamAccess {
  const { INTEGRATIONS_FILE: _, ...rest } = withoutEmpty(env);
  const { integrations, faults } = readIntegrations(rest);
  const parsed = timeouts.safeParse(rest);
  const [integration] = integrations;
  if (!parsed.success || integration === undefined)
    throw new ConfigError([...faults, ...(parsed.success ? [] : faultsOf(parsed.error))]);
  const { baseUrl, credentials } = integration.upstream;
  return {
    baseUrl,
    credentials,
    confirmTimeoutMs: parsed.data.CONFIRM_TIMEOUT_MS,
    readTimeoutMs: parsed.data.READ_TIMEOUT_MS,
  };
}

/** The same as of the whole configuration, for commands that need nothing else; throws a `ConfigError`. */
export function mayLandMsOf(env: Readonly<Record<string, string | undefined>>): number {
  return mayLandMs(partOf(landing, env));
}

function mayLandMs(values: z.output<typeof landing>): number {
  return values.CONFIRM_TIMEOUT_MS + values.LATE_LANDING_MS;
}

/** Where the record lies, for commands that need nothing else; throws a `ConfigError`. */
export function databaseOf(env: Readonly<Record<string, string | undefined>>): DatabaseConfig {
  return databaseIn(partOf(databaseEnvironment, env));
}

/** The keys of the record, for commands that need nothing else; throws a `ConfigError`. */
export function dataKeysOf(env: Readonly<Record<string, string | undefined>>): readonly DataKeyConfig[] {
  const { dataKeys, faults } = readDataKeys(withoutEmpty(env));
  if (faults.length > 0) throw new ConfigError(faults);
  return dataKeys;
}

/** The same, for commands that are for a SQLite file only. */
export function databasePathOf(env: Readonly<Record<string, string | undefined>>): string {
  const database = databaseOf(env);
  if (database.kind === 'sqlite') return database.path;
  throw new ConfigError([
    'DATABASE_URL names a PostgreSQL database: back it up and restore it with its own pg_dump and pg_restore',
  ]);
}

function partOf<T extends z.ZodType>(
  part: T,
  env: Readonly<Record<string, string | undefined>>,
): z.output<T> {
  const parsed = part.safeParse(withoutEmpty(env));
  if (!parsed.success) throw new ConfigError(faultsOf(parsed.error));
  return parsed.data;
}

function databaseIn(values: z.output<typeof databaseEnvironment>): DatabaseConfig {
  if (values.DATABASE_URL.kind === 'sqlite') return values.DATABASE_URL;
  return {
    ...values.DATABASE_URL,
    poolSize: values.DATABASE_POOL,
    statementTimeoutMs: values.DATABASE_STATEMENT_TIMEOUT_MS,
  };
}

function withoutEmpty(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}

function faultsOf({ issues }: z.ZodError): string[] {
  return issues.map(({ path, message }) => `${path.join('.')} ${message}`);
}

/** Reads and checks the environment; throws a `ConfigError` that names every fault at once. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = withoutEmpty(env);
  const parsed = environment.safeParse(given);
  const { config: access, faults: authFaults } = readAuth(given);
  const { dataKeys, faults: keyFaults } = readDataKeys(given);
  const { integrations, faults: integrationFaults } = readIntegrations(given);
  const faults = [
    ...(parsed.success
      ? [...limitFaults(parsed.data), ...telemetryFaults(parsed.data), ...reconcileFaults(parsed.data)]
      : faultsOf(parsed.error)),
    ...integrationFaults,
    ...authFaults,
    ...keyFaults,
  ];
  const host = given['HOST']?.trim();
  if (access?.auth.mode === 'none' && host !== undefined && host !== '' && !isLoopback(host)) {
    faults.push(
      'HOST is not a loopback address, and without authentication (AUTH_MODE=none) the gateway listens on loopback only:' +
        ' use 127.0.0.1, ::1 or localhost, or set AUTH_MODE to jwt or api-key',
    );
  }
  if (access?.auth.mode === 'none' && integrations.length > 1) {
    faults.push(
      'INTEGRATIONS_FILE names several integrations, and without authentication (AUTH_MODE=none) nobody says which is theirs:' +
        ' name one, or set AUTH_MODE to jwt or api-key',
    );
  }
  if (!parsed.success || access === undefined || faults.length > 0) throw new ConfigError(faults);
  const values = parsed.data;
  return {
    host: values.HOST,
    port: values.PORT,
    logLevel: values.LOG_LEVEL,
    database: databaseIn(values),
    dataKeys,
    instanceLeaseMs: values.INSTANCE_LEASE_MS,
    integrations,
    protection: {
      concurrency: values.UPSTREAM_CONCURRENCY,
      queue: values.UPSTREAM_QUEUE,
      maxWaitMs: values.UPSTREAM_MAX_WAIT_MS,
      circuitFailures: values.CIRCUIT_FAILURES,
      circuitOpenMs: values.CIRCUIT_OPEN_MS,
    },
    reads: {
      coalescing: values.UPSTREAM_COALESCING === 'on',
      productsFreshMs: values.PRODUCTS_FRESH_MS,
    },
    confirmTimeoutMs: values.CONFIRM_TIMEOUT_MS,
    readTimeoutMs: values.READ_TIMEOUT_MS,
    mayLandMs: mayLandMs(values),
    quoteTtlMs: values.QUOTE_TTL_MS,
    answerRetentionMs: values.ANSWER_RETENTION_MS,
    reconcile: {
      baseDelayMs: values.RECONCILE_BASE_DELAY_MS,
      maxDelayMs: values.RECONCILE_MAX_DELAY_MS,
      giveUpAfterMs: values.RECONCILE_GIVE_UP_AFTER_MS,
      concurrency: values.RECONCILE_CONCURRENCY,
    },
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
    ...access,
    allowedOrigins: values.ALLOWED_ORIGINS,
    ...limitsOf(values),
    ...telemetryOf(values),
  };
}

function reconcileFaults(values: z.output<typeof environment>): string[] {
  return values.RECONCILE_MAX_DELAY_MS < values.RECONCILE_BASE_DELAY_MS
    ? ['RECONCILE_MAX_DELAY_MS must not be less than RECONCILE_BASE_DELAY_MS']
    : [];
}

function isPostgresUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, pathname } = new URL(value);
  return /^postgres(ql)?:$/.test(protocol) && hostname !== '' && pathname.length > 1;
}
