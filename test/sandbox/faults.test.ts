import { describe, expect, it } from 'vitest';

import type { FaultRequest } from '../../sandbox/sandbox.ts';
import { faultKinds } from '../../sandbox/faults.ts';
import { call, eventually, login, open, surfaces, told, type Reply } from './raw-client.ts';

type Kind = (typeof faultKinds)[number];

/** What the caller of a confirm sees of each fault, and how often it was debited in the end. */
const effects: Record<Kind, { options?: object; seen: RegExp; debits: number }> = {
  delay_before: { options: { delayMs: 5 }, seen: /^200 SUCCESS$/, debits: 1 },
  delay_after: { options: { delayMs: 5 }, seen: /^200 SUCCESS$/, debits: 1 },
  drop_before: { seen: /^no answer$/, debits: 0 },
  drop_after: { seen: /^no answer$/, debits: 1 },
  html_error: { seen: /^502 <html>/, debits: 1 },
  garbage: { seen: /^200 %%%/, debits: 1 },
  cut_off: { seen: /^no answer$/, debits: 1 },
  empty: { seen: /^200 $/, debits: 1 },
  rate_limit: { options: { retryAfterSeconds: 7 }, seen: /^429 .* after 7$/, debits: 0 },
  unauthorized: { seen: /^401 /, debits: 0 },
  pending: { seen: /^200 PENDING$/, debits: 0 },
  failed: { seen: /^200 FAILED$/, debits: 0 },
  trickle: { options: { delayMs: 0 }, seen: /^200 SUCCESS$/, debits: 1 },
  late_landing: { options: { delayMs: 20 }, seen: /^no answer$/, debits: 1 },
  extra_fields: { seen: /^200 SUCCESS$/, debits: 1 },
  missing_optional: { seen: /^200 SUCCESS$/, debits: 1 },
  error: { options: { status: 503, code: 'busy', retryable: true }, seen: /^503 .*busy/, debits: 0 },
  huge: { options: { bytes: 5_000 }, seen: /^200 \{"padding":"x{5000}"\}$/, debits: 1 },
};

describe.each(surfaces)('a fault of a confirm on %s', (surface) => {
  it.each(faultKinds)('%s', async (kind) => {
    const { options, seen, debits } = effects[kind];
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    sandbox.addFault({ endpoint: 'confirm', kind, ...options });
    const see = (reply: Reply) => {
      const after = reply.headers.get('retry-after');
      const status: unknown = reply.status === 200 ? told200(reply) : reply.text;
      return `${reply.status} ${String(status)}${after === null ? '' : ` after ${after}`}`;
    };
    const told200 = (reply: Reply) => {
      const transaction = surface === 'v1' ? reply.body : (reply.body['transaction'] ?? {});
      return transaction.status ?? reply.text;
    };
    const outcome = await buy({ external_reference: 'r' }).then(see, () => 'no answer');
    expect(outcome).toMatch(seen);
    await eventually(() => sandbox.ledger.length).toBe(debits);
    expect(sandbox.calls.at(-1)).toMatchObject({ fault: kind, externalReference: 'r' });
    expect(told(surface, await buy()).status).toBe('SUCCESS');
    expect(sandbox.ledger).toHaveLength(debits + 1);
  });

  it('html_error can strike before the processing too', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    sandbox.addFault({ endpoint: 'confirm', kind: 'html_error', processed: false, status: 500 });
    expect((await buy()).status).toBe(500);
    expect(sandbox.ledger).toHaveLength(0);
  });

  it('extra_fields and missing_optional change no more than they say', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, surface);
    sandbox.addFault({ endpoint: 'validate', kind: 'extra_fields' });
    sandbox.addFault({ endpoint: 'validate', kind: 'missing_optional' });
    const extra = await buy({}, 'validate');
    const less = await buy({}, 'validate');
    const plain = await buy({}, 'validate');
    expect(extra.body).toMatchObject(plain.body);
    expect(Object.keys(extra.body).length).toBeGreaterThan(Object.keys(plain.body).length);
    expect(plain.body).toMatchObject(less.body);
    expect(less.body['transaction']).toEqual({ total: 'BWP 102.50' });
  });
});

describe('missing_optional on v1', () => {
  it('leaves products and accounts their names, and an error its code', async () => {
    const sandbox = await open();
    const { get, buy } = await login(sandbox, 'v1');
    const whole = await get('/v1/accounts');
    sandbox.addFault({ endpoint: '*', kind: 'missing_optional', count: null });
    const providers = [{ code: 'WUC', name: 'Water Utilities Corporation' }];
    const products = (await get('/v1/vas-products')).body['list'];
    expect(products[2]).toEqual({ product_type: 'WATER', display_name: 'Water', providers });
    expect((await get('/v1/accounts')).body).toEqual(whole.body);
    const { error } = (await buy({ meter: '04040404081' })).body;
    expect(Object.keys(error).sort()).toEqual(['code', 'message', 'request_id', 'retryable', 'type']);
  });
});

describe('a fault', () => {
  it('strikes as often as it says, and others of its endpoint wait behind it', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    sandbox.addFault({ endpoint: 'confirm', kind: 'unauthorized', count: 2 });
    sandbox.addFault({ endpoint: 'confirm', kind: 'rate_limit' });
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await buy()).status);
    expect(statuses).toEqual([401, 401, 429, 200]);
    expect(sandbox.faults).toEqual([]);
  });

  it('without a count strikes until it is cleared', async () => {
    const sandbox = await open();
    const { buy } = await login(sandbox, 'v1');
    sandbox.addFault({ endpoint: '*', kind: 'rate_limit', count: null });
    for (let n = 0; n < 3; n += 1) expect((await buy()).status).toBe(429);
    sandbox.clearFaults();
    expect((await buy()).status).toBe(200);
  });

  it.each<[string, Partial<FaultRequest>]>([
    ['surface', { surface: 'current' }],
    ['subscriber', { subscriber: '0404040404000' }],
    ['reference', { externalReference: 'struck' }],
    ['endpoint', { endpoint: 'validate' }],
  ])('strikes only the %s that it names', async (_name, only) => {
    const sandbox = await open();
    sandbox.addFault({ endpoint: 'confirm', kind: 'rate_limit', ...only });
    const v1 = await login(sandbox, 'v1');
    const current = await login(sandbox, 'current');
    expect((await v1.buy({ external_reference: 'spared' })).status).toBe(200);
    expect(sandbox.faults).toHaveLength(1);
    const struck = [
      await current.buy({ meter: '0404040404000', external_reference: 'struck' }),
      await v1.buy({}, 'validate'),
    ];
    expect(struck.map(({ status }) => status)).toContain(429);
  });

  it.each(['login', 'refresh', 'me', 'accounts', 'products', 'validate', 'retry'] as const)(
    'strikes %s too',
    async (endpoint) => {
      const sandbox = await open();
      const session = await login(sandbox, 'v1');
      sandbox.addFault({ endpoint, kind: 'html_error' });
      const url = (path: string) => sandbox.url + path;
      const calls = {
        login: () => call(url('/v1/auth/login'), { json: {} }),
        refresh: () => call(url('/v1/auth/refresh'), { json: {} }),
        me: () => session.get('/v1/auth/me'),
        accounts: () => session.get('/v1/accounts'),
        products: () => session.get('/v1/vas-products'),
        validate: () => session.buy({}, 'validate'),
        retry: () => session.retry('r'),
      };
      expect((await calls[endpoint]()).status).toBe(502);
    },
  );
});
