import { describe, expect, it } from 'vitest';

import type { Buyer } from '../../src/purchases/buyer.ts';
import { Decimal } from '../../src/purchases/money.ts';
import { isProblem } from '../../src/purchases/problem.ts';
import { viewFor } from '../../src/purchases/view.ts';
import { aShop, got, identity, input } from './shop.ts';

const kiosk: Buyer = {
  ...{
    name: 'kiosk',
    accounts: new Set([1]),
    mostPerPurchase: null,
    mostPerDay: null,
    mostPerDayByAll: null,
  },
};

/** A shop in which one thing was bought from each of two accounts. */
async function setting() {
  const shop = await aShop();
  const buy = async (accountId: number) =>
    got(
      await shop.confirm({
        ...{ idempotencyKey: `key-${accountId}`, waitMs: 10_000, from: { details: { ...input, accountId } } },
      }),
    );
  const [own, other] = [await buy(1), await buy(2)];
  const whole = {
    catalogue: shop.catalogue,
    purchases: shop.purchases,
    feed: shop.feed,
    journal: shop.journal,
  };
  const idOfQuote = async (accountId: number) => {
    const quote = await shop.play(shop.service.validate({ ...input, accountId }));
    if (isProblem(quote)) throw new Error(quote.code);
    return quote.id;
  };
  return { shop, whole, own, other, idOfQuote, view: viewFor(whole, kiosk) };
}

describe('what a buyer sees of an integration', () => {
  it('is all of it where no accounts are named, within its limits', async () => {
    const { shop, whole } = await setting();
    const limited: Buyer = { ...kiosk, accounts: undefined, mostPerPurchase: new Decimal('50') };
    const view = viewFor(whole, limited);
    expect(view).toEqual({ ...whole, purchases: view.purchases });
    expect(view.catalogue).toBe(whole.catalogue);
    expect(view.journal).toBe(whole.journal);
    const waitMs = 0;
    expect(
      await shop.play(view.purchases.confirm({ idempotencyKey: 'more', from: { details: input }, waitMs })),
    ).toMatchObject({ code: 'limit_per_purchase' });
  });

  it('are its own accounts, and all that there is to buy', async () => {
    const { shop, view } = await setting();
    const { signal } = new AbortController();
    const { catalogue } = view;
    const accounts = await shop.play(catalogue.accounts(signal, 'V1', 'asked'));
    expect(accounts.map(({ id }) => id)).toEqual([1]);
    expect(shop.calls.at(-1)).toMatchObject({
      what: 'accounts',
      call: { requestId: expect.stringMatching(/^asked\./) as string },
    });
    expect(catalogue.defaultSurface).toBe('V1');
    expect(await shop.play(catalogue.identity(signal, 'asked'))).toEqual(identity);
    expect(shop.calls.at(-1)).toMatchObject({
      what: 'identity',
      call: { requestId: expect.stringMatching(/^asked\./) as string },
    });
    expect(await shop.play(catalogue.products(signal, 'CURRENT'))).toMatchObject([{ type: 'ELECTRICITY' }]);
    for (const read of ['accounts', 'identity'] as const)
      await expect(catalogue[read](AbortSignal.abort())).rejects.toThrow('aborted');
  });

  it('are the purchases and quotes of its accounts', async () => {
    const { view, own, other, idOfQuote } = await setting();
    const { journal } = view;
    for (const key of ['id', 'reference', 'idempotencyKey'] as const) {
      expect(await journal.purchase(key, own[key])).toEqual(own);
      expect(await journal.purchase(key, other[key])).toBeUndefined();
      expect(await journal.purchase(key, 'nobody')).toBeUndefined();
    }
    expect(await journal.purchases([other.id, own.id])).toEqual([own]);
    expect(await journal.page({ limit: 10, inverted: false })).toEqual([own]);
    const filter = { status: ['SUCCEEDED'] } as const;
    expect(await journal.page({ limit: 10, inverted: true, filter })).toEqual([own]);
    expect(await journal.page({ limit: 10, inverted: false, filter: { status: ['FAILED'] } })).toEqual([]);
    const quotes = [await idOfQuote(1), await idOfQuote(2)];
    expect((await journal.quotes(quotes)).map(({ id }) => id)).toEqual([quotes[0]]);
    expect(await journal.attempts([own.id])).toMatchObject([{ purchaseId: own.id, outcome: 'SUCCEEDED' }]);
    expect([journal.integration, await journal.lastPosition()]).toEqual(['default', 4]);
  });

  it('are the events of those, and no other purchase to watch', async () => {
    const { view, own, other } = await setting();
    const leaving = new AbortController();
    const events = view.feed.follow({ after: 0, signal: leaving.signal });
    for (const position of [1, 2]) expect((await events.next()).value).toMatchObject({ position });
    const next = events.next();
    leaving.abort();
    expect((await next).done).toBe(true);
    expect(await view.feed.watch(other.id)).toBeUndefined();
    expect((await (await view.feed.watch(own.id))?.next())?.value).toEqual(own);
    expect(await (await view.feed.watch(own.id, AbortSignal.abort()))?.next()).toMatchObject({ value: own });
  });

  it('are its own purchases to ask about', async () => {
    const { view, own, other } = await setting();
    expect(await view.purchases.retry({ id: own.id, waitMs: 0 })).toEqual(own);
    expect(await view.purchases.retry({ id: other.id, waitMs: 0 })).toMatchObject({
      code: 'purchase_unknown',
    });
  });
});
