import { describe, expect, it } from 'vitest';

import { identityOf, me as meOnCurrent } from '../../src/datasources/current/wire.ts';
import { accounts, me, priced, products } from '../../src/datasources/v1/wire.ts';
import { errorBody, read, successBody, surfaceNames, TOKEN } from './reading.ts';

describe('v1’s lists', () => {
  it('accounts are in order of rank; what nobody knows is OTHER, and what is missing is no fault', () => {
    const wire = [
      { id: 2, currency: 'BWP', category: 'SAVINGS', rank: 2, x_new: 1 },
      { id: 1, currency: 'BWP', category: 'CURRENT', rank: 1, balance: 'BWP 5.00', name: 'Wallet' },
    ];
    const [first, second] = accounts.parse(wire);
    expect(first).toMatchObject({ id: 1, name: 'Wallet', balance: { currency: 'BWP' } });
    expect(second).toEqual({
      ...{ id: 2, name: '2', currency: 'BWP', category: 'OTHER', type: 'WALLET', status: 'ACTIVE' },
      ...{ rank: 2, balance: null },
    });
  });

  it.each([
    ['no list', undefined],
    ['an object', {}],
    ['an account without an id', [{ currency: 'BWP' }]],
    ['an account without a currency', [{ id: 1 }]],
  ])('%s is no list of accounts', (_what, wire) => {
    expect(accounts.safeParse(wire).success).toBe(false);
  });

  it('products may lack every optional field, and one of an unknown type is passed over', () => {
    const parsed = products.parse([
      { product_type: 'ELECTRICITY', subscriber_id_min_length: null, providers: [{ code: 'BPC' }] },
      { product_type: 'HYDROGEN', providers: [] },
      'nonsense',
    ]);
    expect(parsed).toEqual([
      {
        ...{ type: 'ELECTRICITY', displayName: 'ELECTRICITY', surfaces: ['V1'] },
        subscriberId: { label: null, minLength: null, maxLength: null, pattern: null, hint: null },
        providers: [{ code: 'BPC', name: 'BPC' }],
      },
    ]);
  });

  it('who one is needs a name only', () => {
    const least = { username: 'u', role: null, roles: [], organisation: null };
    expect(me.parse({ username: 'u', roles: 'odd', organisation: {} })).toEqual(least);
    expect(meOnCurrent.parse({ username: 'u' })).toMatchObject({ username: 'u', accounts: [] });
    expect(me.safeParse({ username: '' }).success).toBe(false);
  });

  it('a price may lack every part', () => {
    const nothing = { entry: null, net: null, total: null, charge: null, commission: null };
    expect(priced.parse({ transaction: {} })).toEqual({ transaction: nothing });
  });
});

describe.each(surfaceNames)('a success of %s', (surface) => {
  it('is read whole', () => {
    const reading = read(surface, 'CONFIRM', 200, successBody(surface));
    expect(JSON.parse(JSON.stringify(reading))).toEqual({
      outcome: 'SUCCEEDED',
      vend: {
        upstreamReference: 'SP2406180000012',
        subscriber: { identifier: '04040404040', name: 'K. MOTHIBI', address: 'PLOT 50370, GABORONE' },
        charges: {
          entry: { currency: 'BWP', amount: '100' },
          net: { currency: 'BWP', amount: '100' },
          total: { currency: 'BWP', amount: '102.5' },
          charge: { currency: 'BWP', amount: '2.5' },
          commission: { currency: 'BWP', amount: '1.2' },
        },
        tokens: [{ kind: 'CREDIT', digits: TOKEN }],
        units: { value: '54.3', unit: 'kWh' },
        receiptNumber: 'R000123',
      },
    });
  });

  it('may begin with a byte order mark', () => {
    const text = JSON.stringify(successBody(surface));
    expect(read(surface, 'CONFIRM', 200, `\uFEFF${text}`)).toEqual(read(surface, 'CONFIRM', 200, text));
  });

  it('needs its status and its token only', () => {
    const least = { status: 'SUCCESS', token: TOKEN };
    const body = surface === 'V1' ? least : { transaction: least };
    expect(read(surface, 'CONFIRM', 200, body)).toMatchObject({
      outcome: 'SUCCEEDED',
      vend: { tokens: [{ digits: TOKEN }], charges: null, units: null, receiptNumber: null },
    });
  });

  it('may have fields that nobody knows, at any depth', () => {
    const grown = (value: unknown): unknown =>
      typeof value === 'object' && value !== null
        ? { ...Object.fromEntries(Object.entries(value).map(([key, one]) => [key, grown(one)])), x_new: [{}] }
        : value;
    const [plain, more] = [successBody(surface), grown(successBody(surface))];
    expect(read(surface, 'CONFIRM', 200, more)).toEqual(read(surface, 'CONFIRM', 200, plain));
  });

  it.each(['units', 'unit', 'receipt_number', 'reference', 'id', 'total', 'commission'])(
    'is one with any nonsense as its %s',
    (field) => {
      for (const nonsense of [null, {}, [], true, '', '?']) {
        const body = successBody(surface, { [field]: nonsense });
        expect(read(surface, 'CONFIRM', 200, body)).toMatchObject({
          ...{ outcome: 'SUCCEEDED', vend: { tokens: [{ digits: TOKEN }] } },
        });
      }
    },
  );
});

describe('an error', () => {
  it('of Current never shows what its developers wrote', () => {
    const reading = read('CURRENT', 'CONFIRM', 400, errorBody('CURRENT', { param: 'amount' }));
    expect(JSON.stringify(reading)).not.toMatch(/SecretException|why/);
  });

  it.each([
    ['https://developers.scratchpower.com/x', 'https://developers.scratchpower.com/x'],
    ['javascript:alert(1)', null],
    ['file:///etc/passwd', null],
    ['nowhere', null],
    [5, null],
  ])('with the page %j links to %j', (doc_url, docUrl) => {
    const body = { error: { type: 'validation_error', code: 'x', doc_url } };
    expect(read('V1', 'CONFIRM', 400, body)).toMatchObject({ problem: { docUrl, code: 'x' } });
  });

  it.each([[{}], [{ error: {} }], [{ error: 'Not Found', status: 404 }], [{ error: [] }], [{ error: null }]])(
    '%j is no envelope',
    (body) => {
      expect(read('V1', 'CONFIRM', 404, body)).toMatchObject({ problem: { code: 'answer_unreadable' } });
      expect(read('CURRENT', 'CONFIRM', 404, body)).toMatchObject({ problem: { code: 'answer_unreadable' } });
    },
  );
});

describe('one who asks', () => {
  const wire = {
    ...{ id: 4711, username: 'till-7', role: 'INTEGRATION', roles: ['VENDOR'], x_new: {} },
    organisation: { code: 'SHOPS', name: 'Shops', x_new: 1 },
  };
  it('is the same on both surfaces', () => {
    const who = {
      ...{ username: 'till-7', role: 'INTEGRATION', roles: ['VENDOR'] },
      organisation: { code: 'SHOPS', name: 'Shops' },
    };
    expect(me.parse(wire)).toEqual(who);
    expect(identityOf(meOnCurrent.parse({ ...wire, accounts: [{ id: 1 }] }))).toEqual(who);
  });
});
