import { describe, expect, it } from 'vitest';

import {
  askedAgainByHand,
  mayLandUntil,
  readByHand,
  readFinding,
  settledByHand,
  whyNotByHand,
  type FindingInput,
} from '../../src/purchases/by-hand.ts';
import { problem } from '../../src/purchases/problem.ts';
import type { Ended } from '../../src/purchases/journal.ts';
import { canRetry, type AttemptOutcome, type Purchase } from '../../src/purchases/purchase.ts';
import { anOrder, aPurchase, bwp, someProblem, someTime } from '../support/domain.ts';

const typed: FindingInput = {
  status: 'SUCCEEDED',
  keyChangeTokens: [],
  tokens: ['1234 5678-9012 3456 7890'],
  anyLength: false,
  receiptNumber: null,
  upstreamReference: null,
  total: null,
};
const noTokens = { tokens: [] };
const found = (change: Partial<FindingInput>, order = anOrder()) =>
  readFinding(order, { ...typed, ...change });
const later = new Date(someTime.getTime() + 1_000);

describe('what a person found', () => {
  it('is read: tokens in groups, the receipt, the reference and the total', () => {
    const { finding, wrong } = found({
      keyChangeTokens: ['1'.repeat(20), '2'.repeat(20)],
      receiptNumber: ' R1 ',
      upstreamReference: 'SP-1',
      total: '102.50',
    });
    expect(wrong).toEqual([]);
    expect(finding).toEqual({
      status: 'SUCCEEDED',
      tokens: [
        { kind: 'KEY_CHANGE', digits: '1'.repeat(20) },
        { kind: 'KEY_CHANGE', digits: '2'.repeat(20) },
        { kind: 'CREDIT', digits: '12345678901234567890' },
      ],
      receiptNumber: 'R1',
      upstreamReference: 'SP-1',
      total: bwp('102.50'),
    });
  });

  it('needs no token for airtime, nor where it FAILED', () => {
    expect(found(noTokens, anOrder({ productType: 'AIRTIME' })).wrong).toEqual([]);
    expect(found({ ...noTokens, status: 'FAILED' }).wrong).toEqual([]);
    expect(found({ ...noTokens, status: 'FAILED', upstreamReference: 'SP-1' }).wrong).toEqual([]);
  });

  it('may have tokens of another length where that is meant', () => {
    expect(found({ tokens: ['12345'], anyLength: true }).finding.tokens).toEqual([
      { kind: 'CREDIT', digits: '12345' },
    ]);
  });

  it.each<[field: string, what: string, change: Partial<FindingInput>]>([
    ['token', 'no token', noTokens],
    ['token', 'only key-change tokens', { tokens: [], keyChangeTokens: ['1'.repeat(20)] }],
    ['token', 'a letter', { tokens: ['1234567890123456789O'] }],
    ['token', 'nothing in it', { tokens: [' '] }],
    ['token', 'a digit too few', { tokens: ['1'.repeat(19)] }],
    ['token', 'a digit too many', { tokens: ['1'.repeat(21)] }],
    ['token', 'far too many', { tokens: ['1'.repeat(101)], anyLength: true }],
    ['token', 'one twice', { tokens: ['1'.repeat(20), '1111 '.repeat(5)] }],
    ['keyChange', 'a wrong key-change token', { keyChangeTokens: ['12'] }],
    ['receiptNumber', 'an empty receipt', { receiptNumber: ' ' }],
    ['upstreamReference', 'an endless reference', { upstreamReference: 'x'.repeat(201) }],
    ['total', 'no amount', { total: 'BWP 1' }],
    ['total', 'a comma', { total: '1,50' }],
    ['total', 'a negative', { total: '-1' }],
    ['total', 'too many decimals', { total: '1.505' }],
    ['total', 'too large', { total: '1'.repeat(13) }],
    ['token', 'tokens of a failure', { status: 'FAILED' }],
    ['token', 'a receipt of a failure', { ...noTokens, status: 'FAILED', receiptNumber: 'r' }],
    ['token', 'a total of a failure', { ...noTokens, status: 'FAILED', total: '1' }],
  ])('is refused at %s for %s, without telling a token', (field, _what, change) => {
    const { wrong } = found(change);
    expect(wrong.map((one) => one.field)).toContain(field);
    expect(JSON.stringify(wrong).replace('1234 5678 9012 3456 7890', '')).not.toMatch(/\d{4}/);
  });

  it.each([
    ['author', '', 'a reason'],
    ['author', 'x'.repeat(201), 'a reason'],
    ['reason', 'kagiso', ' \n '],
    ['reason', 'kagiso', 'x'.repeat(1_001)],
  ])('needs a fair %s', (field, author, reason) => {
    expect(readByHand({ author, reason }).wrong).toMatchObject([{ field }]);
  });

  it('is signed without the blanks around', () => {
    expect(readByHand({ author: ' kagiso ', reason: ' seen\n' })).toEqual({
      byHand: { author: 'kagiso', reason: 'seen' },
      wrong: [],
    });
  });
});

