import { v7 } from 'uuid';
import { describe, expect, it } from 'vitest';

import type { Buyer } from '../../src/purchases/buyer.ts';
import { Decimal } from '../../src/purchases/money.ts';
import { isProblem, problem, ProblemError, type Problem } from '../../src/purchases/problem.ts';
import type { Attempt, Quote } from '../../src/purchases/purchase.ts';
import { bwp, someProblem } from '../support/domain.ts';
import {
  aShop,
  answered,
  bought,
  got,
  input,
  lost,
  notSent,
  order,
  priced,
  QUOTE_TTL_MS,
  refused,
  refusedForGood,
  token,
} from './shop.ts';

const invalid = (at: string, message: string): Problem =>
  problem({ type: 'INVALID_INPUT', code: 'invalid_input', message, fields: [{ field: at, message }] });
const unavailable = (message: string): Problem =>
  problem({ type: 'UNAVAILABLE', code: 'record_unavailable', message, retryable: true });
const unreadable = unavailable('The record cannot be read now, so nothing was done. Please try again.');
const conflict = problem({
  ...{ type: 'CONFLICT', code: 'idempotency_key_reused' },
  message: 'This idempotency key belongs to another purchase. Use a new key for a new purchase.',
  fields: [{ field: 'idempotencyKey', message: 'Used for other details already.' }],
});
const noSuch = problem({
  ...{ type: 'NOT_FOUND', code: 'purchase_unknown', message: 'There is no such purchase.' },
  fields: [{ field: 'id', message: 'There is no such purchase.' }],
});
const badQuote = (code: string, message: string) =>
  problem({ type: 'INVALID_INPUT', code, message, fields: [{ field: 'from.quoteId', message }] });
const noQuote = badQuote('quote_not_found', 'There is no such quote. Validate the purchase again.');
const badKey = invalid(
  'idempotencyKey',
  'The idempotency key must have 1 to 255 characters. Make a new UUID for each purchase.',
);
const badWait = invalid('waitMs', 'waitMs must be between 0 and 60000 milliseconds.');
const tooLong = { comment: 'x'.repeat(256) };
const tooLongSaid = 'The comment is too long: at most 255 characters are allowed.';
const other = { details: { ...input, amount: { amount: '200', currency: 'BWP' } } };

type Shop = Awaited<ReturnType<typeof aShop>>;
const quoteOf = async ({ service, play }: Shop, change: Partial<typeof input> = {}): Promise<Quote> => {
  const quote = await play(service.validate({ ...input, ...change }));
  if (isProblem(quote)) throw new Error(quote.code);
  return quote;
};

describe('what there is to pay with', () => {
  const noAccount = 'There is no such account. Take an id from the accounts query.';

  it('is asked for once, and known for the purchases after it, even while the upstream does not tell', async () => {
    const shop = await aShop();
    await shop.buy();
    shop.says.catalogueFails = new ProblemError(someProblem);
    expect(await shop.buy({}, 'another key')).toMatchObject({ status: 'SUCCEEDED', order });
    await quoteOf(shop);
    expect(shop.count('accounts')).toBe(1);
    expect(shop.count('confirm')).toBe(2);
  });

  it('is asked for again before anybody is refused because of it', async () => {
    const shop = await aShop();
    shop.says.accounts = [1];
    await quoteOf(shop);
    shop.says.accounts = [1, 2];
    expect(await quoteOf(shop, { accountId: 2 })).toMatchObject({ order: { accountId: 2 } });
    expect(shop.count('accounts')).toBe(2);
    expect(await shop.play(shop.service.validate({ ...input, accountId: 9 }))).toEqual(
      invalid('accountId', noAccount),
    );
    expect(shop.count('accounts')).toBe(3);
  });

  it('is for each buyer what is his, however well the others are known', async () => {
    const shop = await aShop();
    await quoteOf(shop, { accountId: 2 });
    const buyer = shop.service.as({
      ...{ name: 'till', accounts: new Set([1]) },
      ...{ mostPerPurchase: null, mostPerDay: null, mostPerDayByAll: null },
    });
    expect(await shop.play(buyer.validate({ ...input, accountId: 2 }))).toEqual(
      invalid('accountId', noAccount),
    );
    expect(await shop.play(buyer.validate(input))).toMatchObject({ order });
  });
});

