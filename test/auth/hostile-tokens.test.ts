import { createHmac, createPublicKey } from 'node:crypto';
import { request } from 'node:http';

import { exportSPKI } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  AUDIENCE,
  everyScope,
  ISSUER,
  jwkOf,
  newSigningKey,
  startIssuer,
  type Issuer,
} from '../support/issuer.ts';
import { startStack, type Stack } from '../support/stack.ts';

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const soon = () => Math.floor(Date.now() / 1_000) + 300;
const claims = () => ({ iss: ISSUER, aud: AUDIENCE, sub: 'mallory', scope: everyScope, exp: soon() });

let issuer: Issuer;
let stack: Stack;
beforeAll(async () => {
  issuer = await startIssuer();
  stack = await startStack({ env: issuer.env });
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

interface Refused {
  readonly status: number;
  readonly challenge: string;
  readonly body: string;
}

/** Sends exactly these headers, also several of one name. */
function send(...authorization: string[]): Promise<Refused> {
  return new Promise((resolve, reject) => {
    const headers = [
      ...['Host', new URL(stack.gateway.url).host, 'Content-Type', 'application/json'],
      ...authorization.flatMap((value) => ['Authorization', value]),
    ];
    const sent = request(`${stack.gateway.url}/graphql`, { method: 'POST', headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          challenge: String(response.headers['www-authenticate']),
          body,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ query: '{ viewer { scopes } }' }));
  });
}

const stranger = newSigningKey('first');
const bySomebodyElse = 'The token is not signed with a key that is trusted here.';
const inAnotherWay = 'The token is signed in a way that is not accepted here.';
const unreadable = 'This is no token that can be read.';

/** How each attack is told; all of them are 401 and `invalid_token`. */
const attacks: Record<string, { token: () => Promise<string> | string; told: string }> = {
  'alg none': {
    token: () => `${encoded({ alg: 'none', typ: 'JWT' })}.${encoded(claims())}.`,
    told: inAnotherWay,
  },
  'alg None, with a signature': {
    token: () => `${encoded({ alg: 'None' })}.${encoded(claims())}.c2ln`,
    told: inAnotherWay,
  },
  'HS256 with the public key as the secret (CVE-2015-9235)': {
    token: async () => {
      const pem = await exportSPKI(
        createPublicKey(issuer.key.publicKey.export({ format: 'pem', type: 'spki' })),
      );
      const signed = `${encoded({ alg: 'HS256', kid: 'first' })}.${encoded(claims())}`;
      return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
    },
    told: inAnotherWay,
  },
  'an algorithm that is not allowed': {
    token: () => `${encoded({ alg: 'PS512', kid: 'first' })}.${encoded(claims())}.c2ln`,
    told: inAnotherWay,
  },
  'a key of somebody else under our kid': {
    token: () => issuer.token({}, { key: stranger }),
    told: bySomebodyElse,
  },
  'a kid that nobody has': {
    token: () => issuer.token({}, { header: { kid: 'nobody' } }),
    told: bySomebodyElse,
  },
  'a kid that is a path': {
    token: () => issuer.token({}, { key: stranger, header: { kid: '../../../../dev/null' } }),
    told: bySomebodyElse,
  },
  'a kid that is SQL': {
    token: () => issuer.token({}, { key: stranger, header: { kid: "' or '1'='1" } }),
    told: bySomebodyElse,
  },
  'a kid that is __proto__': {
    token: () => issuer.token({}, { key: stranger, header: { kid: '__proto__' } }),
    told: bySomebodyElse,
  },
  'an embedded jwk (CVE-2018-0114)': {
    token: async () => issuer.token({}, { key: stranger, header: { jwk: await jwkOf(stranger) } }),
    told: bySomebodyElse,
  },
  'a jku of the attacker': {
    token: () =>
      issuer.token({}, { key: stranger, header: { jku: `${issuer.env['JWT_JWKS_URL']}?evil`, kid: 'evil' } }),
    told: bySomebodyElse,
  },
  'an x5u of the attacker': {
    token: () => issuer.token({}, { key: stranger, header: { x5u: 'http://127.0.0.1:1/cert.pem' } }),
    told: bySomebodyElse,
  },
  'a critical header that nobody knows': {
    token: () =>
      `${encoded({ alg: 'ES256', kid: 'first', crit: ['exp2'], exp2: 1 })}.${encoded(claims())}.c2ln`,
    told: inAnotherWay,
  },
  'another payload under a good signature': {
    token: async () => {
      const [header = '', , signature = ''] = (await issuer.token({ scope: '' })).split('.');
      return `${header}.${encoded(claims())}.${signature}`;
    },
    told: bySomebodyElse,
  },
  'no signature': {
    token: async () => (await issuer.token()).replace(/\.[^.]+$/, '.'),
    told: bySomebodyElse,
  },
  'another audience': {
    token: () => issuer.token({ aud: 'another-service' }),
    told: 'The token is for another audience (aud).',
  },
  'an audience that begins like ours': {
    token: () => issuer.token({ aud: [`${AUDIENCE}.evil.example`] }),
    told: 'The token is for another audience (aud).',
  },
  'no audience': { token: () => issuer.token({ aud: undefined }), told: 'The token lacks the claim aud.' },
  'another issuer': {
    token: () => issuer.token({ iss: `${ISSUER}.evil.example` }),
    told: 'The token is of another issuer (iss).',
  },
  'no issuer': { token: () => issuer.token({ iss: undefined }), told: 'The token lacks the claim iss.' },
  expired: { token: () => issuer.token({}, { expiresIn: -1 }), told: 'The token has expired.' },
  'not yet valid': {
    token: () => issuer.token({ nbf: soon() }),
    told: 'The token is not valid yet (nbf).',
  },
  'no exp': { token: () => issuer.token({}, { expiresIn: null }), told: 'The token lacks the claim exp.' },
  'exp as text': { token: () => issuer.token({ exp: '9999999999' }), told: 'The claim exp cannot be read.' },
  'exp beyond all time': { token: () => issuer.token({ exp: 1e300 }), told: 'The claim exp cannot be read.' },
  'no sub': { token: () => issuer.token({ sub: undefined }), told: 'The token lacks the claim sub.' },
  'a sub that breaks the line of the log': {
    token: () => issuer.token({ sub: 'shop\n{"level":"info"}' }),
    told: 'The claim sub cannot be read.',
  },
  'scopes that are a number': {
    token: () => issuer.token({ scope: 7 }),
    told: 'The claim scope cannot be read.',
  },
  'accounts that are text': {
    token: () => issuer.token({ accounts: '13209' }),
    told: 'The claim accounts cannot be read.',
  },
  'accounts that are null': {
    token: () => issuer.token({ accounts: null }),
    told: 'The claim accounts cannot be read.',
  },
  'an integration that is a list': {
    token: () => issuer.token({ integration: ['a', 'b'] }),
    told: 'The claim integration cannot be read.',
  },
  'a limit that is misspelt': {
    token: () => issuer.token({ limits: { perPurchase: '500.00' } }),
    told: 'The claim limits cannot be read.',
  },
  'a limit that is a float': {
    token: () => issuer.token({ limits: { per_day: 0.1 } }),
    told: 'The claim limits cannot be read.',
  },
  huge: {
    token: () => issuer.token({ scope: 'x'.repeat(9_000) }),
    told: 'The token is longer than 8192 characters.',
  },
  'five parts, as an encrypted one has': { token: () => 'a.b.c.d.e', told: unreadable },
  garbage: { token: () => 'garbage', told: unreadable },
  dots: { token: () => '...', told: unreadable },
  'JSON that is none': {
    token: () => `${Buffer.from('{').toString('base64url')}.${encoded(claims())}.c2ln`,
    told: unreadable,
  },
  'an API key': { token: () => `sp_${'a'.repeat(16)}_${'b'.repeat(64)}`, told: unreadable },
};

describe('a hostile token', () => {
  it.each(Object.entries(attacks))('%s is refused with its answer', async (_name, { token, told }) => {
    const sent = await token();
    const { status, challenge, body } = await send(`Bearer ${sent}`);
    expect(status).toBe(401);
    expect(challenge).toBe(`Bearer realm="scratchpower", error="invalid_token", error_description="${told}"`);
    expect(JSON.parse(body)).toEqual({
      errors: [{ message: told, extensions: { code: 'UNAUTHENTICATED', retryable: false } }],
    });
    // Each a second time, past whatever was kept of the first.
    expect((await send(`Bearer ${sent}`)).status).toBe(401);
  });

  it('the good one passes, or none of these tests says anything', async () => {
    const { status, body } = await send(`Bearer ${await issuer.token()}`);
    expect([status, body]).toEqual([200, expect.stringContaining('tokens:read')]);
    expect((await send(`bearer  ${await issuer.token()}`)).status).toBe(200);
  });

  it('no credentials are a challenge without an error code (RFC 6750)', async () => {
    for (const sent of [[], ['Basic dXNlcjpwYXNz'], ['']]) {
      const { status, challenge, body } = await send(...sent);
      expect([status, challenge]).toEqual([401, 'Bearer realm="scratchpower"']);
      expect(JSON.parse(body).errors[0].extensions.code).toBe('UNAUTHENTICATED');
    }
  });

  it('two Authorization headers are refused, whichever of them is good', async () => {
    const good = `Bearer ${await issuer.token()}`;
    for (const sent of [
      [good, 'Bearer garbage'],
      ['Bearer garbage', good],
      [good, good],
    ]) {
      const { status, challenge } = await send(...sent);
      expect([status, challenge]).toEqual([400, expect.stringContaining('error="invalid_request"')]);
    }
  });

  it('what is no token at all is a malformed request', async () => {
    for (const sent of ['Bearer', 'Bearer a b', 'Bearer "x"', 'Bearer ä'])
      expect((await send(sent)).status).toBe(400);
  });

  it('none of them asked anything of the upstream, or stands in the log', async () => {
    const before = stack.sandbox.calls.length;
    const sent = await Promise.all(Object.values(attacks).map(async ({ token }) => token()));
    for (const token of sent) await send(`Bearer ${token}`);
    expect(stack.sandbox.calls).toHaveLength(before);
    const log = stack.logged();
    expect(log).toContain('a caller was refused');
    for (const token of [...sent, await issuer.token()])
      for (const part of token.split('.').filter((one) => one.length > 12)) expect(log).not.toContain(part);
  });
});
