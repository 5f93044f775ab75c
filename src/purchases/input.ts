import { parsePhoneNumberFromString } from 'libphonenumber-js';

import {
  checkSubscriberId,
  type Account,
  type Product,
  type ProductType,
  type SourceChannel,
  type Surface,
} from './catalogue.ts';
import { currencyDecimals, Decimal, MAX_INTEGER_DIGITS } from './money.ts';
import { problem, type FieldProblem, type Problem } from './problem.ts';
import type { Order } from './purchase.ts';

/** A purchase as a client asks for it, unchecked. */
export interface PurchaseInput {
  readonly productType: ProductType;
  readonly providerCode: string;
  /** Null when what the client gave is no account id at all. */
  readonly accountId: number | null;
  readonly subscriberIdentifier: string;
  readonly beneficiaryPhoneNumber: string;
  readonly amount: { readonly amount: string; readonly currency: string };
  readonly chargesOnTop: boolean;
  readonly comment: string | null;
  readonly language: string;
  readonly sourceChannel: SourceChannel;
  readonly surface: Surface;
}

/** The input with what can be put in order without asking anybody: exact amount, E.164 phone, trimmed texts. */
export type Details = Omit<Order, 'provider' | 'accountId'> & {
  readonly providerCode: string;
  readonly accountId: number | null;
};

/** The upstream's limit is not known; a note of a line or two fits. */
const MAX_COMMENT_LENGTH = 255;
/** BCP 47 allows more, but no tag in use is longer. */
const MAX_LANGUAGE_LENGTH = 35;

const someAmount = new Decimal(0);

/** Reads the input. Every wrong field is told; `details` is only to be used when there is none. */
export function readDetails(input: PurchaseInput): { details: Details; wrong: FieldProblem[] } {
  const wrong: FieldProblem[] = [];
  const refuse = (field: string, message: string) => void wrong.push({ field, message });

  const currency = input.amount.currency.trim().toUpperCase();
  const amount = readAmount(input.amount.amount.trim(), currency, refuse);
  const phone = readPhone(input.beneficiaryPhoneNumber, refuse);
  const comment = input.comment?.trim() ?? '';
  if (comment.length > MAX_COMMENT_LENGTH) {
    refuse('comment', `The comment is too long: at most ${MAX_COMMENT_LENGTH} characters are allowed.`);
  }
  const language = input.language.trim();
  if (!isLanguageTag(language)) {
    refuse('language', 'The language is not a locale tag. Write it like en-BW or tn-BW.');
  }
  const details: Details = {
    surface: input.surface,
    productType: input.productType,
    providerCode: input.providerCode.trim(),
    accountId: input.accountId,
    subscriberIdentifier: input.subscriberIdentifier.trim(),
    beneficiaryPhoneNumber: phone,
    amount: { amount, currency },
    chargesOnTop: input.chargesOnTop,
    comment: comment === '' ? null : comment,
    language,
    sourceChannel: input.sourceChannel,
  };
  return { details, wrong };
}

/** Checks the details against what there is to buy and to debit. The order, or every further field that is wrong. */
export function placeOrder(
  details: Details,
  accounts: readonly Account[],
  products: readonly Product[],
): { order: Order; wrong: readonly FieldProblem[] } {
  const wrong: FieldProblem[] = [];
  const refuse = (field: string, message: string) => void wrong.push({ field, message });
  const { providerCode, accountId, ...rest } = details;

  const account = accounts.find(({ id }) => id === accountId);
  if (account === undefined) {
    refuse('accountId', 'There is no such account. Take an id from the accounts query.');
  } else if (
    account.currency !== details.amount.currency &&
    currencyDecimals(details.amount.currency) !== undefined
  ) {
    refuse('amount.currency', `This account is in ${account.currency}: the amount must be too.`);
  }

  const offered = products.filter(({ type }) => type === details.productType);
  const product =
    offered.find(({ providers }) => providers.some(({ code }) => code === providerCode)) ?? offered[0];
  const provider = product?.providers.find(({ code }) => code === providerCode);
  if (product === undefined) {
    const name = details.productType.toLowerCase();
    refuse(
      'productType',
      `There is no ${name} for sale on surface ${details.surface}. See the products query.`,
    );
  } else {
    if (provider === undefined) {
      const codes = product.providers.map(({ code }) => code).join(', ');
      refuse('providerCode', `There is no such provider. ${product.displayName} is sold by: ${codes}.`);
    }
    const misfit = checkSubscriberId(product.subscriberId, details.subscriberIdentifier);
    if (misfit !== null) refuse('subscriberIdentifier', misfit);
  }
  const order: Order = {
    ...rest,
    accountId: accountId ?? 0,
    provider: provider ?? { code: providerCode, name: providerCode },
  };
  return { order, wrong };
}