describe('validate', () => {
  it('gives a quote, which is recorded and can be confirmed for its lifetime', async () => {
    const shop = await aShop();
    const { signal } = new AbortController();
    const now = shop.world.wall;
    const quote = await shop.play(shop.service.validate(input, signal));
    expect(quote).toEqual({
      ...{ id: expect.any(String), order, ...priced, createdAt: now },
      expiresAt: new Date(now.getTime() + QUOTE_TTL_MS),
    });
    if (isProblem(quote)) throw new Error('it is a quote');
    expect(await shop.journal.quotes([quote.id])).toEqual([quote]);
    const requestId = expect.any(String) as string;
    // Others may wait for the first two as well.
    const shared = { requestId, signal: undefined };
    expect(shop.calls).toEqual([
      { what: 'accounts', call: shared },
      { what: 'products', call: shared },
      { what: 'validate', order, call: { requestId, signal } },
    ]);
    expect(new Set(shop.calls.map((one) => one.call?.requestId)).size).toBe(3);
  });

  it('tells what is wrong with the input, at its field, and asks nobody', async () => {
    const shop = await aShop();
    const wrong = { ...input, ...tooLong, accountId: 9 };
    expect(await shop.play(shop.service.validate(wrong))).toEqual(
      problem({
        ...{ type: 'INVALID_INPUT', code: 'invalid_input' },
        message: `${tooLongSaid} There is no such account. Take an id from the accounts query.`,
        fields: [
          { field: 'comment', message: tooLongSaid },
          { field: 'accountId', message: 'There is no such account. Take an id from the accounts query.' },
        ],
      }),
    );
    expect(shop.count('validate')).toBe(0);
  });

  it('hands on the provider’s refusal, and keeps no quote', async () => {
    const shop = await aShop({ journal: () => ({ saveQuote: () => Promise.reject(new Error('none')) }) });
    shop.says.priced = someProblem;
    expect(await shop.play(shop.service.validate(input))).toEqual(someProblem);
  });

  it('is a problem when the quote cannot be recorded', async () => {
    const shop = await aShop();
    shop.says.failing = { saveQuote: 1 };
    expect(await shop.play(shop.service.validate(input))).toEqual(
      unavailable('The offer could not be recorded. Please check the purchase again.'),
    );
    expect(shop.told).toEqual(['a quote could not be recorded']);
  });

  it('tells why the catalogue cannot be asked, but first what is wrong anyway', async () => {
    const shop = await aShop();
    shop.says.catalogueFails = new ProblemError(someProblem);
    expect(await shop.play(shop.service.validate(input))).toEqual(someProblem);
    expect(await shop.play(shop.service.validate({ ...input, ...tooLong }))).toEqual(
      invalid('comment', tooLongSaid),
    );
    shop.says.catalogueFails = new Error('a bug');
    await expect(shop.play(shop.service.validate(input))).rejects.toThrow('a bug');
  });
});

