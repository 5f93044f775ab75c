import { describe, expect, it } from 'vitest';

import { matchesFilter } from '../../src/purchases/filter.ts';
import type { PurchaseFilter } from '../../src/purchases/journal.ts';
import { anOrder, aPurchase, someTime } from '../support/domain.ts';

const purchase = aPurchase({
  status: 'UNRESOLVED',
  order: anOrder({ productType: 'WATER', accountId: 7, subscriberIdentifier: '0404' }),
});
const around = (ms: number) => new Date(someTime.getTime() + ms);

describe('a filter', () => {
  it.each<[what: string, filter: PurchaseFilter, matches: boolean]>([
    ['nothing', {}, true],
    [
      'null everywhere',
      {
        ...{ status: null, productType: null, accountId: null, accounts: null, subscriberIdentifier: null },
        ...{ createdAfter: null, createdBefore: null },
      },
      true,
    ],
    ['its status', { status: ['UNRESOLVED'] }, true],
    ['one of two statuses', { status: ['FAILED', 'UNRESOLVED'] }, true],
    ['another status', { status: ['FAILED'] }, false],
    ['no status at all', { status: [] }, false],
    ['its product', { productType: ['WATER'] }, true],
    ['another product', { productType: ['AIRTIME'] }, false],
    ['no product at all', { productType: [] }, false],
    ['its account', { accountId: 7 }, true],
    ['another account', { accountId: 8 }, false],
    ['some accounts, its own among them', { accounts: [8, 7] }, true],
    ['some other accounts', { accounts: [8] }, false],
    ['no accounts at all', { accounts: [] }, false],
    ['its subscriber', { subscriberIdentifier: '0404' }, true],
    ['a part of its subscriber', { subscriberIdentifier: '040' }, false],
    ['what was created at its instant or later', { createdAfter: someTime }, true],
    ['what was created later', { createdAfter: around(1) }, false],
    ['what was created before the next instant', { createdBefore: around(1) }, true],
    ['what was created before its instant', { createdBefore: someTime }, false],
    [
      'all that it is',
      {
        ...{ status: ['UNRESOLVED'], productType: ['WATER'], accountId: 7, accounts: [7] },
        ...{ subscriberIdentifier: '0404', createdAfter: someTime, createdBefore: around(1) },
      },
      true,
    ],
  ])('for %s: %j matches %s', (_what, filter, matches) => {
    expect(matchesFilter(purchase, filter)).toBe(matches);
  });

  it.each<[what: string, filter: PurchaseFilter]>([
    ['status', { status: ['FAILED'] }],
    ['product', { productType: ['AIRTIME'] }],
    ['account', { accountId: 8 }],
    ['accounts', { accounts: [8] }],
    ['subscriber', { subscriberIdentifier: '0405' }],
    ['beginning', { createdAfter: around(1) }],
    ['end', { createdBefore: someTime }],
  ])('that all else fulfils is not matched for its %s', (_what, filter) => {
    const fits: PurchaseFilter = {
      ...{ status: ['UNRESOLVED'], productType: ['WATER'], accountId: 7, accounts: [7] },
      ...{ subscriberIdentifier: '0404', createdAfter: someTime, createdBefore: around(1) },
    };
    expect(matchesFilter(purchase, { ...fits, ...filter })).toBe(false);
  });
});
