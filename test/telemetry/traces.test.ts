import { createServer } from 'node:http';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { startGatewayProcess } from '../support/process.ts';
import {
  CONFIRM,
  electricity,
  environment,
  graphqlCaller,
  startStack,
  temporaryFolder,
  until,
  type Stack,
} from '../support/stack.ts';
import { startCollector, type CollectedSpan, type Collector } from './collector.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const [INTERNAL, SERVER, CLIENT] = [1, 2, 3];

describe('traces', () => {
  let collector: Collector;
  let stack: Stack;
  let bought: Record<string, any> = {};
  let reference = '';

  beforeAll(async () => {
    collector = await startCollector();
    stack = await startStack({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hush',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      },
    });
    const input = await electricity(stack.graphql);
    const ask = async (variables: object, headers: object = {}) => {
      const response = await fetch(`${stack.gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query: CONFIRM, variables }),
      });
      return ((await response.json()) as { data: Record<string, any> }).data['confirmPurchase'];
    };
    bought = await ask(
      { input: { idempotencyKey: 'one', from: { details: input } } },
      { traceparent: `00-${TRACE}-${PARENT}-01`, 'x-request-id': 'till-1' },
    );
    // One whose answer is lost, for the reconciler.
    stack.sandbox.addFault({ endpoint: 'confirm', kind: 'drop_after' });
    ({ reference } = await ask({ input: { idempotencyKey: 'two', from: { details: input } } }));
    await until(
      () =>
        stack.sandbox.calls.some((call) => call.endpoint === 'retry' && call.externalReference === reference),
      'the reconciler’s retry',
    );
    await stack.graphql('query Wrong { purchase(by: { id: "" }) { id } }');
    // To the very end: what is not told yet is told when the gateway stops.
    await stack.gateway.close();
  });
  afterAll(async () => {
    await stack[Symbol.asyncDispose]();
    await collector[Symbol.asyncDispose]();
  });

  const find = (what: Partial<CollectedSpan>, among: readonly CollectedSpan[] = collector.spans) => {
    const span = among.find((one) =>
      Object.entries(what).every(([name, value]) =>
        Object.entries(one).some(([n, v]) => n === name && v === value),
      ),
    );
    if (span === undefined) throw new Error(`no span ${JSON.stringify(what)}`);
    return span;
  };

  it('go on from the client’s traceparent: operation, calls of ScratchPower and the journal are one', () => {
    const ours = collector.spans.filter(({ traceId }) => traceId === TRACE);
    const root = find({ kind: SERVER }, ours);
    expect(root).toMatchObject({ name: 'mutation', parentSpanId: PARENT, status: 0 });
    expect(root.attributes).toEqual({
      'graphql.operation.type': 'mutation',
      'graphql.operation.name': 'Confirm',
      'scratchpower.request_id': 'till-1',
    });
    const confirm = find({ name: 'POST /v1/purchases/confirm' }, ours);
    expect(confirm).toMatchObject({ kind: CLIENT, parentSpanId: root.spanId });
    expect(confirm.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'url.full': `${stack.sandbox.url}/v1/purchases/confirm`,
      'server.address': '127.0.0.1',
      'scratchpower.endpoint': 'confirm',
      'scratchpower.request_id': expect.stringMatching(/^till-1\./),
    });
    for (const write of ['begin', 'keepAnswer', 'finishAttempt']) {
      const span = find({ name: `${write} journal` }, ours);
      expect(span).toMatchObject({ kind: INTERNAL, parentSpanId: root.spanId });
      expect(span.attributes).toMatchObject({ 'db.system.name': 'sqlite', 'db.operation.name': write });
    }
  });

  it('tell what the reconciler does, with the purchase’s id in common', () => {
    const check = collector.spans.find(
      ({ name, attributes }) =>
        name === 'reconcile' && attributes['scratchpower.purchase.reference'] === reference,
    );
    const within = collector.spans.filter(({ traceId }) => traceId === check?.traceId);
    expect(find({ name: 'POST /v1/purchases/retry' }, within)).toMatchObject({ kind: CLIENT, status: 0 });
    expect(find({ name: 'startAttempt journal' }, within).kind).toBe(INTERNAL);
    const id = check?.attributes['scratchpower.purchase.id'];
    const sale = collector.spans.find(
      ({ name, attributes }) => name === 'begin journal' && attributes['scratchpower.purchase.id'] === id,
    );
    expect(sale?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(sale?.traceId).not.toBe(check?.traceId);
  });

  it('tell what failed, by its kind', () => {
    const lost = collector.spans.find(({ name, status }) => name.endsWith('/confirm') && status === 2);
    expect(lost?.attributes).toMatchObject({ 'error.type': 'LOST' });
  });

  it('tell whose they are, to whom they are for', () => {
    expect(collector.spans[0]?.resource).toMatchObject({
      'service.name': 'scratchpower-gateway',
      'service.instance.id': expect.any(String),
      'deployment.environment.name': 'test',
    });
    expect(new Set(collector.authorizations)).toEqual(new Set(['Bearer hush']));
  });

  it('hold no secret, phone, meter or token', () => {
    const { clientSecret, password } = stack.sandbox.credentials;
    const digits = String(bought['tokens'][0].digits);
    expect(digits.length).toBeGreaterThan(10);
    for (const secret of [digits, '71436390', '04040404040', clientSecret, password])
      expect(collector.text()).not.toContain(secret);
  });
});

describe('the real process', () => {
  let sandbox: Sandbox;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    sandbox = await startSandbox();
    folder = await temporaryFolder();
  });
  afterAll(async () => {
    await sandbox.close();
    await folder[Symbol.asyncDispose]();
  });
  const start = (name: string, env: Record<string, string> = {}) =>
    startGatewayProcess(environment(sandbox, join(folder.path, name), { env }), [
      ...['--import', 'tsx', '--import', './test/telemetry/loaded.ts', 'src/server.ts'],
    ]);

  it('loads nothing of OpenTelemetry, Prometheus or the pretty log unless it is asked to', async () => {
    await using gateway = await start('off.db');
    await graphqlCaller(gateway.url)('{ accounts { id } }');
    expect(gateway.output()).not.toContain('LOADED');
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
  });

  it('passes the trace on to ScratchPower, serves metrics beside, and tells the last spans when it stops', async () => {
    await using collector = await startCollector();
    const told: (string | undefined)[] = [];
    const upstream = createServer((request, response) => {
      told.push(request.headers['traceparent']?.toString());
      response.writeHead(503).end();
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void upstream.close());
    const address = upstream.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await using gateway = await start('on.db', {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      METRICS_PORT: '0',
      SCRATCHPOWER_BASE_URL: `http://127.0.0.1:${port}`,
    });
    await graphqlCaller(gateway.url)('query Accounts { accounts { id } }');
    const metrics = /"metrics":"([^"]+)"/.exec(gateway.output())?.[1] ?? '';
    expect(await (await fetch(metrics)).text()).toContain('operation="Accounts"');
    expect((await fetch(metrics.replace('/metrics', '/'))).status).toBe(404);
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
    expect(gateway.output()).toContain('LOADED @opentelemetry/sdk-trace');
    expect(await gateway.kill('SIGTERM')).toBe(0);
    const login = collector.spans.find(({ name }) => name === 'POST /v1/auth/login');
    expect(login?.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': '503' });
    expect(told).toEqual([`00-${login?.traceId ?? ''}-${login?.spanId ?? ''}-01`]);
  });
});
