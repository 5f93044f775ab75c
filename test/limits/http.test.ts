import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startStack, type Stack } from '../support/stack.ts';
import { handshake, post, raw } from './support.ts';

const json = 'content-type: application/json\r\n';
const request = (headers: string, body = '') =>
  `POST /graphql HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n${body}`;

describe('the HTTP entrance', () => {
  let stack: Stack;
  beforeAll(
    async () =>
      void (stack = await startStack({
        env: {
          ALLOWED_ORIGINS: 'https://shop.example,https://till.example',
          REQUEST_TIMEOUT_MS: '400',
          LIMIT_BODY_BYTES: '2000',
          HSTS_MAX_AGE: '31536000',
        },
      })),
  );
  afterAll(() => stack[Symbol.asyncDispose]());

  it.each(['/graphql', '/health/live', '/nowhere', '/'])('%s carries the security headers', async (path) => {
    const { headers } = await fetch(stack.gateway.url + path, { redirect: 'manual' });
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      vary: expect.stringContaining('Origin'),
    });
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it('GraphiQL runs its own script alone, by a nonce that is never the same', async () => {
    const page = async () => {
      const response = await fetch(`${stack.gateway.url}/graphql`, { headers: { accept: 'text/html' } });
      const policy = response.headers.get('content-security-policy') ?? '';
      const nonce = /script-src 'nonce-([\w+/=]{24})'/.exec(policy)?.[1];
      const text = await response.text();
      expect(text).toContain(`<script nonce="${nonce ?? 'none'}">`);
      expect(policy).not.toMatch(/script-src[^;]*unsafe|\*/);
      expect(policy).toContain("frame-ancestors 'none'");
      return nonce;
    };
    expect(await page()).not.toBe(await page());
  });

  it('tells a page of an allowed origin before it asks what it may send, and never with credentials', async () => {
    const preflight = await fetch(`${stack.gateway.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://till.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-request-id',
      },
    });
    expect(preflight.status).toBe(204);
    const told = (name: string) => preflight.headers.get(`access-control-${name}`);
    expect(told('allow-origin')).toBe('https://till.example');
    expect(told('allow-headers')?.split(', ')).toEqual([
      ...['content-type', 'authorization', 'x-request-id', 'accept', 'traceparent', 'tracestate'],
      ...['apollographql-client-name', 'apollographql-client-version'],
    ]);
    expect(told('allow-methods')).toBe('POST, GET, OPTIONS');
    expect(told('allow-credentials')).toBeNull();
    expect(preflight.headers.get('vary')).toContain('Origin');
    const answer = await post(stack, { query: '{ __typename }' }, { origin: 'https://shop.example' });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(answer.headers.get('access-control-expose-headers')).toContain('ratelimit');
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  it.each(['https://evil.example', 'null', 'https://shop.example.evil.example', 'http://shop.example', '*'])(
    'an Origin of %s gets neither answer nor permission, by POST, GET, preflight, event stream or WebSocket',
    async (origin) => {
      const address = `${stack.gateway.url}/graphql`;
      const query = '?query=%7B__typename%7D';
      const answers = [
        await fetch(address, {
          method: 'POST',
          headers: { origin, 'content-type': 'application/json' },
          body: '{}',
        }),
        await fetch(address + query, { headers: { origin } }),
        await fetch(address + query, { headers: { origin, accept: 'text/event-stream' } }),
        await fetch(address, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'POST' },
        }),
      ];
      for (const { status, headers } of answers) {
        expect(status).toBe(403);
        expect(headers.get('access-control-allow-origin')).toBeNull();
      }
      expect(await handshake(stack.gateway.url, { origin })).toBe(403);
    },
  );

  it('a query may come by GET, a mutation or a subscription’s changes by no link', async () => {
    const get = async (query: string) =>
      (await fetch(`${stack.gateway.url}/graphql?query=${encodeURIComponent(query)}`)).status;
    expect(await get('{ __typename }')).toBe(200);
    expect(await get('mutation { retryPurchase(input: { id: "x" }) { __typename } }')).toBe(405);
    expect(await get('query A { __typename } mutation B { __typename }')).toBe(400);
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'TRACE-ME'])('%s is no way to ask', async (method) => {
    const { text } = await raw(
      stack.gateway.url,
      `${method} /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 40[05]/);
  });

  it('a body is bounded by what it announces', async () => {
    const answer = await post(stack, { query: `{ __typename } # ${'x'.repeat(2_000)}` });
    expect(answer.status).toBe(413);
    expect(answer.body['errors'][0]).toMatchObject({
      message: expect.stringContaining('2000 bytes (LIMIT_BODY_BYTES)'),
      extensions: { code: 'BODY_TOO_LARGE' },
    });
  });

  it('a body without an announced length is counted, and cut off before its end', async () => {
    const chunk = `3e8\r\n${'x'.repeat(1_000)}\r\n`;
    const head = request(`${json}transfer-encoding: chunked\r\n`);
    const answer = await raw(stack.gateway.url, [head, chunk, chunk, chunk, chunk], { gapMs: 20 });
    expect(answer).toMatchObject({ status: 413, closed: true });
  });

  it('a chunked body that fits is read, an empty one is refused', async () => {
    const chunked = (body: string) =>
      request(`${json}connection: close\r\ntransfer-encoding: chunked\r\n`, body);
    const fits = await raw(stack.gateway.url, chunked('18\r\n{"query":"{__typename}"}\r\n0\r\n\r\n'));
    expect(fits.status).toBe(200);
    expect(fits.text).toContain('{"__typename":"Query"}');
    expect((await raw(stack.gateway.url, chunked('0\r\n\r\n'))).text).toContain('BAD_REQUEST');
  });

  it('a request that does not arrive in time is given up: headers and body', async () => {
    const drops = Array.from({ length: 40 }, (_, n) => `x-${n}: y\r\n`);
    const headers = await raw(stack.gateway.url, ['GET /graphql HTTP/1.1\r\nhost: localhost\r\n', ...drops], {
      gapMs: 50,
    });
    expect(headers).toMatchObject({ status: 408, closed: true });
    const body = await raw(stack.gateway.url, [request(`${json}content-length: 100\r\n`), ...drops], {
      gapMs: 50,
    });
    expect(body).toMatchObject({ status: 408, closed: true });
    const chunks = [request(`${json}transfer-encoding: chunked\r\n`), ...drops.map(() => '1\r\n \r\n')];
    expect(await raw(stack.gateway.url, chunks, { gapMs: 50 })).toMatchObject({ closed: true });
  });

  it('a mutation that waits for its answer is not a request that does not arrive', async () => {
    const live = await fetch(`${stack.gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: '{"query":"subscription { purchaseEvents { cursor } }"}',
    });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const pending = Promise.race([
      live.text().then(
        () => 'ended',
        () => 'ended',
      ),
      new Promise((resolve) => setTimeout(resolve, 100, 'open')),
    ]);
    expect(await pending).toBe('open');
    await live.body?.cancel().catch(() => undefined);
  });

  it('headers of more than 16 KiB are refused', async () => {
    const { status } = await raw(
      stack.gateway.url,
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`,
    );
    expect(status).toBe(431);
  });

  it.each<[name: string, bytes: string]>([
    [
      'CL and TE',
      request(
        `${json}content-length: 4\r\ntransfer-encoding: chunked\r\n`,
        '0\r\n\r\nGET /evil HTTP/1.1\r\nhost: localhost\r\n\r\n',
      ),
    ],
    ['two lengths', request(`${json}content-length: 2\r\ncontent-length: 24\r\n`, '{}')],
    ['a list of lengths', request(`${json}content-length: 2, 24\r\n`, '{}')],
    ['a length with a sign', request(`${json}content-length: +2\r\n`, '{}')],
    ['a negative length', request(`${json}content-length: -1\r\n`)],
    ['an obsolete fold', request(`${json}transfer-encoding:\r\n chunked\r\n`, '0\r\n\r\n')],
    ['a space before the colon', request(`${json}transfer-encoding : chunked\r\n`, '0\r\n\r\n')],
    ['an unknown coding', request(`${json}transfer-encoding: xchunked\r\n`, '0\r\n\r\n')],
    ['chunked twice', request(`${json}transfer-encoding: chunked, chunked\r\n`, '0\r\n\r\n')],
    ['a bare line feed in the head', `GET /graphql HTTP/1.1\nhost: localhost\n\n`],
    ['a bare carriage return', `GET /graphql HTTP/1.1\r\nhost: localhost\rx: y\r\n\r\n`],
    ['a NUL in a header', `GET /graphql HTTP/1.1\r\nhost: localhost\0y\r\n\r\n`],
    ['no host', 'GET /graphql HTTP/1.1\r\n\r\n'],
    [
      'a chunk size that overflows',
      request(`${json}transfer-encoding: chunked\r\n`, 'fffffffffffffffff\r\nx\r\n'),
    ],
  ])('smuggling by %s is refused, and nothing behind it is served', async (_name, bytes) => {
    const { text, status } = await raw(stack.gateway.url, bytes, { ms: 800 });
    expect(status).toBe(400);
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1);
  });
});

it('no header asks for TLS unless it is configured', async () => {
  await using stack = await startStack();
  const { headers } = await fetch(`${stack.gateway.url}/health/live`);
  expect(headers.get('strict-transport-security')).toBeNull();
});

it('connections beyond the limit are cut off, and one that ends makes room', async () => {
  await using stack = await startStack({ env: { LIMIT_CONNECTIONS: '2', KEEP_ALIVE_TIMEOUT_MS: '60000' } });
  const open = () =>
    raw(stack.gateway.url, 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n', { ms: 600 });
  const [first, second] = [open(), open()];
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await open()).toMatchObject({ text: '', closed: true });
  expect([(await first).status, (await second).status]).toEqual([200, 200]);
  let status: number | undefined;
  for (let tries = 0; tries < 10 && status === undefined; tries += 1) ({ status } = await open());
  expect(status).toBe(200);
});
