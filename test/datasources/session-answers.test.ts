import { createServer } from 'node:http';

import { describe, expect, it, onTestFinished } from 'vitest';

import { createUpstream } from '../../src/datasources/facade.ts';
import { systemRuntime } from '../../src/system-runtime.ts';
import { ProblemError } from '../../src/purchases/problem.ts';
import type { Runtime } from '../../src/purchases/runtime.ts';
import { surfaceNames, surfaceOptions, type SurfaceName } from './reading.ts';

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}
interface Asked {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An upstream whose sessions are as the test says; who asks with any session is `till`. */
async function open(surface: SurfaceName, session: (url: string, number: number) => Answer) {
  const asked: Asked[] = [];
  const sessions = () => asked.filter(({ url }) => /login|refresh/.test(url));
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { url = '', headers } = request;
      const body = text === '' ? {} : (JSON.parse(text) as Asked['body']);
      asked.push({ url: url.replace('/v1', ''), authorization: headers.authorization, body });
      const isSession = /login|refresh/.test(url);
      const answer = isSession ? session(url, sessions().length) : { body: { username: 'till' } };
      const { status = 200, body: said } = answer;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof said === 'string' ? said : JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const clock = { ms: 0 };
  const runtime: Runtime = { ...systemRuntime(), monotonic: () => clock.ms, random: () => 0 };
  const baseUrl = `http://127.0.0.1:${port}`;
  const upstream = createUpstream({ ...surfaceOptions, baseUrl, runtime, surface });
  onTestFinished(async () => {
    await upstream.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const vending = upstream.on(surface);
  return {
    asked,
    sessions,
    clock,
    who: (signal?: AbortSignal) => vending.identity({ requestId: 'r', signal }),
  };
}

const HOUR = 3_600_000;
const tokens = (number: number) => ({
  ...{ access_token: `access-${number}`, access_in: 3600, token_type: 'bearer' },
  ...{ refresh_token: `refresh-${number}`, scope: 'read write' },
});
const problemOf = (asking: Promise<unknown>) =>
  asking.then(
    () => undefined,
    (error: unknown) => (error instanceof ProblemError ? error.problem : error),
  );

describe.each(surfaceNames)('a login on %s', (surface) => {
  it.each<[what: string, body: unknown, status?: number]>([
    ['nothing', ''],
    ['HTML', '<html>'],
    ['null', null],
    ['a list', [tokens(1)]],
    ['no session', {}],
    ['a session without a token', { access_in: 3600 }],
    ['a session with an empty token', { ...tokens(1), access_token: '' }],
    ['a session with a number for a token', { ...tokens(1), access_token: 5 }],
    ['a token that no header can carry', { ...tokens(1), access_token: 'one\r\ntwo: three' }],
    ['a token in another script', { ...tokens(1), access_token: 'жетон' }],
    ['a session without a life', { access_token: 'a' }],
    ['a session that is over', { ...tokens(1), access_in: 0 }],
    ['a session of unknown life', { ...tokens(1), access_in: 'soon' }],
    ['a redirect', tokens(1), 302],
  ])(
    'that is answered with %s is a retryable problem, and the next one works',
    async (_what, body, status) => {
      const { who, sessions } = await open(surface, (_url, number) =>
        number === 1 ? { body, ...(status === undefined ? {} : { status }) } : { body: tokens(number) },
      );
      expect(await problemOf(who())).toMatchObject({ type: 'UNAVAILABLE', retryable: true });
      await expect(who()).resolves.toMatchObject({ username: 'till' });
      expect(sessions().map(({ url }) => url)).toEqual(['/auth/login', '/auth/login']);
    },
  );

  it.each<[what: string, body: object]>([
    ['its life as text', { ...tokens(1), access_in: '3600' }],
    ['no refresh token', { access_token: 'access-1', access_in: 3600 }],
    ['null for a refresh token', { ...tokens(1), refresh_token: null }],
    ['more than we know', { ...tokens(1), x_new: {} }],
  ])('may be answered with %s', async (_what, body) => {
    const { who, asked } = await open(surface, () => ({ body }));
    await who();
    expect(asked.at(-1)).toMatchObject({ authorization: 'Bearer access-1' });
  });

  it('without a refresh token is followed by another login', async () => {
    const { who, sessions, clock } = await open(surface, () => ({
      body: { access_token: 'a', access_in: 3600 },
    }));
    await who();
    clock.ms = HOUR;
    await who();
    expect(sessions().map(({ url }) => url)).toEqual(['/auth/login', '/auth/login']);
  });

  it.each([400, 401, 403])('that is refused with %d tells no secret', async (status) => {
    const { who } = await open(surface, () => ({
      status,
      body: { error: { type: 'authentication_error', code: 'nope', message: 'p is wrong for c' } },
    }));
    const problem = await problemOf(who());
    expect(problem).toMatchObject({ type: 'AUTHENTICATION', retryable: false });
    expect(JSON.stringify(problem)).not.toContain('p is wrong for c');
  });

  it('goes on for the others when one who waits for it leaves', async () => {
    const leaving = new AbortController();
    const { who, sessions } = await open(surface, (_url, number) => ({ body: tokens(number) }));
    const [one, other] = [who(leaving.signal), who()];
    leaving.abort(new Error('the client has gone'));
    await expect(one).rejects.toThrow('the client has gone');
    await expect(other).resolves.toMatchObject({ username: 'till' });
    expect(sessions()).toHaveLength(1);
  });
});

describe.each(surfaceNames)('a refresh token of %s', (surface) => {
  const sent = (asked: readonly Asked[]) =>
    asked.flatMap(({ body }) => ('refresh_token' in body ? [body['refresh_token']] : []));

  it('is sent once, and then its successor', async () => {
    const { who, asked, clock } = await open(surface, (_url, number) => ({ body: tokens(number) }));
    for (let hour = 0; hour < 4; hour += 1) {
      clock.ms = hour * HOUR;
      await Promise.all([who(), who(), who()]);
    }
    expect(sent(asked)).toEqual(['refresh-1', 'refresh-2', 'refresh-3']);
    expect(asked.at(-1)).toMatchObject({ authorization: 'Bearer access-4' });
  });

  it('is not sent again when nobody knows what became of it, however often we try', async () => {
    const down = { status: 500, body: '<html>' };
    const { who, asked, clock } = await open(surface, (_url, number) =>
      number === 1 ? { body: tokens(1) } : down,
    );
    await who();
    for (let count = 0; count < 5; count += 1) {
      clock.ms = HOUR * 0.9 + count;
      await who();
    }
    expect(sent(asked)).toEqual(['refresh-1']);
    // The session was good all the while, and was used.
    const used = asked.filter(({ url }) => url === '/auth/me').map(({ authorization }) => authorization);
    expect(used).toEqual(Array.from({ length: 6 }, () => 'Bearer access-1'));
  });
});
