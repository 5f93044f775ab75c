import { accountCategories, productTypes, sourceChannels, surfaces } from '../purchases/catalogue.ts';
import { builder } from './builder.ts';

/** Enum values with a description each. */
export function values<const T extends string>(_all: readonly T[], described: Readonly<Record<T, string>>) {
  return Object.fromEntries(
    Object.entries<string>(described).map(([value, description]) => [value, { value, description }]),
  ) as Record<T, { value: T; description: string }>;
}

export const SurfaceEnum = builder.enumType('Surface', {
  description:
    'Which of ScratchPower’s two REST APIs is used behind the gateway. Most clients need not care.',
  values: values(surfaces, {
    V1: 'ScratchPower v1: electricity, airtime and water.',
    CURRENT: 'ScratchPower’s Current API: legacy, electricity only.',
  }),
});

export const ProductTypeEnum = builder.enumType('ProductType', {
  description: 'What kind of thing is bought.',
  values: values(productTypes, {
    ELECTRICITY: 'Prepaid electricity; the purchase yields tokens to be keyed into the meter.',
    AIRTIME: 'Mobile airtime, credited to the number itself; usually without a token.',
    WATER: 'Prepaid water; the purchase yields a token.',
  }),
});

export const AccountCategoryEnum = builder.enumType('AccountCategory', {
  description: 'What an account is for.',
  values: values(accountCategories, {
    CURRENT: 'The wallet that purchases are paid from.',
    COMMISSION: 'Where the commission that you earn is paid to.',
    TOPUP: 'For topping up other accounts.',
    OTHER: 'Something that ScratchPower added since.',
  }),
});

export const SourceChannelEnum = builder.enumType('SourceChannel', {
  description: 'Through what the customer buys.',
  values: values(sourceChannels, {
    WEB: 'A web page.',
    SMART_APP: 'An app on a phone.',
    USSD: 'A USSD menu.',
    BATCH: 'A batch without a person.',
    POS: 'A till. On surface V1 only.',
    SMS_MO: 'A text message from the customer. On surface CURRENT only.',
  }),
});
