import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { z } from 'zod';

import { commaSeparated, milliseconds, text } from './values.ts';

/** Who may call, and how they show who they are. */
export type AuthConfig =
  | { readonly mode: 'none' }
  | { readonly mode: 'api-key' }
  | {
      readonly mode: 'jwt';
      readonly keys:
        | { readonly jwksUrl: string; readonly cacheMs: number; readonly cooldownMs: number }
        /** PEM. */
        | { readonly publicKey: string };
      readonly issuer: string;
      readonly audience: string;
      readonly algorithms: readonly string[];
      readonly clockSkewMs: number;
      readonly claims: { readonly integration: string; readonly accounts: string; readonly limits: string };
    };

/** What of the API may be looked at. */
export interface DiscoveryConfig {
  /** Whether the schema may be asked for. */
  readonly introspection: boolean;
  /** Whether the playground's page is there. */
  readonly graphiql: boolean;
}

/** All asymmetric: with a symmetric one whoever can check a token can make one, and a public key is no secret. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
  ...['EdDSA', 'Ed25519'],
];
const SMALLEST_RSA_BITS = 2_048;
const LONGEST_SKEW_MS = 300_000;
const DAY_MS = 86_400_000;

const onOff = z.enum(['on', 'off'], { error: 'must be on or off' }).optional();

const algorithms = commaSeparated
  .refine((list) => list.length > 0 && list.every((one) => ALGORITHMS.includes(one)), {
    error: `must be some of ${ALGORITHMS.join(',')}: none and the symmetric ones (HS256) would let anybody in`,
  })
  .prefault('RS256,ES256,EdDSA');

/** It is told in headers, where a refused token names the claim. */
const claim = (fallback: string) =>
  z
    .string()
    .regex(
      /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/,
      'must be the name of a claim: ASCII without blanks, quotes and backslashes',
    )
    .default(fallback);

const jwksUrl = text.refine(isTrustworthyUrl, {
  error:
    'must be an https address without user and password, such as https://login.example/.well-known/jwks.json; http only on a loopback address, for whoever can change what it answers can buy',
});

const shape = {
  AUTH_MODE: z
    .enum(['none', 'api-key', 'jwt'], { error: 'must be one of: none, api-key, jwt' })
    .default('none'),
  JWT_JWKS_URL: jwksUrl.optional(),
  JWT_JWKS_CACHE_MS: milliseconds(600_000, 1_000, DAY_MS),
  JWT_JWKS_COOLDOWN_MS: milliseconds(5_000, 100, DAY_MS),
  JWT_PUBLIC_KEY: text.optional(),
  JWT_ISSUER: text.optional(),
  JWT_AUDIENCE: text.optional(),
  JWT_ALGORITHMS: algorithms,
  JWT_CLOCK_SKEW_MS: milliseconds(5_000, 0, LONGEST_SKEW_MS),
  JWT_INTEGRATION_CLAIM: claim('integration'),
  JWT_ACCOUNTS_CLAIM: claim('accounts'),
  JWT_LIMITS_CLAIM: claim('limits'),
  INTROSPECTION: onOff,
  GRAPHIQL: onOff,
};
const environment = z.object(shape);
type Values = z.output<typeof environment>;

/** Every name that is read here. */
export const authNames: readonly string[] = Object.keys(shape);

