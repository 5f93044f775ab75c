import { describe, expect, test } from 'vitest';

import type { Journal } from '../../src/purchases/journal.ts';
import { Decimal } from '../../src/purchases/money.ts';
import {
  answer,
  begun,
  bwp,
  finish,
  later,
  newAttempt,
  newId,
  newPurchase,
  newQuote,
  NOON,
  order,
  refusal,
  to,
  trace,
} from './fixtures.ts';

export function beginSuite(name: string, fresh: () => Promise<Journal>): void {
  describe(`${name}: quotes`, () => {
    test('a quote comes back as it was saved', async () => {
      const journal = await fresh();
      const quote = newQuote();
      await journal.saveQuote(quote);
      await journal.saveQuote(newQuote());
      expect(await journal.quotes([quote.id, 'no-such-quote'])).toEqual([quote]);
      expect(await journal.quotes([])).toEqual([]);
    });

    test('purging deletes what expired before the instant, and tells how many', async () => {
      const journal = await fresh();
      const [old, edge] = [newQuote({ expiresAt: later(-1) }), newQuote({ expiresAt: NOON })];
      await journal.saveQuote(old);
      await journal.saveQuote(edge);
      expect(await journal.purgeQuotes(NOON)).toBe(1);
      expect(await journal.quotes([old.id, edge.id])).toEqual([edge]);
      expect(await journal.purgeQuotes(NOON)).toBe(0);
    });

    test('a purchase keeps the id of a quote that is purged', async () => {
      const journal = await fresh();
      const quote = newQuote({ expiresAt: later(-1) });
      await journal.saveQuote(quote);
      const { purchase } = await journal.begin(newPurchase({ quoteId: quote.id }), newAttempt());
      await journal.purgeQuotes(NOON);
      expect((await journal.purchase('id', purchase.id))?.quoteId).toBe(quote.id);
    });
  });

  describe(`${name}: beginning`, () => {
    test('begin writes the purchase, its first attempt and its first event', async () => {
      const journal = await fresh();
      const wanted = newPurchase();
      const attempt = newAttempt();
      const result = await journal.begin(wanted, attempt);
      expect(result.purchase).toEqual({ ...wanted, lastEvent: 1, owner: journal.instance });
      const written = {
        ...attempt,
        purchaseId: wanted.id,
        number: 1,
        outcome: 'IN_FLIGHT',
        finishedAt: null,
        problem: null,
        answer: null,
        answerBlottedAt: null,
      };
      expect(result.attempt).toEqual(written);
      expect(await trace(journal, wanted.id)).toEqual({
        purchase: result.purchase,
        attempts: [written],
        events: [{ position: 1, at: NOON, purchase: result.purchase, byHand: null }],
        lastPosition: 1,
      });
      expect(await journal.inFlight()).toEqual([{ purchase: result.purchase, attempt: written }]);
    });

    test('a taken key gives the purchase that has it, as it is now, and writes nothing', async () => {
      const { journal, purchase, first } = await begun(fresh, { idempotencyKey: 'k' });
      const settled = await finish(journal, first, to('SUCCEEDED'));
      const before = await trace(journal, purchase.id);
      const other = newPurchase({ idempotencyKey: 'k', order: { accountId: 99 } });
      expect(await journal.begin(other, newAttempt())).toEqual({ purchase: settled, attempt: null });
      expect(await trace(journal, purchase.id)).toEqual(before);
      expect(await journal.purchase('id', other.id)).toBeUndefined();
    });

    test('of a hundred that begin with one key at once, one is created and all get it', async () => {
      const journal = await fresh();
      const results = await Promise.all(
        Array.from({ length: 100 }, () =>
          journal.begin(newPurchase({ idempotencyKey: 'the-key' }), newAttempt()),
        ),
      );
      expect(results.filter(({ attempt }) => attempt !== null)).toHaveLength(1);
      expect(new Set(results.map(({ purchase }) => purchase.id)).size).toBe(1);
      expect(await journal.lastPosition()).toBe(1);
      expect(await journal.page({ limit: 100, inverted: false })).toHaveLength(1);
    });

    test('keys differ by every character', async () => {
      const journal = await fresh();
      const keys = [
        '',
        'a',
        'A',
        ' a',
        'a ',
        'a\u0000',
        'a\u0000b',
        'é',
        'e\u0301',
        '\ud800',
        '\udc00',
        '"',
        '\\',
      ];
      for (const idempotencyKey of keys) {
        const { attempt } = await journal.begin(newPurchase({ idempotencyKey }), newAttempt());
        expect(attempt, JSON.stringify(idempotencyKey)).not.toBeNull();
      }
      for (const key of keys) {
        expect((await journal.purchase('idempotencyKey', key))?.idempotencyKey).toBe(key);
      }
    });

    test('a reference or an id that is in use under another key is an error, and writes nothing', async () => {
      const { journal, purchase } = await begun(fresh);
      const { id, reference } = purchase;
      await expect(journal.begin(newPurchase({ reference }), newAttempt())).rejects.toThrow();
      await expect(
        journal.begin(newPurchase({ id, idempotencyKey: 'other' }), newAttempt()),
      ).rejects.toThrow();
      expect(await journal.lastPosition()).toBe(1);
      expect(await journal.page({ limit: 10, inverted: false })).toEqual([purchase]);
    });

    test('an id that was not made at createdAt, or another status than PENDING, is refused', async () => {
      const journal = await fresh();
      const refused = [
        newPurchase({ id: newId(later(1)) }),
        newPurchase({ id: 'one' }),
        newPurchase({ id: newId().toUpperCase() }),
        newPurchase({ status: 'SUCCEEDED' }),
      ];
      for (const purchase of refused) {
        await expect(journal.begin(purchase, newAttempt())).rejects.toThrow(/purchase/);
      }
      expect(await journal.lastPosition()).toBe(0);
    });
  });

  describe(`${name}: what is kept, exactly`, () => {
    test('every field of a purchase survives', async () => {
      const journal = await fresh();
      const wanted = newPurchase({
        idempotencyKey: 'ключ\u0000\ud83d\ude00"\\',
        reference: 'référence',
        quoteId: newId(),
        order: {
          ...order,
          surface: 'CURRENT',
          productType: 'WATER',
          provider: { code: '', name: 'Water ⚡ Utilities' },
          accountId: Number.MAX_SAFE_INTEGER,
          subscriberIdentifier: '00\u00001',
          amount: bwp('999999999999.01'),
          chargesOnTop: true,
          comment: 'line\r\n\ttab \u0000 \ud800 ‮ 😀 \\u0041 \u2028',
          sourceChannel: 'SMS_MO',
        },
      });
      await journal.begin(wanted, newAttempt({ requestId: 'r\u0000"' }));
      const change = to('SUCCEEDED', {
        upstreamReference: 'SP-1',
        subscriber: { identifier: '00\u00001', name: '', address: 'Plot 1\nGaborone' },
        charges: { entry: bwp('0.1'), net: bwp('0.20'), total: bwp('0.3'), charge: null, commission: null },
        tokens: [
          { kind: 'KEY_CHANGE', digits: '00000000000000000001' },
          { kind: 'CREDIT', digits: '12345678901234567890' },
        ],
        units: { value: new Decimal('0.000000000000000000001234567890123456789'), unit: 'kWh' },
        receiptNumber: '',
        problem: refusal,
        settledAt: later(5),
        checks: 3,
        nextCheckAt: later(86_400_000),
        deniedInARow: 1,
        unresolvedSince: new Date(0),
      });
      const result = await finish(journal, { purchaseId: wanted.id, number: 1 }, change);
      expect(result).toEqual({ ...wanted, ...change, lastEvent: 2, owner: journal.instance });
      expect(result.units?.value.toFixed()).toBe('0.000000000000000000001234567890123456789');
      expect(await journal.purchase('id', wanted.id)).toEqual(result);
      expect(await journal.purchase('reference', 'référence')).toEqual(result);
      expect(await journal.purchase('idempotencyKey', wanted.idempotencyKey)).toEqual(result);
      expect(await journal.purchases([wanted.id, newId()])).toEqual([result]);
      const filter = { subscriberIdentifier: '00\u00001', accountId: Number.MAX_SAFE_INTEGER };
      expect(await journal.page({ filter, limit: 1, inverted: false })).toEqual([result]);
      expect((await journal.attempts([wanted.id]))[0]?.requestId).toBe('r\u0000"');
    });

    test.each([
      ['empty', ''],
      ['JSON', '{"token":"1234\\u0000","x":"\\\\"}'],
      ['NUL and lone surrogates', 'before\u0000after\ud800\udc00\udc00\ud800'],
      ['one MiB of quotes, lines and emoji', '"é\n😀\\'.repeat(1 << 17)],
    ])('an answer survives: %s', async (_, body) => {
      const { journal, id, first } = await begun(fresh);
      const kept = answer({ status: 503, body, complete: false, retryAfterSeconds: 1.5 });
      await journal.keepAnswer(first, kept);
      const [attempt] = await journal.attempts([id]);
      expect(attempt?.answer?.body === body).toBe(true);
      expect({ ...attempt?.answer, body: '' }).toEqual({ ...kept, body: '' });
    });
  });
}
