import { describe, expect, it } from 'vitest';

import { CatalogueService, type CatalogueOptions } from '../../src/purchases/catalogue-service.ts';
import {
  checkSubscriberId,
  subscriberIdHint,
  type Account,
  type Identity,
  type Product,
  type SubscriberIdFormat,
  type Surface,
} from '../../src/purchases/catalogue.ts';
import type { Call, Upstream, Vending } from '../../src/purchases/vending.ts';
import { someTime } from '../support/domain.ts';

const anything: SubscriberIdFormat = {
  ...{ label: null, minLength: null, maxLength: null, pattern: null, hint: null },
};
const meter: SubscriberIdFormat = {
  ...{ label: 'Meter Number', minLength: 11, maxLength: 13, pattern: '^[0-9]+$', hint: null },
};

describe('the hint beside the input', () => {
  it.each<[hint: string, format: Partial<SubscriberIdFormat>]>([
    ['As on the card', { hint: 'As on the card', label: 'Meter', minLength: 11 }],
    ['Meter: at least 11 characters', { hint: ' ', label: 'Meter', minLength: 11 }],
    ['Meter: at most 13 characters', { hint: '', label: 'Meter', maxLength: 13 }],
    ['Meter: 11 to 13 characters', { label: 'Meter', minLength: 11, maxLength: 13 }],
    ['Meter: 11 characters', { label: 'Meter', minLength: 11, maxLength: 11 }],
    ['Meter', { label: 'Meter' }],
    ['Identifier', {}],
  ])('"%s" is made of %j', (hint, format) => {
    expect(subscriberIdHint({ ...anything, ...format })).toBe(hint);
  });
});

describe('an identifier', () => {
  it.each<[value: string, format: SubscriberIdFormat, sentence: string | null]>([
    ['04040404040', meter, null],
    ['0404040404000', meter, null],
    ['', meter, 'Meter Number is missing. Meter Number: 11 to 13 characters.'],
    ['', anything, 'The identifier is missing. Identifier.'],
    ['x', anything, null],
    ['0404040404', { ...anything, maxLength: 13 }, null],
    ['0404040404', meter, 'Meter Number is too short: 10 characters, at least 11 are needed.'],
    ['04040404040400', meter, 'Meter Number is too long: 14 characters, at most 13 are allowed.'],
    ['0404040404x', meter, 'Meter Number is not written as it should be. Meter Number: 11 to 13 characters.'],
    ['1', { ...anything, minLength: 2 }, 'The identifier is too short: 1 characters, at least 2 are needed.'],
    [
      '123',
      { ...anything, maxLength: 2 },
      'The identifier is too long: 3 characters, at most 2 are allowed.',
    ],
    ['what', { ...anything, pattern: '(' }, null],
  ])('"%s" against %j: %s', (value, format, sentence) => {
    expect(checkSubscriberId(format, value)).toBe(sentence);
  });
});

const FRESH_MS = 300_000;
const account: Account = {
  ...{ id: 1, name: 'Wallet', currency: 'BWP', category: 'CURRENT', type: 'WALLET', status: 'ACTIVE' },
  ...{ rank: 1, balance: null },
};
const product: Product = {
  ...{ type: 'ELECTRICITY', displayName: 'Electricity', subscriberId: meter, providers: [], surfaces: [] },
};
const identity: Identity = { username: 'kagiso', role: null, roles: [], organisation: null };

/** A catalogue on a clock that the test moves; `asked` tells each call upstream. */
function setting(options: Pick<CatalogueOptions, 'coalescing' | 'productsFreshMs'> = {}) {
  const clock = { ms: 1_000 };
  const asked: { what: string; surface: Surface; call: Call }[] = [];
  const vending = (surface: Surface): Pick<Vending, 'identity' | 'accounts' | 'products'> => {
    const answer = <T>(what: string, call: Call, value: T): Promise<T> => {
      asked.push({ what, surface, call });
      return Promise.resolve(value);
    };
    return {
      identity: (call) => answer('identity', call, identity),
      accounts: (call) => answer('accounts', call, [account]),
      products: (call) => answer('products', call, [{ ...product, displayName: `of ${surface}` }]),
    };
  };
  let ids = 0;
  const catalogue = new CatalogueService({
    ...options,
    upstream: { defaultSurface: 'CURRENT', on: (surface) => vending(surface) as Vending } as Upstream,
    runtime: {
      now: () => someTime,
      monotonic: () => clock.ms,
      sleep: () => Promise.resolve(),
      turn: () => Promise.resolve(),
      random: () => 0,
      id: (at) => `${at.toISOString()} ${(ids += 1)}`,
    },
  });
  return { catalogue, asked, clock };
}