/** Reads who may call; every fault at once, which names the variable and never its value. */
export function readAuth(env: Readonly<Record<string, string | undefined>>): {
  readonly config?: { readonly auth: AuthConfig; readonly discovery: DiscoveryConfig };
  readonly faults: readonly string[];
} {
  const parsed = environment.safeParse(env);
  if (!parsed.success)
    return { faults: parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`) };
  const faults: string[] = [];
  const auth = authOf(parsed.data, faults);
  if (auth === undefined || faults.length > 0) return { faults };
  const open = auth.mode === 'none';
  const { INTROSPECTION, GRAPHIQL } = parsed.data;
  const discovery = {
    introspection: INTROSPECTION === undefined ? open : INTROSPECTION === 'on',
    // Where only known operations are run, it could run none.
    graphiql: GRAPHIQL === undefined ? open && env['PERSISTED_OPERATIONS_ONLY'] !== 'on' : GRAPHIQL === 'on',
  };
  return { config: { auth, discovery }, faults };
}

function authOf(values: Values, faults: string[]): AuthConfig | undefined {
  if (values.AUTH_MODE !== 'jwt') {
    for (const name of ['JWT_JWKS_URL', 'JWT_PUBLIC_KEY', 'JWT_ISSUER', 'JWT_AUDIENCE'] as const) {
      if (values[name] !== undefined)
        faults.push(
          `${name} is set, but AUTH_MODE is ${values.AUTH_MODE}: set AUTH_MODE=jwt, or leave it out`,
        );
    }
    return { mode: values.AUTH_MODE };
  }
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = values;
  if (issuer === undefined) faults.push('JWT_ISSUER is missing: AUTH_MODE=jwt needs the iss of the tokens');
  if (audience === undefined)
    faults.push('JWT_AUDIENCE is missing: AUTH_MODE=jwt needs the aud that the tokens have for this gateway');
  const source = sourceOf(values, faults);
  if (issuer === undefined || audience === undefined || source === undefined) return undefined;
  return {
    ...{ mode: 'jwt', issuer, audience, ...source },
    clockSkewMs: values.JWT_CLOCK_SKEW_MS,
    claims: {
      integration: values.JWT_INTEGRATION_CLAIM,
      accounts: values.JWT_ACCOUNTS_CLAIM,
      limits: values.JWT_LIMITS_CLAIM,
    },
  };
}

function sourceOf(values: Values, faults: string[]) {
  const { JWT_JWKS_URL: url, JWT_PUBLIC_KEY: given, JWT_ALGORITHMS: wanted } = values;
  if ((url === undefined) === (given === undefined)) {
    faults.push('JWT_JWKS_URL or JWT_PUBLIC_KEY: AUTH_MODE=jwt needs exactly one of them');
    return undefined;
  }
  if (url !== undefined) {
    const { JWT_JWKS_CACHE_MS: cacheMs, JWT_JWKS_COOLDOWN_MS: cooldownMs } = values;
    return { keys: { jwksUrl: url, cacheMs, cooldownMs }, algorithms: wanted };
  }
  try {
    const publicKey = pemOf(given ?? '');
    const fitting = algorithmsOf(createPublicKey(publicKey));
    const usable = wanted.filter((one) => fitting.includes(one));
    if (usable.length > 0) return { keys: { publicKey }, algorithms: usable };
    faults.push(`JWT_ALGORITHMS names none that JWT_PUBLIC_KEY can be used with: ${fitting.join(', ')}`);
  } catch (error) {
    faults.push(`JWT_PUBLIC_KEY ${error instanceof KeyFault ? error.message : 'is no public key in PEM'}`);
  }
  return undefined;
}

class KeyFault extends Error {}

/** PEM as it is, with its line breaks written as \n as some tools do, or the path of a file that holds it. */
function pemOf(given: string): string {
  const pem = given.startsWith('-----BEGIN') ? given.replaceAll('\\n', '\n') : read(given);
  if (pem.includes('PRIVATE KEY'))
    throw new KeyFault('is a private key: it belongs to the issuer alone. Give the public one');
  return pem;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new KeyFault('is neither PEM (-----BEGIN PUBLIC KEY-----) nor the path of a file that can be read');
  }
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    if (modulusLength < SMALLEST_RSA_BITS)
      throw new KeyFault(`has ${modulusLength} bits: an RSA key needs at least ${SMALLEST_RSA_BITS}`);
    return ALGORITHMS.filter((one) => /^[RP]S/.test(one));
  }
  if (key.asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519'];
  const ofCurve = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }[namedCurve];
  if (ofCurve !== undefined) return [ofCurve];
  throw new KeyFault('must be an RSA, P-256, P-384, P-521 or Ed25519 key');
}

function isTrustworthyUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[(.*)\]$/, '$1')));
}

/** Whether a host is this machine, and reachable by nobody else. */
export function isLoopback(host: string): boolean {
  return /^(localhost|::1|127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(host);
}
