import type { Charges, Quote, Subscriber } from '../purchases/purchase.ts';
import { guardedBy, reached, rules } from './access.ts';
import { AccountRef } from './account.ts';
import { builder } from './builder.ts';
import { ProductTypeEnum, SurfaceEnum } from './enums.ts';
import { MoneyRef } from './money.ts';
import { ProviderRef } from './product.ts';

export const SubscriberRef = builder.objectRef<Subscriber>('Subscriber').implement({
  extensions: reached,
  description:
    'What the provider tells of the meter’s or the number’s owner. Show it, so that the customer can check.',
  fields: (t) => ({
    identifier: t.exposeString('identifier', { description: 'The meter or phone number.' }),
    name: t.exposeString('name', { nullable: true, description: 'The owner’s name, where it is told.' }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The owner’s address, where it is told.',
    }),
  }),
});

const charges = {
  entry: 'The amount that was asked for.',
  net: 'What is left for the product itself.',
  total: 'What is debited in all.',
  charge: 'The charges: on top of the amount or out of it.',
  commission: 'What you earn.',
} as const;

export const ChargesRef = builder.objectRef<Charges>('Charges').implement({
  extensions: reached,
  description: 'What a purchase costs. Each part is null where the provider does not tell it.',
  fields: (t) => {
    const part = (name: keyof typeof charges) =>
      t.field({ type: MoneyRef, nullable: true, description: charges[name], resolve: (all) => all[name] });
    return {
      entry: part('entry'),
      net: part('net'),
      total: part('total'),
      charge: part('charge'),
      commission: part('commission'),
    };
  },
});

export const QuoteRef = builder.objectRef<Quote>('Quote');

builder.node(QuoteRef, {
  extensions: guardedBy(rules.readOrBuy),
  description:
    'A priced, checked offer: what validatePurchase returns. Confirm it by its id before it expires. It is not used up by that: confirmed again with another idempotency key, it is bought and charged again.',
  id: { resolve: ({ id }) => id },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'expiresAt' in value,
  fields: (t) => ({
    surface: t.field({
      type: SurfaceEnum,
      description: 'Where it would be bought.',
      resolve: ({ order }) => order.surface,
    }),
    productType: t.field({
      type: ProductTypeEnum,
      description: 'What would be bought.',
      resolve: ({ order }) => order.productType,
    }),
    provider: t.field({ type: ProviderRef, description: 'Of whom.', resolve: ({ order }) => order.provider }),
    account: t.field({
      type: AccountRef,
      nullable: true,
      authScopes: rules.readAccounts,
      description: 'What would be debited. Null when it is not there any more.',
      resolve: ({ order }, _args, { loaders }) => loaders.account.load(order.accountId),
    }),
    subscriber: t.field({
      type: SubscriberRef,
      description: 'For whom.',
      resolve: ({ subscriber }) => subscriber,
    }),
    beneficiaryPhoneNumber: t.field({
      type: 'PhoneNumber',
      description: 'The phone that is told about the purchase.',
      resolve: ({ order }) => order.beneficiaryPhoneNumber,
    }),
    amount: t.field({
      type: MoneyRef,
      description: 'The amount asked for.',
      resolve: ({ order }) => order.amount,
    }),
    chargesOnTop: t.boolean({
      description: 'True: charges are paid on top of the amount. False: they are deducted from it.',
      resolve: ({ order }) => order.chargesOnTop,
    }),
    charges: t.field({
      type: ChargesRef,
      description: 'What it would cost.',
      resolve: ({ charges: all }) => all,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when it can be confirmed.' }),
  }),
});
