import { describe, expect, it } from 'vitest';

import { mandateOf, overDayLimit, overPurchaseLimit, sees, type Buyer } from '../../src/purchases/buyer.ts';
import { dayOf } from '../../src/purchases/day.ts';
import { DayLimitError, IllegalMoveError } from '../../src/purchases/journal.ts';
import { Decimal } from '../../src/purchases/money.ts';
import { isProblem, problem, ProblemError } from '../../src/purchases/problem.ts';
import { aPurchase, bwp, someProblem } from '../support/domain.ts';

const buyer: Buyer = {
  ...{ name: 'kiosk', accounts: new Set([7]), mostPerPurchase: new Decimal('100') },
  ...{ mostPerDay: new Decimal('500'), mostPerDayByAll: null },
};

describe('a buyer', () => {
  it('sees its own accounts, and all where none are named', () => {
    expect([7, 8].map((accountId) => sees(buyer, { accountId }))).toEqual([true, false]);
    expect(sees({ accounts: new Set() }, { accountId: 7 })).toBe(false);
    expect(sees({ accounts: undefined }, { accountId: 8 })).toBe(true);
  });

  it('spends on the day of ScratchPower’s books', () => {
    expect(mandateOf(buyer, new Date('2026-03-01T22:00:00.000Z'))).toEqual({
      ...{ caller: 'kiosk', day: '2026-03-02', mostByCaller: new Decimal('500'), mostByAll: null },
    });
    expect(dayOf(new Date('2026-03-01T21:59:59.999Z'))).toBe('2026-03-01');
  });

  it('may spend its limit of one purchase, and no thebe more', () => {
    expect(overPurchaseLimit(buyer, bwp('100.00'), 'amount.amount')).toBeNull();
    expect(
      overPurchaseLimit({ ...buyer, mostPerPurchase: null }, bwp('1000000'), 'amount.amount'),
    ).toBeNull();
    const message = 'One purchase may be of BWP 100.00 at most.';
    expect(overPurchaseLimit(buyer, bwp('100.01'), 'amount.amount')).toEqual(
      problem({
        ...{ type: 'PERMISSION', code: 'limit_per_purchase', message },
        fields: [{ field: 'amount.amount', message }],
      }),
    );
  });

  it.each([
    ['CALLER', 'for you'],
    ['INTEGRATION', 'for all callers together'],
  ] as const)('is told what the day’s limit of the %s leaves', (whose, who) => {
    const over = new DayLimitError(whose, new Decimal('500'), new Decimal('20.5'));
    const message = `The limit of a day is BWP 500.00 ${who}, of which BWP 20.50 is left today.`;
    expect(overDayLimit(over, bwp('30'), 'id')).toEqual(
      problem({
        ...{ type: 'PERMISSION', code: 'limit_per_day', message },
        fields: [{ field: 'id', message }],
      }),
    );
  });
});

describe('an error of the domain', () => {
  it('says what it is', () => {
    expect(new IllegalMoveError('p1', 'SUCCEEDED', 'FAILED')).toMatchObject({
      ...{ name: 'IllegalMoveError', message: 'purchase p1 may not move from SUCCEEDED to FAILED' },
    });
    expect(new DayLimitError('CALLER', new Decimal(1), new Decimal(0))).toMatchObject({
      ...{ name: 'DayLimitError', message: 'the limit of the day does not allow it' },
    });
    const cause = new Error('why');
    expect(new ProblemError(someProblem, { cause })).toMatchObject({
      ...{ name: 'ProblemError', message: someProblem.message, problem: someProblem, cause },
    });
  });

  it('is a problem when it has all that one has', () => {
    expect(problem({ type: 'INTERNAL', code: 'c', message: 'm' })).toEqual({
      ...{
        type: 'INTERNAL',
        code: 'c',
        message: 'm',
        retryable: false,
        retryAfter: null,
        docUrl: null,
        requestId: null,
        fields: [],
      },
    });
    expect(isProblem(someProblem)).toBe(true);
    expect(isProblem(aPurchase())).toBe(false);
    expect(isProblem({ retryable: true })).toBe(false);
    expect(isProblem({ fields: [] })).toBe(false);
  });
});
