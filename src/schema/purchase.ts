import {
  canRetry,
  purchaseStatuses,
  vendTokenKinds,
  type Purchase,
  type Units,
  type VendToken,
} from '../purchases/purchase.ts';
import { guardedBy, reached, rules } from './access.ts';
import { AccountRef } from './account.ts';
import { AttemptRef } from './attempt.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { ProductTypeEnum, SurfaceEnum, values } from './enums.ts';
import { resolveGlobal } from './global-id.ts';
import { MoneyRef } from './money.ts';
import { ProblemRef } from './problem.ts';
import { ProviderRef } from './product.ts';
import { ChargesRef, SubscriberRef } from './quote.ts';

export const PurchaseStatusEnum = builder.enumType('PurchaseStatus', {
  description: 'What has become of a purchase.',
  values: values(purchaseStatuses, {
    PENDING: 'Recorded; ScratchPower’s answer is awaited. Watch it with purchaseUpdated.',
    SUCCEEDED: 'Bought: the tokens are here. Final.',
    FAILED: 'Refused for certain: nothing was charged. Show `problem.message`.',
    UNRESOLVED: 'The answer was lost. The gateway is finding out; never confirm again, watch or wait.',
    NEEDS_ATTENTION: 'The gateway could not find out in time. A person must look; retryPurchase tries again.',
  }),
});

const VendTokenKindEnum = builder.enumType('VendTokenKind', {
  description: 'What a token does.',
  values: values(vendTokenKinds, {
    CREDIT: 'Adds the units that were bought.',
    KEY_CHANGE: 'Changes the meter’s key; to be keyed in before the credit token, in the order given.',
    OTHER: 'Something else.',
  }),
});

/** Of a purchase, whose audit trail tells who was shown it. */
interface TokenOf extends VendToken {
  readonly purchaseId: string;
}

/** What is as good as cash is given out once the audit trail tells to whom. */
function onceRevealed(
  { purchaseId }: TokenOf,
  { domain, loaders }: Context,
  secret: string,
): string | Promise<string> {
  if (domain.purchases.isRevealed(purchaseId)) return secret;
  return loaders.reveal.load(purchaseId).then(() => secret);
}

const VendTokenRef = builder.objectRef<TokenOf>('VendToken').implement({
  extensions: reached,
  description: 'A number that the customer keys into the meter. As good as cash: show it to the buyer alone.',
  fields: (t) => ({
    kind: t.expose('kind', { type: VendTokenKindEnum, description: 'What it does.' }),
    digits: t.string({
      nullable: true,
      description:
        'Digits only, commonly 20. Null for a caller who may not see tokens (scope `tokens:read`). Who is given them stands in the gateway’s audit trail.',
      authScopes: rules.readTokens,
      unauthorizedResolver: () => null,
      resolve: (token, _args, context) => onceRevealed(token, context, token.digits),
    }),
    formatted: t.string({
      nullable: true,
      description: 'In groups of four, as a customer types it: `1234 5678 9012 3456 7890`. Null likewise.',
      authScopes: rules.readTokens,
      unauthorizedResolver: () => null,
      resolve: (token, _args, context) =>
        onceRevealed(token, context, token.digits.replace(/(.{4})(?=.)/g, '$1 ')),
    }),
  }),
});

const UnitsRef = builder.objectRef<Units>('Units').implement({
  extensions: reached,
  description: 'How much was bought.',
  fields: (t) => ({
    value: t.field({
      type: 'Decimal',
      description: 'The quantity, such as `"54.3"`: without zeros at its end.',
      resolve: ({ value }) => value.toFixed(),
    }),
    unit: t.exposeString('unit', { nullable: true, description: 'Of what, such as kWh, where it is told.' }),
  }),
});

export const PurchaseRef = builder.objectRef<Purchase>('Purchase');

builder.node(PurchaseRef, {
  extensions: guardedBy(rules.readOrBuy),
  description: 'One purchase, from the moment it was recorded.',
  id: { resolve: ({ id }) => id },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'idempotencyKey' in value,
  fields: (t) => ({
    reference: t.exposeString('reference', {
      description: 'The gateway’s own reference, which ScratchPower knows as external_reference.',
    }),
    upstreamReference: t.exposeString('upstreamReference', {
      nullable: true,
      description: 'ScratchPower’s reference, once it is known.',
    }),
    status: t.expose('status', { type: PurchaseStatusEnum, description: 'What has become of it.' }),
    surface: t.field({
      type: SurfaceEnum,
      description: 'Where it is bought.',
      resolve: ({ order }) => order.surface,
    }),
    productType: t.field({
      type: ProductTypeEnum,
      description: 'What is bought.',
      resolve: ({ order }) => order.productType,
    }),
    provider: t.field({ type: ProviderRef, description: 'Of whom.', resolve: ({ order }) => order.provider }),
    account: t.field({
      type: AccountRef,
      nullable: true,
      authScopes: rules.readAccounts,
      description: 'What is debited. Null when it is not there any more.',
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
      nullable: true,
      description: 'What it costs; null until that is known.',
      resolve: ({ charges }) => charges,
    }),
    tokens: t.field({
      type: [VendTokenRef],
      description:
        'Empty until SUCCEEDED; a key-change vend has several, in the order to be keyed in. Airtime may have none.',
      resolve: ({ id, tokens }) => tokens.map((token) => ({ ...token, purchaseId: id })),
    }),
    units: t.field({
      type: UnitsRef,
      nullable: true,
      description: 'How much was bought, once it is known.',
      resolve: ({ units }) => units,
    }),
    receiptNumber: t.exposeString('receiptNumber', {
      nullable: true,
      description: 'The provider’s, once it is known.',
    }),
    comment: t.string({
      nullable: true,
      description: 'What you noted with it.',
      resolve: ({ order }) => order.comment,
    }),
    problem: t.field({
      type: ProblemRef,
      nullable: true,
      description: 'Why it failed, or what is in doubt; null when it is going well.',
      resolve: ({ problem }) => problem,
    }),
    canRetry: t.boolean({ description: 'Whether retryPurchase would do anything now.', resolve: canRetry }),
    attempts: t.field({
      type: [AttemptRef],
      description: 'Every call to ScratchPower about it, first to last.',
      resolve: ({ id }, _args, { loaders }) => loaders.attempts.load(id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was recorded.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    settledAt: t.expose('settledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it became SUCCEEDED or FAILED; null before.',
    }),
  }),
});

const PurchaseBy = builder.inputType('PurchaseBy', {
  description: 'How to find a purchase: give exactly one.',
  isOneOf: true,
  fields: (t) => ({
    id: t.id({ description: 'The opaque id of the purchase.' }),
    reference: t.string({ description: 'The gateway’s reference of the purchase.' }),
    idempotencyKey: t.string({ description: 'The key with which it was confirmed.' }),
  }),
});

builder.queryField('purchase', (t) =>
  t.field({
    type: PurchaseRef,
    nullable: true,
    authScopes: rules.readPurchases,
    description: 'One purchase; null when there is none.',
    args: { by: t.arg({ type: PurchaseBy, required: true, description: 'How to find it.' }) },
    resolve: (_root, { by }, { domain: { journal } }) => {
      if (by.reference != null) return journal.purchase('reference', by.reference);
      if (by.idempotencyKey != null) return journal.purchase('idempotencyKey', by.idempotencyKey);
      const id = resolveGlobal('Purchase', by.id);
      return id === null ? null : journal.purchase('id', id);
    },
  }),
);
