import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';

import { callerOf } from '../../src/auth/claims.ts';
import { AUDIENCE, ISSUER, newSigningKey, signedToken, startIssuer } from '../support/issuer.ts';
import { graphqlCaller, startStack, temporaryFolder } from '../support/stack.ts';

const VIEWER = '{ viewer { scopes } }';
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function statusOf(url: string, token: string): Promise<number> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: VIEWER }),
  });
  await response.text();
  return response.status;
}

describe('the issuer’s keys', () => {
  it('are fetched once for many tokens, and again for a key that is new', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env });
    const { url } = stack.gateway;
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => issuer.token({ jti: String(n) })));
    expect(await Promise.all(tokens.map((token) => statusOf(url, token)))).toEqual(tokens.map(() => 200));
    expect(issuer.fetches()).toBe(1);
    const next = newSigningKey('second');
    issuer.publish(issuer.key, next);
    await pause(120);
    expect(await statusOf(url, await issuer.token({}, { key: next }))).toBe(200);
    expect(issuer.fetches()).toBe(2);
    // And the one before goes on being good until it is withdrawn.
    expect(await statusOf(url, await issuer.token({ jti: 'last' }))).toBe(200);
  });

  it('a flood of kids that nobody has does not flood the issuer', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: { ...issuer.env, JWT_JWKS_COOLDOWN_MS: '60000' } });
    const strangers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => issuer.token({}, { key: newSigningKey(`kid-${n}`) })),
    );
    for (const token of strangers) expect(await statusOf(stack.gateway.url, token)).toBe(401);
    expect(issuer.fetches()).toBe(1);
  });

  it('a withdrawn key is not trusted any more once the set is fetched again', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: { ...issuer.env, JWT_JWKS_CACHE_MS: '1000' } });
    const { url } = stack.gateway;
    expect(await statusOf(url, await issuer.token())).toBe(200);
    issuer.publish(newSigningKey('second'));
    await pause(1_050);
    expect(await statusOf(url, await issuer.token({ jti: 'new' }))).toBe(401);
  });

  it.each([500, 302, 200])(
    'an issuer that answers %d without keys opens no door, says try again, and is believed when it is back',
    async (status) => {
      await using issuer = await startIssuer();
      await using stack = await startStack({ env: issuer.env });
      issuer.answer(status);
      const token = await issuer.token();
      const response = await fetch(`${stack.gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: VIEWER }),
      });
      const body = await response.text();
      // An empty set is an answer: the token's key is not in it.
      expect(response.status).toBe(status === 200 ? 401 : 503);
      if (status !== 200) {
        expect(response.headers.get('retry-after')).toBe('5');
        expect(response.headers.get('www-authenticate')).toBeNull();
        expect(JSON.parse(body).errors[0].extensions).toEqual({ code: 'UNAVAILABLE', retryable: true });
      }
      issuer.answer(undefined);
      await pause(1_050);
      expect(await statusOf(stack.gateway.url, token)).toBe(200);
    },
  );

  it('of an issuer that is down are not asked for with every token', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env });
    issuer.answer(500);
    const tokens = await Promise.all(Array.from({ length: 30 }, (_, n) => issuer.token({ jti: String(n) })));
    for (const token of tokens) expect(await statusOf(stack.gateway.url, token)).toBe(503);
    expect(issuer.fetches()).toBeLessThanOrEqual(3);
  });

  it.each([
    ['text/html', '<html>Log in</html>'],
    ['application/json', '{"keys":"none"}'],
  ])(
    'behind an address that answers %s %s are asked for once a second, and it is told',
    async (type, body) => {
      let fetches = 0;
      const server = createServer((_request, response) => {
        fetches += 1;
        response.writeHead(200, { 'content-type': type }).end(body);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      await using issuer = await startIssuer();
      const { port } = server.address() as AddressInfo;
      await using stack = await startStack({
        env: { ...issuer.env, JWT_JWKS_URL: `http://127.0.0.1:${port}/` },
      });
      for (let n = 0; n < 10; n += 1) {
        const token = await issuer.token({ jti: String(n) });
        expect(await statusOf(stack.gateway.url, token)).toBe(503);
      }
      expect(fetches).toBeLessThanOrEqual(3);
      const told = stack
        .logged()
        .split('\n')
        .filter((line) => line.includes('keys of the issuer'));
      expect(told.length).toBeGreaterThan(0);
      expect(told.length).toBeLessThanOrEqual(fetches);
    },
  );

  it.each(['text', 'a file'])('may be one public key, as %s', async (as) => {
    await using folder = await temporaryFolder();
    const key = newSigningKey('own');
    const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const path = join(folder.path, 'issuer.pem');
    await writeFile(path, pem);
    const given = as === 'text' ? pem.replaceAll('\n', '\\n') : path;
    const env = { AUTH_MODE: 'jwt', JWT_PUBLIC_KEY: given, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE };
    await using stack = await startStack({ env });
    expect(await statusOf(stack.gateway.url, await signedToken(key))).toBe(200);
    expect(await statusOf(stack.gateway.url, await signedToken(newSigningKey('own')))).toBe(401);
  });

  it.each(['RS256', 'EdDSA'])('%s is understood', async (alg) => {
    const pair =
      alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2_048 }) : generateKeyPairSync('ed25519');
    const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const env = { AUTH_MODE: 'jwt', JWT_PUBLIC_KEY: pem, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE };
    await using stack = await startStack({ env });
    const token = await new SignJWT({ scope: 'accounts:read' })
      .setProtectedHeader({ alg })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject('shop')
      .setExpirationTime('5 min')
      .sign(pair.privateKey);
    const { data } = await graphqlCaller(stack.gateway.url, token)(VIEWER);
    expect(data?.['viewer'].scopes).toEqual(['accounts:read']);
  });
});

