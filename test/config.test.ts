import { describe, expect, it } from 'vitest';

import { ConfigError, databaseOf, databasePathOf, loadConfig } from '../src/config.ts';

const good = {
  SCRATCHPOWER_BASE_URL: 'https://api.staging.scratchpower.com',
  SCRATCHPOWER_CLIENT_ID: 'id',
  SCRATCHPOWER_CLIENT_SECRET: 'hush-hush',
  SCRATCHPOWER_USERNAME: 'user',
  SCRATCHPOWER_PASSWORD: 'pass-word',
  SCRATCHPOWER_ORG_CODE: 'ORG',
};

function faults(env: Record<string, string | undefined>): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.join('\n');
    throw error;
  }
  return '';
}

describe('the environment', () => {
  it('needs only the upstream; the rest has the defaults of the README', () => {
    expect(loadConfig(good)).toMatchObject({
      ...{
        host: '127.0.0.1',
        port: 4000,
        logLevel: 'info',
        database: { kind: 'sqlite', path: './data/gateway.db' },
        auth: { mode: 'none' },
        discovery: { introspection: true, graphiql: true },
      },
      ...{ confirmTimeoutMs: 30_000, readTimeoutMs: 10_000, quoteTtlMs: 600_000, mayLandMs: 90_000 },
      allowedOrigins: [],
      answerRetentionMs: 90 * 86_400_000,
      reconcile: { baseDelayMs: 2_000, maxDelayMs: 60_000, giveUpAfterMs: 86_400_000 },
      integrations: [{ name: 'default', upstream: { surface: 'V1' }, accounts: undefined, limits: {} }],
    });
  });

  it('names every fault at once', () => {
    const told = faults({
      ...good,
      PORT: '70000',
      LOG_LEVEL: 'loud',
      SCRATCHPOWER_PASSWORD: '',
      HOST: '0.0.0.0',
    });
    for (const name of ['PORT', 'LOG_LEVEL', 'SCRATCHPOWER_PASSWORD', 'HOST']) expect(told).toContain(name);
  });

  it('says one thing of one mistake', () => {
    expect(faults({ ...good, PORT: 'abc' })).toBe('PORT must be a port, from 0 to 65535');
    expect(faults({ ...good, METRICS_PORT: '65536' })).toMatch(
      /^METRICS_PORT must be a port, from 0 to 65535$/,
    );
    expect(faults({ ...good, DATABASE_URL: 'mysql://x' })).toMatch(/^DATABASE_URL must be file:PATH.*$/);
  });

  it('has no playground where only known operations are run, unless it is said', () => {
    const only = { ...good, PERSISTED_OPERATIONS: 'manifest.json', PERSISTED_OPERATIONS_ONLY: 'on' };
    expect(loadConfig(only).discovery).toEqual({ introspection: true, graphiql: false });
    expect(loadConfig({ ...only, GRAPHIQL: 'on' }).discovery.graphiql).toBe(true);
  });

  it('names what belongs together wrongly with all else', () => {
    const told = faults({
      ...good,
      RECONCILE_MAX_DELAY_MS: '1',
      METRICS_PORT: '4000',
      SCRATCHPOWER_PASSWORD: '',
      HOST: '0.0.0.0',
    });
    for (const name of ['RECONCILE_MAX_DELAY_MS', 'METRICS_PORT', 'SCRATCHPOWER_PASSWORD', 'HOST'])
      expect(told).toContain(name);
  });

  it.each([
    ['PORT', '-1'],
    ['PORT', '4000.5'],
    ['METRICS_PORT', '70000'],
    ['METRICS_PORT', '4000'],
    ['LOG_FORMAT', 'colourful'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'grpc://collector'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'hush-hush'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_SAMPLER_ARG', 'half'],
    ['OTEL_SDK_DISABLED', 'yes'],
    ['CONFIRM_TIMEOUT_MS', '0'],
    ['CONFIRM_TIMEOUT_MS', '30s'],
    ['SCRATCHPOWER_SURFACE', 'v2'],
    ['SCRATCHPOWER_BASE_URL', 'ftp://x'],
    ['SCRATCHPOWER_BASE_URL', 'nowhere'],
    ['DATABASE_URL', 'mysql://x'],
    ['DATABASE_URL', 'file:'],
    ['DATABASE_URL', 'postgres://'],
    ['DATABASE_URL', 'postgres://localhost'],
    ['DATABASE_URL', 'postgresql:///gateway'],
    ['DATABASE_URL', 'postgres://gateway:pass/word@localhost/gateway'],
    ['DATABASE_POOL', '1'],
    ['DATABASE_STATEMENT_TIMEOUT_MS', '0'],
    ['INSTANCE_LEASE_MS', '10'],
    ['AUTH_MODE', 'hmac'],
    ['ALLOWED_ORIGINS', 'https://shop.example/path'],
    ['HOST', '0.0.0.0'],
    ['HOST', '192.168.1.5'],
    ['RECONCILE_MAX_DELAY_MS', '1'],
    ['READ_TIMEOUT_MS', '2147483648'],
    ['ANSWER_RETENTION_MS', '0'],
    ['ANSWER_RETENTION_MS', '3155760000001'],
    ['LIMIT_TOKENS', '3001'],
    ['LIMIT_DEPTH', '0'],
    ['LIMIT_COST', 'much'],
    ['LIMIT_BODY_BYTES', '10'],
    ['LIMIT_SOCKETS', '-1'],
    ['REQUEST_TIMEOUT_MS', '0'],
    ['RATE_LIMIT_PER_MINUTE', '1.5'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '11'],
    ['HSTS_MAX_AGE', 'on'],
    ['PERSISTED_OPERATIONS_ONLY', 'yes'],
    ['PERSISTED_OPERATIONS_ONLY', 'on'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(faults({ ...good, [name]: value })).toContain(name);
  });

  it('keeps answers for longer than a timer can wait', () => {
    const year = 365 * 86_400_000;
    expect(loadConfig({ ...good, ANSWER_RETENTION_MS: String(10 * year) }).answerRetentionMs).toBe(10 * year);
  });

  it('tells the record’s path to a command that needs nothing else', () => {
    expect(databasePathOf({})).toBe('./data/gateway.db');
    expect(databasePathOf({ DATABASE_URL: '' })).toBe('./data/gateway.db');
    expect(databasePathOf({ DATABASE_URL: 'file:///var/x.db' })).toBe('/var/x.db');
    expect(() => databasePathOf({ DATABASE_URL: 'mysql://x' })).toThrow(/DATABASE_URL must be file:PATH/);
    expect(() => databasePathOf({ DATABASE_URL: 'postgres://u:secret@h/d' })).toThrow(/pg_dump/);
    expect(databaseOf({ DATABASE_URL: 'postgres://u@h/d', DATABASE_POOL: '3' })).toMatchObject({
      poolSize: 3,
    });
  });

  it('never tells a secret in a fault', () => {
    const told = faults({
      ...{ ...good, PORT: 'x', SCRATCHPOWER_BASE_URL: 'hush-hush' },
      DATABASE_URL: 'postgres://gateway:hush-hush@:x/y',
    });
    expect(told).toContain('DATABASE_URL');
    expect(told).not.toContain('hush-hush');
    expect(told).not.toContain('pass-word');
  });

  it.each(['file:./data/x.db', 'file:data/x.db', 'file:/var/x.db', 'file:///var/x.db'])('takes %s', (url) => {
    const { database } = loadConfig({ ...good, DATABASE_URL: url });
    expect(database).toEqual({
      kind: 'sqlite',
      path: expect.stringMatching(/^(\.\/data|data|\/var)\/x\.db$/),
    });
  });

  it.each([
    'postgres://gateway:p%40ss@db.example:5433/gateway?sslmode=verify-full',
    'postgresql://localhost/g',
  ])('takes %s', (url) => {
    const database = { kind: 'postgres', url, poolSize: 10, statementTimeoutMs: 10_000 };
    expect(loadConfig({ ...good, DATABASE_URL: url })).toMatchObject({ database, instanceLeaseMs: 10_000 });
  });

  it('tells where traces go as OpenTelemetry’s variables do', () => {
    const traced = (env: object) => loadConfig({ ...good, ...env }).traces;
    expect(traced({})).toBeUndefined();
    const base = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };
    expect(traced(base)).toMatchObject({ url: 'http://collector:4318/v1/traces', headers: {} });
    expect(traced({ ...base, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(
      traced({
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/mine',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hush, x=100%',
      }),
    ).toMatchObject({ url: 'https://collector/mine', headers: { authorization: 'Bearer hush', x: '100%' } });
  });
});