/** Whether the details ask for the very purchase that the order is. */
export function sameDetails(order: Order, details: Details): boolean {
  return (
    order.surface === details.surface &&
    order.productType === details.productType &&
    order.provider.code === details.providerCode &&
    order.accountId === details.accountId &&
    order.subscriberIdentifier === details.subscriberIdentifier &&
    order.beneficiaryPhoneNumber === details.beneficiaryPhoneNumber &&
    order.amount.currency === details.amount.currency &&
    order.amount.amount.equals(details.amount.amount) &&
    order.chargesOnTop === details.chargesOnTop &&
    order.comment === details.comment &&
    order.language === details.language &&
    order.sourceChannel === details.sourceChannel
  );
}

/** An order as details, to compare it with another. */
export function detailsOf({ provider, ...rest }: Order): Details {
  return { ...rest, providerCode: provider.code };
}

/** All wrong fields in one refusal. `at` is put before each path. */
export function invalidInput(wrong: readonly FieldProblem[], at = ''): Problem {
  const fields = wrong.map(({ field, message }) => ({ field: at + field, message }));
  return problem({
    type: 'INVALID_INPUT',
    code: 'invalid_input',
    message: fields.map(({ message }) => message).join(' '),
    fields,
  });
}

type Refuse = (field: string, message: string) => void;

function readAmount(text: string, currency: string, refuse: Refuse): Decimal {
  const decimals = currencyDecimals(currency);
  if (decimals === undefined) {
    refuse('amount.currency', 'This is no currency. Give its ISO 4217 code, such as BWP.');
  }
  const field = 'amount.amount';
  const match = /^(-?)0*(\d{0,64})(?:\.(\d{1,64}))?$/.exec(text);
  if (match === null || text === '' || text === '-') {
    refuse(field, 'The amount is not a decimal number. Write it like 100.00, as a string.');
    return someAmount;
  }
  const amount = new Decimal(text);
  if (amount.isNegative() || amount.isZero()) {
    refuse(field, 'The amount must be more than zero.');
  } else if ((match[2] ?? '').length > MAX_INTEGER_DIGITS) {
    refuse(field, `The amount is too large: at most ${MAX_INTEGER_DIGITS} digits before the point.`);
  } else if (decimals !== undefined && amount.decimalPlaces() > decimals) {
    refuse(field, `The amount has too many decimals: ${currency} has ${decimals}.`);
  }
  return amount;
}

function readPhone(text: string, refuse: Refuse): string {
  const trimmed = text.trim();
  const international = trimmed.startsWith('+') ? trimmed : `+${trimmed}`;
  const phone = parsePhoneNumberFromString(international, { extract: false });
  // Possible, not valid: numbering plans gain ranges faster than a library's tables do, and the upstream checks again.
  if (phone?.isPossible() !== true) {
    refuse(
      'beneficiaryPhoneNumber',
      'This is no phone number. Write it with its country code, such as +26771436390.',
    );
    return trimmed;
  }
  return phone.number;
}

function isLanguageTag(tag: string): boolean {
  if (tag.length > MAX_LANGUAGE_LENGTH) return false;
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
