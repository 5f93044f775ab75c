import { describe, expect, test } from 'vitest';

import { productTypes } from '../../src/purchases/catalogue.ts';
import type { Journal, PurchaseFilter } from '../../src/purchases/journal.ts';
import { purchaseStatuses, type Purchase } from '../../src/purchases/purchase.ts';
import { later, newAttempt, newId, newPurchase, NOON, purchaseIn } from './fixtures.ts';

export const filters: readonly PurchaseFilter[] = [
  {},
  { status: null, productType: undefined, accountId: null, subscriberIdentifier: null, createdAfter: null },
  ...purchaseStatuses.map((status) => ({ status: [status] })),
  { status: ['FAILED', 'SUCCEEDED', 'FAILED'] },
  { status: purchaseStatuses },
  { status: [] },
  ...productTypes.map((type) => ({ productType: [type] })),
  { productType: ['WATER', 'AIRTIME'] },
  { productType: [] },
  { accountId: 1 },
  { accountId: 404 },
  { accounts: [1, 404] },
  { accounts: [0, 1], status: ['FAILED', 'PENDING'] },
  { accounts: [] },
  { accounts: [1], accountId: 1, productType: ['WATER'] },
  { accounts: [1], accountId: 0 },
  { accounts: [0], subscriberIdentifier: 'meter-1' },
  { accounts: Array.from({ length: 12 }, (_, account) => account), createdBefore: later(6) },
  { subscriberIdentifier: 'meter-1' },
  { subscriberIdentifier: 'meter-404' },
  { subscriberIdentifier: 'meter-1', status: [] },
  { createdAfter: later(5) },
  { createdBefore: later(5) },
  { createdAfter: later(3), createdBefore: later(7) },
  { createdAfter: later(7), createdBefore: later(3) },
  { createdAfter: new Date(-1), createdBefore: new Date(8.64e15) },
  { createdAfter: new Date(8.64e15) },
  { createdBefore: new Date(-8.64e15) },
  { status: ['SUCCEEDED', 'PENDING'], productType: ['WATER'] },
  { status: ['SUCCEEDED', 'PENDING'], accountId: 1, createdAfter: later(2) },
  { productType: ['ELECTRICITY', 'WATER'], accountId: 0, createdBefore: later(8) },
  {
    subscriberIdentifier: 'meter-2',
    accountId: 0,
    status: ['FAILED', 'SUCCEEDED'],
    productType: ['AIRTIME'],
  },
  { subscriberIdentifier: 'meter-2', createdAfter: later(1), createdBefore: later(9) },
];

function matches({ order, status, createdAt }: Purchase, filter: PurchaseFilter): boolean {
  return (
    (filter.status?.includes(status) ?? true) &&
    (filter.productType?.includes(order.productType) ?? true) &&
    (filter.accountId ?? order.accountId) === order.accountId &&
    (filter.accounts?.includes(order.accountId) ?? true) &&
    (filter.subscriberIdentifier ?? order.subscriberIdentifier) === order.subscriberIdentifier &&
    createdAt >= (filter.createdAfter ?? new Date(-8.64e15)) &&
    (filter.createdBefore == null || createdAt < filter.createdBefore)
  );
}

/** Sixty purchases, six in each of ten milliseconds, in every status and product, on three accounts and four meters. */
async function seeded(journal: Journal): Promise<readonly Purchase[]> {
  const purchases: Purchase[] = [];
  for (let index = 0; index < 60; index++) {
    const status = purchaseStatuses[index % purchaseStatuses.length] ?? 'PENDING';
    const productType = productTypes[(index * 7) % productTypes.length] ?? 'WATER';
    purchases.push(
      await purchaseIn(journal, status, {
        createdAt: later((index * 7) % 10),
        order: {
          productType,
          accountId: index % 4 === 0 ? 1 : 0,
          subscriberIdentifier: `meter-${index % 4}`,
        },
      }),
    );
  }
  return purchases.sort((a, b) => (a.id < b.id ? 1 : -1));
}

export function pageSuite(name: string, fresh: () => Promise<Journal>): void {
  describe(`${name}: pages`, () => {
    // Thousands of queries.
    test(
      'every filter, in both directions, page by page, gives each purchase once and in order',
      { timeout: 120_000 },
      async () => {
        const journal = await fresh();
        const all = await seeded(journal);
        for (const filter of filters) {
          const wanted = all.filter((purchase) => matches(purchase, filter));
          for (const limit of [1, 7, 1_000]) {
            const forward: Purchase[] = [];
            for (let after: string | undefined; ; after = forward.at(-1)?.id) {
              const page = await journal.page({ filter, after, limit, inverted: false });
              forward.push(...page);
              if (page.length < limit) break;
            }
            expect(forward, JSON.stringify(filter)).toEqual(wanted);
            const backward: Purchase[] = [];
            for (let before: string | undefined; ; before = backward.at(-1)?.id) {
              const page = await journal.page({ filter, before, limit, inverted: true });
              backward.push(...page);
              if (page.length < limit) break;
            }
            expect(backward.reverse(), JSON.stringify(filter)).toEqual(wanted);
          }
        }
      },
    );

    test('after and before bound a page together, themselves excluded, in either direction', async () => {
      const journal = await fresh();
      const all = await seeded(journal);
      const [newer, older] = [all[10]?.id, all[20]?.id];
      const bounds = { after: newer, before: older };
      expect(await journal.page({ ...bounds, limit: 100, inverted: false })).toEqual(all.slice(11, 20));
      expect(await journal.page({ ...bounds, limit: 3, inverted: true })).toEqual(
        all.slice(17, 20).reverse(),
      );
      expect(await journal.page({ after: older, before: newer, limit: 3, inverted: false })).toEqual([]);
    });

    test('a cursor and an instant on the same side both hold', async () => {
      const journal = await fresh();
      const all = await seeded(journal);
      const [newer, older] = [all[20]?.id, all[40]?.id];
      for (const instant of [later(0), later(2), later(5), later(8), later(11)]) {
        const before = all.slice(21).filter(({ createdAt }) => createdAt < instant);
        const filter = { createdBefore: instant };
        expect(await journal.page({ filter, after: newer, limit: 99, inverted: false })).toEqual(before);
        const after = all.slice(0, 40).filter(({ createdAt }) => createdAt >= instant);
        const since = { createdAfter: instant };
        expect(await journal.page({ filter: since, before: older, limit: 99, inverted: false })).toEqual(
          after,
        );
      }
    });

    test('a cursor need not be the id of a purchase that exists', async () => {
      const journal = await fresh();
      const all = await seeded(journal);
      const after = newId(later(5)).slice(0, 13);
      const wanted = all.filter(({ createdAt }) => createdAt < later(5));
      expect(await journal.page({ after, limit: 100, inverted: false })).toEqual(wanted);
      expect(await journal.page({ after: '', limit: 100, inverted: false })).toEqual([]);
      expect(await journal.page({ after: 'z\u0000', limit: 1, inverted: false })).toHaveLength(1);
    });

    test('an instant on the millisecond is inside for createdAfter and outside for createdBefore', async () => {
      const journal = await fresh();
      const { purchase } = await journal.begin(newPurchase(), newAttempt());
      const count = async (filter: PurchaseFilter) =>
        (await journal.page({ filter, limit: 9, inverted: false })).length;
      expect(await count({ createdAfter: purchase.createdAt })).toBe(1);
      expect(await count({ createdAfter: later(1) })).toBe(0);
      expect(await count({ createdBefore: NOON })).toBe(0);
      expect(await count({ createdBefore: later(1) })).toBe(1);
    });
  });
}