describe('confirm', () => {
  it('begins a purchase and tells it as it is', async () => {
    const shop = await aShop();
    const now = shop.world.wall;
    const purchase = got(await shop.confirm());
    expect(purchase).toEqual({
      ...{ id: expect.any(String), idempotencyKey: 'key', reference: `GW-${purchase.id}`, quoteId: null },
      ...{ order, createdAt: now, updatedAt: now, owner: 'one', lastEvent: 1, status: 'PENDING' },
      ...{ upstreamReference: null, charges: null, tokens: [], units: null, receiptNumber: null },
      subscriber: { identifier: '04040404040', name: null, address: null },
      ...{ problem: null, settledAt: null, checks: 0, nextCheckAt: null, deniedInARow: 0 },
      unresolvedSince: null,
    });
    const [attempt] = await shop.journal.attempts([purchase.id]);
    expect(attempt).toMatchObject({ number: 1, kind: 'CONFIRM', startedAt: now, outcome: 'IN_FLIGHT' });
    await shop.wait(100);
    const sent = shop.calls.find(({ what }) => what === 'confirm');
    expect(sent).toMatchObject({ order, reference: purchase.reference });
    expect(sent?.call?.requestId).toBe(attempt?.requestId);
    expect(sent?.call?.requestId).toEqual(expect.any(String));
    expect(sent?.call?.signal).toBeUndefined();
  });

  it('of a quote buys what was offered, as it was priced', async () => {
    const shop = await aShop();
    const quote = await quoteOf(shop);
    expect(got(await shop.confirm({ from: { quoteId: quote.id } }))).toMatchObject({
      ...{ quoteId: quote.id, order, ...priced },
    });
    expect(shop.count('accounts')).toBe(1);
  });

  it.each<[what: string, key: string, waitMs: number, wrong: Problem]>([
    ['no key', '', 0, badKey],
    ['a blank key', ' \t', 0, badKey],
    ['a key of 256 characters', 'k'.repeat(256), 0, badKey],
    ['a wait of less than nothing', 'key', -1, badWait],
    ['a wait of more than a minute', 'key', 60_001, badWait],
    ['a wait that is no number', 'key', NaN, badWait],
  ])('with %s is refused', async (_what, idempotencyKey, waitMs, wrong) => {
    const shop = await aShop();
    expect(await shop.confirm({ idempotencyKey, waitMs })).toEqual(wrong);
    expect(shop.calls).toEqual([]);
  });

  it('tells of the key and the wait at once', async () => {
    const { confirm } = await aShop();
    expect(await confirm({ idempotencyKey: '', waitMs: -1 })).toMatchObject({
      fields: [...badKey.fields, ...badWait.fields],
    });
  });

  it('takes the longest key and the longest wait', async () => {
    const { confirm } = await aShop();
    expect(await confirm({ idempotencyKey: 'k'.repeat(255), waitMs: 60_000 })).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(await confirm({ idempotencyKey: ' k ', waitMs: 0 })).toMatchObject({ idempotencyKey: ' k ' });
  });

  it('tells what is wrong with the details, by their path', async () => {
    const shop = await aShop();
    expect(await shop.confirm({ from: { details: { ...input, ...tooLong } } })).toEqual(
      invalid('from.details.comment', tooLongSaid),
    );
    expect(await shop.journal.lastPosition()).toBe(0);
  });

  it('of a quote that there is not is refused', async () => {
    const { confirm } = await aShop();
    expect(await confirm({ from: { quoteId: 'nobody’s' } })).toEqual(noQuote);
    expect(await confirm({ from: { quoteId: null } })).toEqual(noQuote);
  });

  it('of a quote is refused from the very instant at which it expires', async () => {
    const shop = await aShop();
    const from = { quoteId: (await quoteOf(shop)).id };
    await shop.wait(QUOTE_TTL_MS - 1);
    expect(got(await shop.confirm({ from, idempotencyKey: 'in time' })).status).toBe('PENDING');
    const late = await aShop();
    const expired = { quoteId: (await quoteOf(late)).id };
    await late.wait(QUOTE_TTL_MS);
    expect(await late.confirm({ from: expired })).toEqual(
      badQuote('quote_expired', 'This quote has expired. Validate the purchase again for a new one.'),
    );
  });

  it('is a problem when the record cannot be read, and nothing was sent', async () => {
    const shop = await aShop();
    const quote = await quoteOf(shop);
    shop.says.failing = { purchase: 1 };
    expect(await shop.confirm()).toEqual(unreadable);
    shop.says.failing = { quotes: 1 };
    expect(await shop.confirm({ from: { quoteId: quote.id } })).toEqual(unreadable);
    expect(shop.count('confirm')).toBe(0);
    expect(shop.told).toEqual(['the record could not be read', 'the record could not be read']);
  });

  it('is a problem when it cannot be recorded, and nothing was sent', async () => {
    const shop = await aShop();
    shop.says.failing = { begin: 1 };
    expect(await shop.confirm()).toEqual(
      unavailable(
        'The purchase could not be recorded, so it was not made. Please try again with the same key.',
      ),
    );
    expect(shop.slots()).toBe(0);
    expect(shop.dispatcher.active.size).toBe(0);
    await shop.wait(100);
    expect(shop.count('confirm')).toBe(0);
  });

  it('that meets an id in use sends nothing: it is a bug', async () => {
    const shop = await aShop({
      runtime: { id: (at) => v7({ msecs: at.getTime(), seq: 0, random: new Uint8Array(16) }) },
    });
    const { id } = got(await shop.confirm());
    await expect(shop.confirm({ idempotencyKey: 'other' })).rejects.toThrow(`a new id was in use: ${id}`);
    await shop.wait(100);
    expect(shop.count('confirm')).toBe(1);
  });

  it('returns at once where nobody waits, after the wait when that is over, else with the answer', async () => {
    const shop = await aShop();
    shop.says.takesMs = 3_000;
    const timed = async (key: string, waitMs: number) => {
      const began = shop.world.now;
      const { status } = got(await shop.confirm({ idempotencyKey: key, waitMs }));
      return [status, shop.world.now - began];
    };
    expect(await timed('a', 0)).toEqual(['PENDING', 0]);
    expect(await timed('b', 500)).toEqual(['PENDING', 500]);
    expect(await timed('c', 10_000)).toEqual(['SUCCEEDED', 3_000]);
    // Nobody sleeps on for a client that has its answer.
    expect(shop.sleeps.filter(({ ms }) => ms === 10_000 || ms === 500)).toMatchObject([
      { signal: { aborted: true } },
      { signal: { aborted: true } },
    ]);
  });

  it('of a purchase that cannot be watched tells what is known', async () => {
    const shop = await aShop();
    shop.says.takesMs = 50;
    shop.says.failing = { purchase: 0 };
    const known = got(await shop.confirm());
    shop.says.failing = { purchase: 0 };
    let reads = 0;
    const blind = await aShop({
      beside: shop,
      instance: 'two',
      journal: (journal) => ({
        purchase: (key, value) => {
          reads += 1;
          return reads === 1 ? journal.purchase(key, value) : Promise.reject(new Error('the disk failed'));
        },
      }),
    });
    expect(await blind.confirm({ waitMs: 1_000 })).toEqual(known);
    expect(blind.told).toEqual(['a purchase could not be watched']);
  });
});