describe('the catalogue', () => {
  it('without coalescing asks each time, with a request id of its own and the caller’s signal', async () => {
    const { catalogue, asked } = setting({ coalescing: false });
    await Promise.all([catalogue.accounts(), catalogue.accounts()]);
    expect(asked.splice(0)).toHaveLength(2);
    const { signal } = new AbortController();
    expect(catalogue.defaultSurface).toBe('CURRENT');
    expect(await catalogue.identity(signal)).toEqual(identity);
    expect(await catalogue.accounts()).toEqual([account]);
    expect(await catalogue.accounts(signal, 'V1')).toEqual([account]);
    const requestId = (n: number) => `2026-11-23T10:00:00.000Z ${n + 2}`;
    expect(asked).toEqual([
      { what: 'identity', surface: 'CURRENT', call: { requestId: requestId(1), signal } },
      { what: 'accounts', surface: 'CURRENT', call: { requestId: requestId(2), signal: undefined } },
      { what: 'accounts', surface: 'V1', call: { requestId: requestId(3), signal } },
    ]);
  });

  it('R10: products are asked for once in five minutes and for each surface, balances every time', async () => {
    const { catalogue, asked, clock } = setting();
    const products = async (surface?: Surface) => {
      const [first] = await catalogue.products(undefined, surface);
      return [first?.displayName, asked.filter(({ what }) => what === 'products').length];
    };
    expect(await products()).toEqual(['of CURRENT', 1]);
    expect(await products('CURRENT')).toEqual(['of CURRENT', 1]);
    expect(await products('V1')).toEqual(['of V1', 2]);
    clock.ms += FRESH_MS * 0.8 - 1;
    expect(await products()).toEqual(['of CURRENT', 2]);
    clock.ms += FRESH_MS;
    expect(await products()).toEqual(['of CURRENT', 3]);
    expect(await products()).toEqual(['of CURRENT', 3]);
    await catalogue.accounts();
    await catalogue.accounts();
    expect(asked.filter(({ what }) => what === 'accounts')).toHaveLength(2);
  });

  it('with coalescing asks once for all who ask at once, and ends that for nobody who leaves', async () => {
    const { catalogue, asked } = setting();
    const leaving = new AbortController();
    const gone = catalogue.accounts(leaving.signal, 'V1', 'first');
    const stay = catalogue.accounts(undefined, 'V1', 'second');
    leaving.abort();
    await expect(gone).rejects.toThrow('aborted');
    expect(await stay).toEqual([account]);
    expect(asked).toMatchObject([{ what: 'accounts', surface: 'V1', call: { signal: undefined } }]);
    expect(asked[0]?.call.requestId).toMatch(/^first\./);
    await catalogue.accounts(undefined, 'V1');
    expect(asked).toHaveLength(2);
  });

  it('asks for products again, once, while they are nearly too old, and gives out what it has meanwhile', async () => {
    const { catalogue, asked, clock } = setting({ productsFreshMs: 1_000 });
    await catalogue.products();
    clock.ms += 800;
    await Promise.all([catalogue.products(), catalogue.products(), catalogue.products()]);
    await Promise.resolve();
    expect(asked).toHaveLength(2);
    // Counted from when it was asked for the second time.
    clock.ms += 799;
    await catalogue.products();
    expect(asked).toHaveLength(2);
  });

  it('knows the accounts of the last read of the surface, whoever read them, for no longer than it keeps products', async () => {
    const { catalogue, asked, clock } = setting({ productsFreshMs: 1_000 });
    expect(catalogue.knownAccounts('V1')).toBeUndefined();
    await catalogue.accounts(undefined, 'V1');
    expect(catalogue.knownAccounts('V1')).toEqual([account]);
    expect(catalogue.knownAccounts('CURRENT')).toBeUndefined();
    clock.ms += 799;
    catalogue.knownAccounts('V1');
    expect(asked).toHaveLength(1);
    clock.ms += 1;
    expect(catalogue.knownAccounts('V1')).toEqual([account]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toHaveLength(2);
    clock.ms += 1_000;
    expect(catalogue.knownAccounts('V1')).toBeUndefined();
  });

  it('knows accounts for five seconds, for so lately the upstream was there', async () => {
    const { catalogue, clock } = setting();
    await catalogue.accounts(undefined, 'V1');
    clock.ms += 3_999;
    expect(catalogue.knownAccounts('V1')).toEqual([account]);
    clock.ms += 1_001;
    expect(catalogue.knownAccounts('V1')).toBeUndefined();
  });

  it('asks for products each time, and knows no accounts, where none are kept', async () => {
    const { catalogue, asked } = setting({ productsFreshMs: 0 });
    await catalogue.products();
    await catalogue.products();
    expect(asked).toHaveLength(2);
    await catalogue.accounts();
    expect(catalogue.knownAccounts('CURRENT')).toBeUndefined();
  });
});
