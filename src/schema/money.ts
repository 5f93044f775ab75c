import { formatAmount, type Money } from '../purchases/money.ts';
import { reached } from './access.ts';
import { builder } from './builder.ts';

export const MoneyRef = builder.objectRef<Money>('Money').implement({
  extensions: reached,
  description: 'An amount of money.',
  fields: (t) => ({
    amount: t.field({
      type: 'Decimal',
      description: 'In whole units of the currency, with all its decimals: `"102.50"` is BWP 102.50.',
      resolve: formatAmount,
    }),
    currency: t.expose('currency', { type: 'Currency', description: 'The currency of the amount.' }),
  }),
});

export const MoneyInput = builder.inputType('MoneyInput', {
  description: 'An amount of money, to be paid.',
  fields: (t) => ({
    amount: t.field({
      type: 'Decimal',
      required: true,
      description:
        'More than zero, at most 12 digits before the point and no more decimals than the currency has: `"100.00"`.',
    }),
    currency: t.field({ type: 'Currency', required: true, description: 'That of the account that pays.' }),
  }),
});