describe('a key that is known', () => {
  it('R8: a key that has bought by details is taken for an id that is no quote’s', async () => {
    const shop = await aShop();
    const bought = await shop.buy();
    const again = await shop.confirm({ idempotencyKey: bought.idempotencyKey, from: { quoteId: null } });
    expect(again).toMatchObject({ type: 'CONFLICT', code: 'idempotency_key_reused' });
  });

  it('brings the same purchase for the same details, and asks nobody again', async () => {
    const shop = await aShop();
    const first = await shop.buy();
    const asked = shop.calls.length;
    expect(await shop.confirm()).toEqual(first);
    expect(first).toMatchObject({ status: 'SUCCEEDED', tokens: [token] });
    expect(shop.calls.length).toBe(asked);
  });

  it('waits with the others while it is PENDING', async () => {
    const shop = await aShop();
    shop.says.takesMs = 3_000;
    const { id } = got(await shop.confirm());
    expect(got(await shop.confirm({ waitMs: 1_000 }))).toMatchObject({ id, status: 'PENDING' });
    expect(got(await shop.confirm({ waitMs: 5_000 }))).toMatchObject({ id, status: 'SUCCEEDED' });
    expect(shop.world.now).toBe(3_000);
    expect(shop.count('confirm')).toBe(1);
  });

  it('is a conflict for other details, or for details that are none', async () => {
    const shop = await aShop();
    await shop.buy();
    expect(await shop.confirm({ from: other })).toEqual(conflict);
    expect(
      await shop.confirm({ from: { details: { ...input, amount: { amount: '', currency: 'BWP' } } } }),
    ).toEqual(conflict);
    expect(await shop.confirm({ from: { details: { ...input, language: 'e' } } })).toEqual(conflict);
  });

  it('of a quote brings the same purchase for that quote, for one like it, and for its details', async () => {
    const shop = await aShop();
    const [first, second] = [await quoteOf(shop), await quoteOf(shop)];
    const purchase = got(await shop.confirm({ from: { quoteId: first.id }, waitMs: 10_000 }));
    for (const from of [{ quoteId: first.id }, { quoteId: second.id }, { details: input }]) {
      expect(await shop.confirm({ from })).toEqual(purchase);
    }
    await shop.wait(QUOTE_TTL_MS);
    await shop.journal.purgeQuotes(new Date(shop.world.wall.getTime() + 1));
    expect(await shop.confirm({ from: { quoteId: first.id } })).toEqual(purchase);
    expect(await shop.confirm({ from: { quoteId: second.id } })).toEqual(conflict);
    expect(shop.count('confirm')).toBe(1);
  });

  it('is a conflict for a quote of something else, and for none', async () => {
    const shop = await aShop();
    const different = await quoteOf(shop, other.details);
    await shop.buy();
    expect(await shop.confirm({ from: { quoteId: different.id } })).toEqual(conflict);
    expect(await shop.confirm({ from: { quoteId: 'nobody’s' } })).toEqual(conflict);
    shop.says.failing = { quotes: 1 };
    expect(await shop.confirm({ from: { quoteId: different.id } })).toEqual(unreadable);
  });

  it('of a purchase without a quote is a conflict for what is no quote’s id', async () => {
    const shop = await aShop();
    const purchase = await shop.buy();
    expect(purchase.quoteId).toBeNull();
    const quoted = await aShop();
    await quoted.confirm({ from: { quoteId: (await quoteOf(quoted)).id } });
    expect(await quoted.confirm({ from: { quoteId: null } })).toEqual(conflict);
  });

  it('that becomes known between the look and the writing is known all the same', async () => {
    const shop = await aShop();
    const [one, two, differing] = await shop.play(
      Promise.all(
        [{ details: input }, { details: input }, other].map((from) =>
          shop.service.confirm({ idempotencyKey: 'key', from, waitMs: 1_000 }),
        ),
      ),
    );
    expect(one).toMatchObject({ status: 'SUCCEEDED' });
    expect(two).toEqual(one);
    expect(differing).toEqual(conflict);
    expect(shop.count('confirm')).toBe(1);
    expect(shop.slots()).toBe(0);
  });
});