describe('what is wrong with it', () => {
  const digits = 'must be digits, in groups or not, such as "1234 5678 9012 3456 7890"';
  const missing = 'is missing: a purchase that SUCCEEDED has its token, which ScratchPower can tell';
  const ofFailure = 'a purchase that FAILED has no token, no receipt and no total: leave them out';
  const text = 'must have 1 to 200 characters, or be left out';
  const amount = 'must be an amount of BWP with at most 2 decimals, such as 102.50';
  const length = (n: number) => `has ${n} digits where a token has 20: look again, or say --any-length`;

  it.each<[what: string, change: Partial<FindingInput>, wrong: [field: string, message: string][]]>([
    ['no token', noTokens, [['token', missing]]],
    ['a letter before', { tokens: ['x12345678901234567890'] }, [['token', digits]]],
    ['a letter after', { tokens: ['12345678901234567890x'] }, [['token', digits]]],
    ['19 digits', { tokens: ['1'.repeat(19)] }, [['token', length(19)]]],
    ['100 digits', { tokens: ['1'.repeat(100)] }, [['token', length(100)]]],
    ['101 digits', { tokens: ['1'.repeat(101)], anyLength: true }, [['token', digits]]],
    ['a key-change token of 21', { keyChangeTokens: ['1'.repeat(21)] }, [['keyChange', length(21)]]],
    [
      'a token twice',
      { keyChangeTokens: ['1'.repeat(20)], tokens: ['1'.repeat(20)] },
      [['token', 'is given twice: give each token once']],
    ],
    ['a blank receipt', { receiptNumber: ' ' }, [['receiptNumber', text]]],
    ['a reference of 201', { upstreamReference: 'x'.repeat(201) }, [['upstreamReference', text]]],
    ['13 digits of total', { total: '1'.repeat(13) }, [['total', amount]]],
    ['3 decimals', { total: '1.234' }, [['total', amount]]],
    ['a word before the total', { total: 'about 1' }, [['total', amount]]],
    ['a word after the total', { total: '1 or so' }, [['total', amount]]],
    ['tokens of a failure', { status: 'FAILED' }, [['token', ofFailure]]],
    [
      'a receipt of a failure',
      { ...noTokens, status: 'FAILED', receiptNumber: 'R1' },
      [['token', ofFailure]],
    ],
    ['a total of a failure', { ...noTokens, status: 'FAILED', total: '0' }, [['token', ofFailure]]],
  ])('with %s is told in a sentence', (_what, change, wrong) => {
    expect(found(change).wrong).toEqual(wrong.map(([field, message]) => ({ field, message })));
  });

  it('leaves nothing of a wrong token in the finding', () => {
    expect(found({ tokens: ['what', '1'.repeat(19)] }).finding.tokens).toEqual([]);
  });

  it('is nothing at the very limits', () => {
    const limits = {
      ...{ tokens: ['1'.repeat(100)], anyLength: true, total: ` ${'1'.repeat(12)}.05 ` },
      ...{ receiptNumber: 'r'.repeat(200), upstreamReference: ` ${'x'.repeat(198)} ` },
    };
    const { finding, wrong } = found(limits);
    expect(wrong).toEqual([]);
    expect(finding).toEqual({
      status: 'SUCCEEDED',
      tokens: [{ kind: 'CREDIT', digits: '1'.repeat(100) }],
      ...{ receiptNumber: 'r'.repeat(200), upstreamReference: 'x'.repeat(198) },
      total: bwp('111111111111.05'),
    });
    expect(found({ total: '7' }).finding.total).toEqual(bwp('7'));
  });

  it('counts the decimals of the currency', () => {
    const inYen = anOrder({ amount: { ...bwp('1'), currency: 'JPY' } });
    expect(found({ total: '1.5' }, inYen).wrong).toEqual([
      { field: 'total', message: 'must be an amount of JPY with at most 0 decimals, such as 102.50' },
    ]);
    const unknown = anOrder({ amount: { ...bwp('1'), currency: 'QQQ' } });
    expect(found({ total: '1.50' }, unknown).wrong).toEqual([]);
    expect(found({ total: '1.505' }, unknown).wrong).toHaveLength(1);
  });

  it('airtime’s tokens are of no kind', () => {
    const airtime = anOrder({ productType: 'AIRTIME' });
    expect(found({}, airtime).finding.tokens).toEqual([{ kind: 'OTHER', digits: '12345678901234567890' }]);
  });

  it('who decides and why have their limits, too', () => {
    const [author, reason] = ['a'.repeat(200), 'r'.repeat(1_000)];
    expect(readByHand({ author, reason })).toEqual({ byHand: { author, reason }, wrong: [] });
    const wrong = [
      { field: 'author', message: 'tell who decides, in 1 to 200 characters' },
      { field: 'reason', message: 'tell how you know, in 1 to 1000 characters: it is kept for ever' },
    ];
    expect(readByHand({ author: ' ', reason: '' }).wrong).toEqual(wrong);
    expect(readByHand({ author: `${author}a`, reason: `${reason}r` }).wrong).toEqual(wrong);
  });
});

