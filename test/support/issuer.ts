import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';

import { exportJWK, SignJWT, type JWK } from 'jose';

/** What the gateway is told of it, and what its tokens say. */
export const ISSUER = 'https://login.example';
export const AUDIENCE = 'scratchpower-gateway';
export const everyScope = 'accounts:read purchases:read purchases:write tokens:read';

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function newSigningKey(kid: string): SigningKey {
  return { kid, ...generateKeyPairSync('ec', { namedCurve: 'prime256v1' }) };
}

export interface TokenOptions {
  readonly key?: SigningKey;
  /** Seconds from now; null for a token without it. */
  readonly expiresIn?: number | null;
  readonly header?: object;
}

export interface Issuer extends AsyncDisposable {
  /** The environment of a gateway that trusts it. */
  readonly env: Record<string, string>;
  readonly key: SigningKey;
  /** How often its keys were fetched. */
  readonly fetches: () => number;
  /** What it answers instead of its keys; undefined: its keys again. */
  answer(status: number | undefined): void;
  /** Replaces its keys. */
  publish(...keys: SigningKey[]): void;
  token(claims?: object, options?: TokenOptions): Promise<string>;
}

/** An issuer of access tokens, over real HTTP. */
export async function startIssuer(): Promise<Issuer> {
  const key = newSigningKey('first');
  let published = [key];
  let fetches = 0;
  let status: number | undefined;
  const server = createServer((_request, response) => {
    fetches += 1;
    if (status !== undefined) {
      response.writeHead(status).end('{"keys":[]}');
      return;
    }
    void Promise.all(published.map(jwkOf)).then((keys) => response.end(JSON.stringify({ keys })));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    key,
    env: {
      AUTH_MODE: 'jwt',
      JWT_JWKS_URL: `http://127.0.0.1:${port}/jwks.json`,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      JWT_CLOCK_SKEW_MS: '0',
      JWT_JWKS_COOLDOWN_MS: '100',
      // Tests send many bad tokens from one address.
      RATE_LIMIT_REFUSED_PER_MINUTE: '0',
    },
    fetches: () => fetches,
    answer: (wanted) => (status = wanted),
    publish: (...keys) => (published = keys),
    token: (claims, options) => signedToken(key, claims, options),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A good one, but for what is asked otherwise. A claim that is undefined is left out. */
export async function signedToken(
  own: SigningKey,
  claims: object = {},
  { key = own, expiresIn = 300, header = {} }: TokenOptions = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const payload: Record<string, unknown> = {
    ...{ iss: ISSUER, aud: AUDIENCE, sub: 'shop-frontend', scope: everyScope, iat: now },
    ...(expiresIn !== null && { exp: now + expiresIn }),
    ...claims,
  };
  const known = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  return new SignJWT(known)
    .setProtectedHeader({ alg: 'ES256', kid: key.kid, ...header })
    .sign(key.privateKey);
}

export async function jwkOf({ publicKey, kid }: SigningKey): Promise<JWK> {
  return { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'ES256' };
}
