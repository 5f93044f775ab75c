import { generateKeyPairSync, type KeyObject } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { ConfigError, loadConfig } from '../../src/config.ts';

const good = {
  SCRATCHPOWER_BASE_URL: 'https://api.staging.scratchpower.com',
  SCRATCHPOWER_CLIENT_ID: 'id',
  SCRATCHPOWER_CLIENT_SECRET: 'hush-hush',
  SCRATCHPOWER_USERNAME: 'user',
  SCRATCHPOWER_PASSWORD: 'pass-word',
  SCRATCHPOWER_ORG_CODE: 'ORG',
};
const issuer = { AUTH_MODE: 'jwt', JWT_ISSUER: 'https://login.example', JWT_AUDIENCE: 'gateway' };
const jwks = { ...issuer, JWT_JWKS_URL: 'https://login.example/jwks.json' };

function faults(env: Record<string, string>): string {
  try {
    loadConfig({ ...good, ...env });
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.join('\n');
    throw error;
  }
  return '';
}

const pem = (key: KeyObject) =>
  key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString();
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const odd = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });

describe('the environment of AUTH_MODE=jwt', () => {
  it('needs issuer, audience and keys; the rest has the defaults of the README', () => {
    expect(loadConfig({ ...good, ...jwks })).toMatchObject({
      auth: {
        ...{ mode: 'jwt', issuer: 'https://login.example', audience: 'gateway', clockSkewMs: 5_000 },
        keys: { jwksUrl: 'https://login.example/jwks.json', cacheMs: 600_000, cooldownMs: 5_000 },
        algorithms: ['RS256', 'ES256', 'EdDSA'],
        claims: { integration: 'integration', accounts: 'accounts', limits: 'limits' },
      },
      discovery: { introspection: false, graphiql: false },
    });
    const told = faults({ AUTH_MODE: 'jwt' });
    for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_JWKS_URL or JWT_PUBLIC_KEY'])
      expect(told).toContain(name);
  });

  it('takes one public key, and of the algorithms those that it can be used with', () => {
    const { auth } = loadConfig({ ...good, ...issuer, JWT_PUBLIC_KEY: pem(ec.publicKey) });
    expect(auth).toMatchObject({ keys: { publicKey: pem(ec.publicKey).trim() }, algorithms: ['ES256'] });
  });

  it.each([
    [{ ...jwks, JWT_PUBLIC_KEY: pem(ec.publicKey) }, 'exactly one'],
    [{ ...jwks, JWT_JWKS_URL: 'http://login.example/jwks.json' }, 'JWT_JWKS_URL must be an https address'],
    [{ ...jwks, JWT_JWKS_URL: 'https://user:hush-hush@login.example/' }, 'JWT_JWKS_URL'],
    [{ ...jwks, JWT_JWKS_URL: 'file:///etc/keys' }, 'JWT_JWKS_URL'],
    [{ ...jwks, JWT_JWKS_URL: 'nowhere' }, 'JWT_JWKS_URL'],
    [{ ...jwks, JWT_ALGORITHMS: 'none' }, 'JWT_ALGORITHMS must be some of'],
    [{ ...jwks, JWT_ALGORITHMS: 'RS256,HS256' }, 'JWT_ALGORITHMS'],
    [{ ...jwks, JWT_ALGORITHMS: ',' }, 'JWT_ALGORITHMS'],
    [{ ...jwks, JWT_ALGORITHMS: 'rs256' }, 'JWT_ALGORITHMS'],
    [{ ...jwks, JWT_CLOCK_SKEW_MS: '300001' }, 'JWT_CLOCK_SKEW_MS'],
    [{ ...jwks, JWT_CLOCK_SKEW_MS: '-1' }, 'JWT_CLOCK_SKEW_MS'],
    [{ ...jwks, JWT_JWKS_COOLDOWN_MS: '0' }, 'JWT_JWKS_COOLDOWN_MS'],
    [{ ...jwks, JWT_JWKS_CACHE_MS: 'ten' }, 'JWT_JWKS_CACHE_MS'],
    [{ ...jwks, JWT_INTEGRATION_CLAIM: 'a "b"' }, 'JWT_INTEGRATION_CLAIM'],
    [{ ...jwks, INTROSPECTION: 'true' }, 'INTROSPECTION must be on or off'],
    [{ ...jwks, GRAPHIQL: 'yes' }, 'GRAPHIQL must be on or off'],
    [{ ...issuer, JWT_PUBLIC_KEY: '/nowhere/key.pem' }, 'path of a file'],
    [{ ...issuer, JWT_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\nhush' }, 'JWT_PUBLIC_KEY is no public key'],
    [{ ...issuer, JWT_PUBLIC_KEY: pem(ec.privateKey) }, 'private key'],
    [{ ...issuer, JWT_PUBLIC_KEY: pem(weak.publicKey) }, '1024 bits'],
    [{ ...issuer, JWT_PUBLIC_KEY: pem(odd.publicKey) }, 'P-256'],
    [{ ...issuer, JWT_PUBLIC_KEY: pem(ec.publicKey), JWT_ALGORITHMS: 'RS256' }, 'ES256'],
    [{ JWT_ISSUER: 'https://login.example' }, 'JWT_ISSUER is set, but AUTH_MODE is none'],
    [{ AUTH_MODE: 'api-key', JWT_AUDIENCE: 'x' }, 'JWT_AUDIENCE is set, but AUTH_MODE is api-key'],
    [{ AUTH_MODE: 'hmac' }, 'AUTH_MODE must be one of: none, api-key, jwt'],
  ])('%j is refused, and says %s', (env: Record<string, string>, told) => {
    const said = faults(env);
    expect(said).toContain(told);
    expect(said).not.toContain('hush');
  });

  it('lets the keys come over http on a loopback address, and the gateway listen anywhere', () => {
    for (const host of ['127.0.0.1:8080', 'localhost', '[::1]:8080'])
      expect(faults({ ...jwks, JWT_JWKS_URL: `http://${host}/jwks.json`, HOST: '0.0.0.0' })).toBe('');
    expect(faults({ AUTH_MODE: 'api-key', HOST: '::' })).toBe('');
  });
});