describe('settled by hand', () => {
  const doubtful = aPurchase({
    status: 'UNRESOLVED',
    ...{ checks: 7, nextCheckAt: later, deniedInARow: 1, unresolvedSince: someTime, problem: someProblem },
    charges: { entry: bwp('100'), net: null, total: bwp('1'), charge: bwp('2.50'), commission: null },
  });
  const settled = {
    ...{ updatedAt: later, settledAt: later, checks: 0, nextCheckAt: null, deniedInARow: 0 },
    unresolvedSince: null,
  };

  it('SUCCEEDED has what was found, and nobody asks any more', () => {
    const { finding } = found({ receiptNumber: 'R1', upstreamReference: 'SP-1', total: '102.50' });
    expect(settledByHand(doubtful, finding, later)).toEqual({
      ...settled,
      status: 'SUCCEEDED',
      problem: null,
      tokens: [{ kind: 'CREDIT', digits: '12345678901234567890' }],
      ...{ receiptNumber: 'R1', upstreamReference: 'SP-1' },
      charges: { ...doubtful.charges, total: bwp('102.50') },
    });
    const priceless = settledByHand(aPurchase({ status: 'UNRESOLVED' }), finding, later);
    expect(priceless.charges).toMatchObject({ entry: null, total: bwp('102.50') });
    expect(settledByHand(doubtful, found({}).finding, later).charges).toEqual(doubtful.charges);
  });

  it('FAILED can never be charged later, and tells a customer no more than that', () => {
    const change = settledByHand(doubtful, found({ ...noTokens, status: 'FAILED' }).finding, later);
    expect(change).toEqual({
      ...{ ...settled, status: 'FAILED', upstreamReference: null },
      problem: problem({
        ...{ type: 'UNAVAILABLE', code: 'settled_by_hand' },
        message:
          'We have checked: this purchase was not made and nothing was charged for it. Please buy anew.',
      }),
    });
    expect(canRetry({ status: 'FAILED', problem: change.problem ?? null })).toBe(false);
  });

  it('asking again makes it due at once; one that was given up begins anew', () => {
    expect(askedAgainByHand(doubtful, later)).toEqual({
      ...{ status: 'UNRESOLVED', updatedAt: later, nextCheckAt: later },
    });
    expect(askedAgainByHand({ ...doubtful, status: 'NEEDS_ATTENTION' }, later)).toEqual({
      ...{ status: 'UNRESOLVED', nextCheckAt: later, unresolvedSince: later, checks: 0, deniedInARow: 0 },
      ...{ updatedAt: later, settledAt: null },
      problem: problem({
        ...{ type: 'UNAVAILABLE', code: 'outcome_unknown' },
        message: 'We are finding out again what became of this purchase; please do not buy again.',
      }),
    });
  });

  it('what was refused is told why', () => {
    const why = (change: Partial<Purchase>) =>
      whyNotByHand({ refused: 'NOT_IN_DOUBT', purchase: { ...doubtful, problem: null, ...change } });
    expect(whyNotByHand({ refused: null, purchase: doubtful })).toBeNull();
    expect(whyNotByHand({ refused: 'IN_FLIGHT', purchase: doubtful })).toBe(
      'A call to ScratchPower about this purchase is under way. Wait for its end and look again; where no gateway runs, start one: it picks it up.',
    );
    expect(why({ status: 'SUCCEEDED' })).toBe('This purchase SUCCEEDED, which never changes.');
    for (const status of ['PENDING', 'UNRESOLVED', 'NEEDS_ATTENTION'] as const) {
      expect(why({ status })).toBe(`This purchase is ${status}. Wait for its end and look again.`);
    }
    const forGood = 'This purchase FAILED for good: nothing was charged. Buy again with a new key.';
    expect(why({ status: 'FAILED' })).toBe(forGood);
    expect(why({ status: 'FAILED', problem: someProblem })).toBe(forGood);
    expect(why({ status: 'FAILED', problem: { ...someProblem, retryable: true } })).toBe(
      'This purchase FAILED: nothing was charged. It can be tried again with retryPurchase of the GraphQL API.',
    );
  });
});

describe('what was sent may still be processed', () => {
  const attempt = (outcome: AttemptOutcome, finishedAt: Date | null = someTime) => ({ outcome, finishedAt });

  it.each<[what: string, attempts: readonly Ended[], until: Date | null]>([
    ['where it is not known what came of it', [attempt('UNKNOWN')], later],
    ['of which the later one counts', [attempt('UNKNOWN', new Date(0)), attempt('UNKNOWN')], later],
    ['also before one that was never sent', [attempt('UNKNOWN'), attempt('NOT_SENT')], later],
    ['not where nothing was sent', [attempt('NOT_SENT')], null],
    ['not where there is an outcome', [attempt('SUCCEEDED'), attempt('REFUSED')], null],
    ['not where there is nothing', [], null],
  ])('%s', (_what, attempts, until) => {
    expect(mayLandUntil(attempts, 1_000, someTime)).toEqual(until);
    expect(mayLandUntil(attempts, 1_000, new Date(later.getTime() - 1))).toEqual(until);
    expect(mayLandUntil(attempts, 1_000, later)).toBeNull();
  });
});