describe('a token', () => {
  it('that was accepted is refused as soon as it expires, kept or not', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env });
    const token = await issuer.token({}, { expiresIn: 2 });
    expect(await statusOf(stack.gateway.url, token)).toBe(200);
    expect(await statusOf(stack.gateway.url, token)).toBe(200);
    await pause(2_050);
    expect(await statusOf(stack.gateway.url, token)).toBe(401);
  });

  it('is good for as much longer as clocks may differ', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: { ...issuer.env, JWT_CLOCK_SKEW_MS: '60000' } });
    const { url } = stack.gateway;
    expect(await statusOf(url, await issuer.token({}, { expiresIn: -30 }))).toBe(200);
    expect(await statusOf(url, await issuer.token({}, { expiresIn: -61 }))).toBe(401);
    expect(await statusOf(url, await issuer.token({ nbf: Math.floor(Date.now() / 1_000) + 30 }))).toBe(200);
  });

  it('is that of the caller in the log', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env });
    await statusOf(stack.gateway.url, await issuer.token({ sub: 'kagiso-7' }));
    expect(stack.logged()).toContain('"caller":"kagiso-7"');
  });
});

describe('claims', () => {
  const names = { integration: 'https://pay.example/integration', accounts: 'accounts', limits: 'limits' };
  const expiresAt = new Date(0);

  it.each([
    { scope: 'purchases:read openid tokens:read' },
    { scp: ['purchases:read', 'openid', 'tokens:read'] },
    { scopes: ['tokens:read', 'purchases:read'] },
    { scp: 'purchases:read tokens:read' },
  ])('%j gives the scopes that are known here', (told) => {
    const caller = callerOf({ sub: 'shop', ...told }, names, expiresAt);
    expect(caller).toEqual({
      ...{ name: 'shop', scopes: new Set(['purchases:read', 'tokens:read']), expiresAt },
      ...{ integration: undefined, accounts: undefined },
    });
  });

  it('none give no scopes, and of several names the first counts alone', () => {
    expect(callerOf({ sub: 'shop' }, names, expiresAt)).toMatchObject({ scopes: new Set() });
    const both = { sub: 'shop', scope: 'accounts:read', scopes: ['purchases:write'] };
    expect(callerOf(both, names, expiresAt)).toMatchObject({ scopes: new Set(['accounts:read']) });
  });

  it('tell the integration, the accounts and the limits', () => {
    const claims = {
      ...{ sub: 'shop', 'https://pay.example/integration': 'north', accounts: [13209, '13210'] },
      limits: { per_purchase: '500.00', per_day: 5000 },
    };
    expect(callerOf(claims, names, expiresAt)).toMatchObject({
      ...{ integration: 'north', accounts: new Set([13209, 13210]) },
      limits: { perPurchase: '500.00', perDay: '5000' },
    });
    expect(callerOf({ sub: 'shop', accounts: [] }, names, expiresAt)).toMatchObject({ accounts: new Set() });
  });

  it.each([
    { accounts: [1.5] },
    { accounts: ['__proto__'] },
    { accounts: [-1] },
    { limits: { per_day: '-1' } },
    { limits: { per_day: '1e9' } },
    { limits: '500' },
    { limits: [] },
    { scope: { 'accounts:read': true } },
    { sub: '' },
    { sub: 'a'.repeat(256) },
    { sub: '\u202eadmin' },
    { 'https://pay.example/integration': '' },
  ])('%j refuses the whole token', (claims) => {
    expect(callerOf({ sub: 'shop', ...claims }, names, expiresAt)).toMatchObject({ refused: 'invalid' });
  });

  it('are the token’s own: nothing is inherited', () => {
    const claims = { ...names, integration: '__proto__', accounts: 'constructor', limits: 'toString' };
    expect(callerOf({ sub: 'shop' }, claims, expiresAt)).toMatchObject({
      ...{ integration: undefined, accounts: undefined },
    });
  });
});
