import { isProblem, type Problem } from '../purchases/problem.ts';
import type { PurchaseInput as DomainInput } from '../purchases/input.ts';
import type { Purchase, Quote } from '../purchases/purchase.ts';
import { rules } from './access.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { ProductTypeEnum, SourceChannelEnum, SurfaceEnum } from './enums.ts';
import { accountNumberOf, resolveGlobal } from './global-id.ts';
import { MoneyInput } from './money.ts';
import { ProblemRef } from './problem.ts';
import { PurchaseRef } from './purchase.ts';
import { QuoteRef } from './quote.ts';

const DEFAULT_WAIT_MS = 15_000;
/** Each is a call upstream and two writes of the record: worth a page of reading. */
const MUTATION_COST = 100;

const PurchaseInput = builder.inputType('PurchaseInput', {
  description: 'What to buy, for whom, and what pays.',
  fields: (t) => ({
    productType: t.field({ type: ProductTypeEnum, required: true, description: 'What to buy.' }),
    providerCode: t.string({ required: true, description: 'Of whom: a code from `products`, such as BPC.' }),
    accountId: t.id({ required: true, description: 'What pays: an id from `accounts`.' }),
    subscriberIdentifier: t.string({
      required: true,
      description: 'The meter or phone number, written as the product’s `subscriberId` says.',
    }),
    beneficiaryPhoneNumber: t.field({
      type: 'PhoneNumber',
      required: true,
      description: 'The phone that is told about the purchase, such as `+26771436390`.',
    }),
    amount: t.field({
      type: MoneyInput,
      required: true,
      description: 'How much, in the account’s currency.',
    }),
    chargesOnTop: t.boolean({
      defaultValue: true,
      description: 'True: charges are paid on top of the amount. False: they are deducted from it.',
    }),
    comment: t.string({ description: 'A note of your own, at most 255 characters.' }),
    language: t.string({
      defaultValue: 'en-BW',
      description: 'A locale tag; ScratchPower’s messages come in its language.',
    }),
    sourceChannel: t.field({
      type: SourceChannelEnum,
      defaultValue: 'WEB',
      description: 'Through what the customer buys.',
    }),
    surface: t.field({ type: SurfaceEnum, description: 'Only to override the configured surface.' }),
  }),
});

const ConfirmSource = builder.inputType('ConfirmSource', {
  description: 'What to confirm: give exactly one.',
  isOneOf: true,
  fields: (t) => ({
    quoteId: t.id({
      description:
        'Confirm exactly what was quoted. A quote is not used up by that: another idempotency key buys it again.',
    }),
    details: t.field({ type: PurchaseInput, description: 'Buy without a quote.' }),
  }),
});

const ConfirmPurchaseInput = builder.inputType('ConfirmPurchaseInput', {
  description: 'A purchase to be made, once.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description:
        'Chosen by you, once per purchase, 1 to 255 characters; a UUID is fine. The same key returns the same purchase, for ever; with other details it is a CONFLICT.',
    }),
    from: t.field({ type: ConfirmSource, required: true, description: 'What to buy.' }),
    waitMs: t.int({
      defaultValue: DEFAULT_WAIT_MS,
      description:
        'How many milliseconds to wait for the outcome, 0 to 60000. Returns as soon as the purchase is SUCCEEDED, FAILED or UNRESOLVED; PENDING when it is none of these by then.',
    }),
  }),
});

const RetryPurchaseInput = builder.inputType('RetryPurchaseInput', {
  description: 'A purchase to ask about again.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The opaque id of the purchase.' }),
    waitMs: t.int({
      defaultValue: DEFAULT_WAIT_MS,
      description: 'How many milliseconds to wait for the answer, 0 to 60000.',
    }),
  }),
});

const ofQuote = (value: Quote | Problem) => (isProblem(value) ? ProblemRef : QuoteRef);
const ofPurchase = (value: Purchase | Problem) => (isProblem(value) ? ProblemRef : PurchaseRef);

const ValidatePurchaseResult = builder.unionType('ValidatePurchaseResult', {
  description: 'A quote, or why there is none.',
  types: [QuoteRef, ProblemRef],
  resolveType: ofQuote,
});
const ConfirmPurchaseResult = builder.unionType('ConfirmPurchaseResult', {
  description: 'The purchase, whatever became of it; or why none was recorded.',
  types: [PurchaseRef, ProblemRef],
  resolveType: ofPurchase,
});
const RetryPurchaseResult = builder.unionType('RetryPurchaseResult', {
  description: 'The purchase as it is after asking, or why it was not asked about.',
  types: [PurchaseRef, ProblemRef],
  resolveType: ofPurchase,
});

/** An explicit null means the default, as leaving it out does. */
function inputOf(input: typeof PurchaseInput.$inferInput, { domain }: Context): DomainInput {
  return {
    ...input,
    accountId: accountNumberOf(input.accountId),
    chargesOnTop: input.chargesOnTop ?? true,
    comment: input.comment ?? null,
    language: input.language ?? 'en-BW',
    sourceChannel: input.sourceChannel ?? 'WEB',
    surface: input.surface ?? domain.catalogue.defaultSurface,
  };
}

function sourceOf({ quoteId, details }: typeof ConfirmSource.$inferInput, context: Context) {
  return details == null
    ? { quoteId: resolveGlobal('Quote', quoteId) }
    : { details: inputOf(details, context) };
}

// Each begins by forgetting what was read: in one operation they go one after the other, and the one before may have bought.
builder.mutationFields((t) => ({
  validatePurchase: t.field({
    type: ValidatePurchaseResult,
    authScopes: rules.buy,
    description:
      'Checks the subscriber with the provider and prices the purchase. Changes nothing; repeat it freely.',
    args: { input: t.arg({ type: PurchaseInput, required: true, description: 'What would be bought.' }) },
    complexity: MUTATION_COST,
    resolve: async (_root, { input }, context) => {
      context.loaders.clear();
      return (
        (await context.admit()) ??
        context.domain.purchases.validate(inputOf(input, context), context.signal, context.requestId)
      );
    },
  }),
  confirmPurchase: t.field({
    type: ConfirmPurchaseResult,
    authScopes: rules.buy,
    description:
      'Buys. Charges at most once per idempotency key, whatever fails in between; goes on even if you leave. Not sure whether it arrived? Send the very same again.',
    args: {
      input: t.arg({
        type: ConfirmPurchaseInput,
        required: true,
        description: 'What to buy, and your key for it.',
      }),
    },
    complexity: MUTATION_COST,
    resolve: (_root, { input: { idempotencyKey, from, waitMs } }, context) => {
      context.loaders.clear();
      return context.domain.purchases.confirm(
        { idempotencyKey, from: sourceOf(from, context), waitMs: waitMs ?? DEFAULT_WAIT_MS },
        context.signal,
        context.admit,
        context.requestId,
      );
    },
  }),
  retryPurchase: t.field({
    type: RetryPurchaseResult,
    authScopes: rules.buy,
    description:
      'Asks ScratchPower again about a purchase that failed or is unresolved. Never charges twice.',
    args: { input: t.arg({ type: RetryPurchaseInput, required: true, description: 'Which purchase.' }) },
    complexity: MUTATION_COST,
    resolve: async (_root, { input: { id, waitMs } }, { domain, admit, loaders, requestId }) => {
      loaders.clear();
      return (
        (await admit()) ??
        domain.purchases.retry(
          { id: resolveGlobal('Purchase', id), waitMs: waitMs ?? DEFAULT_WAIT_MS },
          requestId,
        )
      );
    },
  }),
}));