describe('retry', () => {
  it('of nobody’s purchase is refused', async () => {
    const shop = await aShop();
    expect(await shop.retry(null)).toEqual(noSuch);
    expect(await shop.retry('nobody')).toEqual(noSuch);
    expect(await shop.retry('nobody', 60_001)).toEqual(badWait);
    expect(await shop.retry('nobody', -1)).toEqual(badWait);
    shop.says.failing = { purchase: 1 };
    expect(await shop.retry('nobody')).toEqual(unreadable);
  });

  it('of one that SUCCEEDED brings it, and asks nobody', async () => {
    const shop = await aShop();
    const purchase = await shop.buy();
    const asked = shop.calls.length;
    expect(await shop.retry(purchase.id)).toEqual(purchase);
    expect(shop.calls.length).toBe(asked);
  });

  it('of one that is PENDING waits for its answer, and asks nobody', async () => {
    const shop = await aShop();
    shop.says.takesMs = 3_000;
    const { id } = got(await shop.confirm());
    expect(got(await shop.retry(id, 1_000)).status).toBe('PENDING');
    expect(shop.world.now).toBe(1_000);
    expect(got(await shop.retry(id)).status).toBe('SUCCEEDED');
    expect(shop.world.now).toBe(3_000);
    expect([shop.count('admit'), shop.count('retry')]).toEqual([1, 0]);
  });

  it('of one that was refused for good is refused, and tells why', async () => {
    const shop = await aShop();
    const { id } = await shop.buy({ reading: refusedForGood });
    expect(await shop.retry(id)).toEqual(
      problem({
        ...{ type: 'CONFLICT', code: 'purchase_not_retryable' },
        message: `This purchase was refused for good: ${someProblem.message} Buy again with a new key.`,
      }),
    );
    expect(shop.count('retry')).toBe(0);
    const silent = await aShop({
      beside: shop,
      journal: (journal) => ({
        purchase: async (key, value) => {
          const found = await journal.purchase(key, value);
          return found && { ...found, problem: null };
        },
      }),
    });
    expect(await silent.retry(id)).toMatchObject({
      message: 'This purchase was refused for good. Buy again with a new key.',
    });
  });

  it('of one that never left sends its first confirm, as PENDING', async () => {
    const shop = await aShop();
    const failed = await shop.buy({ confirm: notSent });
    expect(failed.status).toBe('FAILED');
    shop.says.confirm = answered;
    await shop.wait(1_000);
    const now = shop.world.wall;
    const pending = got(await shop.retry(failed.id, 0));
    expect(pending).toEqual({
      ...failed,
      ...{ status: 'PENDING', problem: null, settledAt: null, updatedAt: now, unresolvedSince: now },
      ...{ lastEvent: 3 },
    });
    await shop.wait(100);
    expect(await shop.journal.attempts([failed.id])).toMatchObject([
      { kind: 'CONFIRM', outcome: 'NOT_SENT' },
      { kind: 'CONFIRM', outcome: 'SUCCEEDED', startedAt: now },
    ]);
    expect(shop.count('retry')).toBe(0);
  });

  it('R1: of one that may have left asks, whatever else its attempts say', async () => {
    const shop = await aShop();
    const { id } = await shop.buy({ confirm: notSent });
    // The second confirm is refused, so that one attempt was never sent and one was.
    Object.assign(shop.says, { confirm: answered, reading: refused });
    expect(got(await shop.retry(id)).status).toBe('FAILED');
    shop.says.reading = bought;
    expect(got(await shop.retry(id)).status).toBe('SUCCEEDED');
    const kinds = (await shop.journal.attempts([id])).map(({ kind }) => kind);
    expect(kinds).toEqual(['CONFIRM', 'CONFIRM', 'RETRY']);
  });

  it.each<[what: string, attempts: readonly Pick<Attempt, 'kind' | 'outcome'>[]]>([
    ['whose attempts are not known', []],
    ['that was asked about, even if in vain', [{ kind: 'RETRY', outcome: 'NOT_SENT' }]],
  ])('R1: of one %s asks', async (_what, attempts) => {
    const shop = await aShop();
    const { id } = await shop.buy({ confirm: notSent });
    const known = async (ids: readonly string[]) => {
      const [own] = await shop.journal.attempts(ids);
      if (own === undefined) throw new Error('it has one');
      return attempts.map((change) => ({ ...own, ...change }));
    };
    const other = await aShop({ beside: shop, journal: () => ({ attempts: known }) });
    await other.retry(id);
    expect([other.count('confirm'), other.count('retry')]).toEqual([0, 1]);
  });

  it('of one that FAILED and may be tried again asks, as one that is newly in doubt', async () => {
    const shop = await aShop();
    const failed = await shop.buy({ reading: refused });
    shop.says.reading = bought;
    await shop.wait(1_000);
    const now = shop.world.wall;
    expect(got(await shop.retry(failed.id, 0))).toEqual({
      ...failed,
      ...{ status: 'UNRESOLVED', problem: null, settledAt: null, updatedAt: now, unresolvedSince: now },
      lastEvent: 3,
    });
    expect(got(await shop.retry(failed.id)).status).toBe('SUCCEEDED');
    expect(shop.count('confirm')).toBe(1);
  });

  it('of one in doubt asks once more, and forgets nothing of it', async () => {
    const shop = await aShop();
    const doubtful = await shop.buy({ confirm: lost, retry: lost });
    const again = got(await shop.retry(doubtful.id));
    expect(again).toMatchObject({ status: 'UNRESOLVED', checks: 1, problem: doubtful.problem });
    await shop.wait(1_000);
    shop.says.takesMs = 500;
    const now = shop.world.wall;
    const asking = got(await shop.retry(doubtful.id, 0));
    expect(asking).toEqual({ ...again, updatedAt: now });
    expect(asking.unresolvedSince).toEqual(doubtful.unresolvedSince);
    // While one asks, another that does the same only waits with it.
    expect(got(await shop.retry(doubtful.id, 5_000)).checks).toBe(2);
    expect(shop.count('retry')).toBe(2);
    expect(shop.slots()).toBe(0);
  });

  it('returns when it is concluded, or after the wait', async () => {
    const shop = await aShop();
    const { id } = await shop.buy({ reading: refused });
    Object.assign(shop.says, { reading: bought, takesMs: 3_000 });
    const began = shop.world.now;
    expect(got(await shop.retry(id, 1_000)).status).toBe('UNRESOLVED');
    expect(shop.world.now - began).toBe(1_000);
    expect(got(await shop.retry(id, 20_000)).status).toBe('SUCCEEDED');
    expect(shop.world.now - began).toBe(3_000);
    const waits = shop.sleeps.filter(({ ms }) => ms === 1_000 || ms === 20_000);
    expect(waits.filter(({ ms }) => ms === 20_000)).toMatchObject([{ signal: { aborted: true } }]);
  });

  it('waits for the instance that is at it', async () => {
    const shop = await aShop();
    const { id } = await shop.buy({ confirm: lost });
    const beside = await aShop({ beside: shop, instance: 'two' });
    beside.says.takesMs = 1_000;
    await beside.retry(id, 0);
    const began = shop.world.now;
    expect(got(await shop.retry(id, 500))).toMatchObject({ status: 'UNRESOLVED', owner: 'two' });
    expect(shop.world.now - began).toBe(500);
    expect(got(await shop.retry(id, 5_000)).status).toBe('SUCCEEDED');
    // It looks again every 200 ms.
    expect(shop.world.now - began).toBe(1_100);
    expect(shop.count('retry')).toBe(0);
    expect(shop.slots()).toBe(0);
  });

  it('is a problem when it cannot be recorded, and nothing was sent', async () => {
    const shop = await aShop();
    const { id } = await shop.buy({ confirm: lost });
    shop.says.failing = { startAttempt: 1 };
    expect(await shop.retry(id)).toEqual(
      unavailable('The retry could not be recorded, so it was not sent. Please try again.'),
    );
    await shop.wait(100);
    expect(shop.count('retry')).toBe(0);
    expect(shop.slots()).toBe(0);
  });

  it('that cannot be watched tells what was known', async () => {
    const shop = await aShop();
    const doubtful = await shop.buy({ confirm: lost });
    const asking = shop.service.retry({ id: doubtful.id, waitMs: 1_000 });
    shop.says.failing = { attempts: 1 };
    expect(await shop.play(asking)).toEqual(doubtful);
    expect(shop.told).toEqual(['a retry could not be watched']);
  });
});

