import type { ProductType, PurchaseInput } from '../gateway/operations.ts';

/** The form as it is typed. */
export interface Draft {
  readonly productType: ProductType;
  readonly providerCode: string;
  readonly accountId: string;
  readonly identifier: string;
  readonly amount: string;
  readonly phone: string;
}

export type Field = 'providerCode' | 'accountId' | 'identifier' | 'amount' | 'phone';

/** A meter as it is printed, in groups, is the same meter. */
export const withoutSpaces = (text: string) => text.replaceAll(/[\s-]/g, '');

/** Botswana's own numbers are typed without their country code. */
export function phoneOf(text: string): string {
  const digits = withoutSpaces(text);
  return /^7\d{7}$/.test(digits) ? `+267${digits}` : digits;
}

export function amountFits(text: string): boolean {
  return /^\d{1,12}(\.\d{1,2})?$/.test(text) && !/^[0.]+$/.test(text);
}

export function phoneFits(text: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(phoneOf(text));
}

export function inputOf(draft: Draft, currency: string, language: string): PurchaseInput {
  return {
    productType: draft.productType,
    providerCode: draft.providerCode,
    accountId: draft.accountId,
    subscriberIdentifier: withoutSpaces(draft.identifier),
    beneficiaryPhoneNumber: phoneOf(draft.phone),
    amount: { amount: draft.amount.trim(), currency },
    language,
    sourceChannel: 'WEB',
  };
}
