import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';

import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox.ts';

/** ScratchPower's endpoints as the contract names them, and nothing of the gateway's own code. */
export const paths = {
  v1: {
    login: '/v1/auth/login',
    refresh: '/v1/auth/refresh',
    me: '/v1/auth/me',
    validate: '/v1/purchases/validate',
    confirm: '/v1/purchases/confirm',
    retry: '/v1/purchases/retry',
  },
  current: {
    login: '/auth/login',
    refresh: '/auth/refresh',
    me: '/auth/me',
    validate: '/api/topup/validate',
    confirm: '/api/topup/confirm',
    retry: '/api/topup/retry',
  },
} as const;
export type Surface = keyof typeof paths;
export const surfaces = ['v1', 'current'] as const;

const body = z.record(z.string(), z.any());
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, any>;
  readonly text: string;
}

export async function open(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** Waits for what comes by itself. Its time runs out only where it never comes, also on a busy machine. */
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000, interval: 10 });

export async function call(
  url: string,
  {
    method,
    json,
    token,
    headers,
  }: { method?: string; json?: unknown; token?: string; headers?: object } = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method: method ?? (json === undefined ? 'GET' : 'POST'),
    headers: {
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: typeof json === 'string' ? json : JSON.stringify(json) }),
  });
  const text = await response.text();
  const parsed: unknown = (response.headers.get('content-type') ?? '').includes('json') ? parse(text) : {};
  const object = Array.isArray(parsed) ? { list: parsed } : parsed;
  return { status: response.status, headers: response.headers, body: body.catch({}).parse(object), text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

export const loginBody = ({ credentials }: Pick<Sandbox, 'credentials'>) => ({
  client_id: credentials.clientId,
  client_secret: credentials.clientSecret,
  grant_type: 'password',
  identifier: credentials.username,
  secret_pass: credentials.password,
  org_code: credentials.orgCode,
  source_channel: 'WEB',
});

export const refreshBody = ({ credentials }: Sandbox, refresh_token: string) => ({
  client_id: credentials.clientId,
  client_secret: credentials.clientSecret,
  grant_type: 'refresh_token',
  refresh_token,
  source_channel: 'WEB',
});

/** A session on a surface. */
export async function login(sandbox: Sandbox, surface: Surface) {
  const { body } = await call(sandbox.url + paths[surface].login, { json: loginBody(sandbox) });
  const { access_token: token } = z.object({ access_token: z.string() }).parse(body);
  const post = (endpoint: 'validate' | 'confirm' | 'retry', json: unknown) =>
    call(sandbox.url + paths[surface][endpoint], { json, token });
  return {
    token,
    post,
    get: (path: string) => call(sandbox.url + path, { token }),
    /** Electricity on the happy meter unless told otherwise, in the surface's own words. */
    buy: (change: Change = {}, endpoint: 'validate' | 'confirm' = 'confirm') =>
      post(endpoint, purchase(surface, change)),
    retry: (external_reference: string) =>
      post('retry', { external_reference, source_channel: 'WEB', language: 'en-BW' }),
  };
}

export type Change = Record<string, unknown> & { meter?: string };

export function purchase(surface: Surface, change: Change = {}): object {
  const { meter = '04040404040', ...rest } = change;
  const common = {
    source_channel: 'WEB',
    language: 'en-BW',
    debited_account_id: 13209,
    beneficiary_phone_number: '26771436390',
    amount: 100,
    currency: 'BWP',
    ...rest,
  };
  if (surface === 'current') return { ...common, meter_number: meter, date: '2026-11-23 12:00:00' };
  return { product_type: 'ELECTRICITY', provider_code: 'BPC', subscriber_identifier: meter, ...common };
}

/** What an answer tells of a transaction, whichever surface it came from. */
export function told(surface: Surface, { body: answer }: Reply) {
  const transaction = surface === 'v1' ? answer : answer['transaction'];
  const charges = answer['transaction'];
  const tokens: string[] = transaction.token === null ? [] : String(transaction.token ?? '').split('|');
  return { status: transaction.status, reference: transaction.reference, tokens, charges };
}

/** An error's code and sentence: v1's own, on Current the number. */
export function errorOf(surface: Surface, { body: answer }: Reply) {
  return surface === 'v1'
    ? { code: answer['error']?.code, message: answer['error']?.message }
    : { code: answer['response_code'], message: answer['response_message'] };
}