describe('the reconciler’s check', () => {
  it('asks, and ends when it is concluded', async () => {
    const shop = await aShop();
    const doubtful = await shop.buy({ confirm: lost });
    await shop.play(shop.service.check(doubtful));
    expect(await shop.journal.purchase('id', doubtful.id)).toMatchObject({ status: 'SUCCEEDED' });
    expect(shop.slots()).toBe(0);
  });

  it('takes no place while nobody is known to be there', async () => {
    const shop = await aShop();
    const doubtful = await shop.buy({ confirm: lost });
    const admitted = shop.count('admit');
    shop.says.there = false;
    const message = 'The provider is not available at this moment.';
    await expect(shop.play(shop.service.check(doubtful))).rejects.toMatchObject({
      problem: problem({ type: 'UNAVAILABLE', code: 'circuit_open', message, retryable: true }),
    });
    expect(shop.count('admit')).toBe(admitted);
    shop.says.there = true;
    shop.says.place = { ...someProblem, code: 'gateway_busy' };
    await expect(shop.play(shop.service.check(doubtful))).rejects.toMatchObject({
      problem: { code: 'gateway_busy' },
    });
    expect(shop.count('retry')).toBe(0);
  });
});

describe('on behalf of a buyer', () => {
  const kiosk: Buyer = {
    ...{ name: 'kiosk', accounts: new Set([1]), mostPerPurchase: new Decimal('150') },
    ...{ mostPerDay: new Decimal('250'), mostPerDayByAll: null },
  };
  const tooMuch = (field: string): Problem => {
    const message = 'One purchase may be of BWP 150.00 at most.';
    const fields = [{ field, message }];
    return problem({ type: 'PERMISSION', code: 'limit_per_purchase', message, fields });
  };
  const ofTheDay = (field: string, left: string): Problem => {
    const message = `The limit of a day is BWP 250.00 for you, of which BWP ${left} is left today.`;
    return problem({ type: 'PERMISSION', code: 'limit_per_day', message, fields: [{ field, message }] });
  };
  const shopOf = async (buyer: Buyer) => {
    const shop = await aShop();
    const service = shop.service.as(buyer);
    const confirm = (from: Parameters<typeof service.confirm>[0]['from'], key = 'key') =>
      shop.play(service.confirm({ idempotencyKey: key, from, waitMs: 10_000 }));
    const retry = (id: string) => shop.play(service.retry({ id, waitMs: 10_000 }));
    return { ...shop, service, confirm, retry, whole: shop };
  };

  it('what is bought stands in the audit trail, and what is asked again, too', async () => {
    const shop = await shopOf(kiosk);
    shop.says.confirm = lost;
    const { id, createdAt } = got(await shop.confirm({ details: input }));
    await shop.retry(id);
    const entry = { actor: 'CALLER', name: 'kiosk', purchaseId: id, reason: null };
    expect(await shop.journal.auditTrail({ limit: 10 })).toMatchObject([
      { ...entry, action: 'RETRIED' },
      { ...entry, action: 'CONFIRMED', at: createdAt },
    ]);
  });

  it('more than one purchase may be of is refused before anything is sent', async () => {
    const shop = await shopOf(kiosk);
    expect(await shop.play(shop.service.validate(other.details))).toEqual(tooMuch('amount.amount'));
    expect(await shop.confirm(other)).toEqual(tooMuch('from.details.amount.amount'));
    const { id: quoteId } = await quoteOf(shop.whole, other.details);
    expect(await shop.confirm({ quoteId })).toEqual(tooMuch('from.quoteId'));
    expect([shop.count('validate'), shop.count('admit')]).toEqual([1, 0]);
    expect(await shop.play(shop.service.validate(input))).toMatchObject({ order });
  });

  it('more than the day allows is refused, and what FAILED is spent anew', async () => {
    const shop = await shopOf(kiosk);
    shop.says.reading = refused;
    const { id } = got(await shop.confirm({ details: input }, 'a'));
    shop.says.reading = bought;
    for (const key of ['b', 'c'])
      expect(got(await shop.confirm({ details: input }, key)).status).toBe('SUCCEEDED');
    expect(await shop.confirm({ details: input }, 'd')).toEqual(
      ofTheDay('from.details.amount.amount', '50.00'),
    );
    const { id: quoteId } = await quoteOf(shop.whole);
    expect(await shop.confirm({ quoteId }, 'd')).toEqual(ofTheDay('from.quoteId', '50.00'));
    expect(await shop.retry(id)).toEqual(ofTheDay('id', '50.00'));
    expect([shop.count('confirm'), shop.count('retry'), shop.slots()]).toEqual([3, 0, 0]);
  });

  it('what FAILED is not asked about when it is more than one purchase may be of by now; what is in doubt, is', async () => {
    const shop = await shopOf(kiosk);
    const dear = { from: other, waitMs: 10_000 };
    shop.says.reading = refused;
    const failed = got(await shop.whole.confirm({ ...dear, idempotencyKey: 'a' }));
    shop.says.confirm = lost;
    const doubtful = got(await shop.whole.confirm({ ...dear, idempotencyKey: 'b' }));
    expect(await shop.retry(failed.id)).toEqual(tooMuch('id'));
    shop.says.reading = bought;
    expect(got(await shop.retry(doubtful.id)).status).toBe('SUCCEEDED');
    expect(doubtful.order.amount).toEqual(bwp('200'));
  });

  it('other accounts are not there: to buy from, to ask about, or to take the key of', async () => {
    const shop = await shopOf(kiosk);
    const ofOther = { details: { ...input, accountId: 2 } };
    expect(await shop.confirm(ofOther)).toMatchObject({ fields: [{ field: 'from.details.accountId' }] });
    const bought = got(await shop.whole.confirm({ from: ofOther, waitMs: 10_000 }));
    expect(await shop.retry(bought.id)).toEqual(noSuch);
    const admitted = shop.count('admit');
    expect(await shop.confirm({ details: input })).toEqual(conflict);
    expect(shop.count('admit')).toBe(admitted);
    const { id: quoteId } = await quoteOf(shop.whole, { accountId: 2 });
    expect(await shop.confirm({ quoteId }, 'new')).toEqual(noQuote);
    // Not even whether what it would buy is the same.
    expect(await shop.confirm(ofOther)).toMatchObject({ code: 'invalid_input' });
    expect(shop.count('confirm')).toBe(1);
  });

  it('a key that another buyer takes at the same time is a conflict', async () => {
    const shop = await shopOf(kiosk);
    const ofOther = { details: { ...input, accountId: 2 } };
    const [whole, own] = await shop.play(
      Promise.all([
        shop.whole.service.confirm({ idempotencyKey: 'key', from: ofOther, waitMs: 0 }),
        shop.service.confirm({ idempotencyKey: 'key', from: { details: input }, waitMs: 0 }),
      ]),
    );
    expect(whole).toMatchObject({ status: 'PENDING' });
    expect(own).toEqual(conflict);
  });
});
