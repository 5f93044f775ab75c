import { describe, expect, it } from 'vitest';

import type { Account, Product } from '../../src/purchases/catalogue.ts';
import {
  detailsOf,
  invalidInput,
  placeOrder,
  readDetails,
  sameDetails,
  type PurchaseInput,
} from '../../src/purchases/input.ts';
import { problem } from '../../src/purchases/problem.ts';
import { anOrder, bwp } from '../support/domain.ts';

const good: PurchaseInput = {
  productType: 'ELECTRICITY',
  providerCode: 'BPC',
  accountId: 13209,
  subscriberIdentifier: '04040404040',
  beneficiaryPhoneNumber: '26771436390',
  amount: { amount: '100.00', currency: 'BWP' },
  chargesOnTop: true,
  comment: null,
  language: 'en-BW',
  sourceChannel: 'WEB',
  surface: 'V1',
};
const account: Account = {
  ...{ id: 13209, name: 'Wallet', currency: 'BWP', category: 'CURRENT', type: 'WALLET', status: 'ACTIVE' },
  ...{ rank: 1, balance: null },
};
const electricity: Product = {
  type: 'ELECTRICITY',
  displayName: 'Electricity',
  subscriberId: {
    label: 'Meter Number',
    minLength: 11,
    maxLength: 13,
    pattern: '^[0-9]{11,13}$',
    hint: null,
  },
  providers: [{ code: 'BPC', name: 'Botswana Power Corporation' }],
  surfaces: ['V1', 'CURRENT'],
};

const wrongFields = (change: Partial<PurchaseInput>) => {
  const { details, wrong } = readDetails({ ...good, ...change });
  return [...wrong, ...placeOrder(details, [account], [electricity]).wrong].map(({ field }) => field);
};
const amount = (text: string, currency = 'BWP') => ({ amount: { amount: text, currency } });

describe('the input of a purchase', () => {
  it('becomes an exact, normalised order', () => {
    const { details, wrong } = readDetails({ ...good, comment: '  ', subscriberIdentifier: ' 04040404040 ' });
    expect(wrong).toEqual([]);
    expect(placeOrder(details, [account], [electricity])).toEqual({ order: anOrder(), wrong: [] });
  });

  it.each<[string, Partial<PurchaseInput>, string]>([
    ['zero', amount('0.00'), 'amount.amount'],
    ['negative', amount('-5'), 'amount.amount'],
    ['three decimals of a currency with two', amount('1.001'), 'amount.amount'],
    ['thirteen digits', amount('1234567890123'), 'amount.amount'],
    ['a word', amount('ten'), 'amount.amount'],
    ['an exponent', amount('1e3'), 'amount.amount'],
    ['nothing', amount(''), 'amount.amount'],
    ['a currency that is none', amount('100', 'XXQ'), 'amount.currency'],
    ['a currency that the account has not', amount('100', 'ZAR'), 'amount.currency'],
    ['a meter too short', { subscriberIdentifier: '0404040404' }, 'subscriberIdentifier'],
    ['a meter too long', { subscriberIdentifier: '04040404040404' }, 'subscriberIdentifier'],
    ['a meter with a letter', { subscriberIdentifier: '0404040404a' }, 'subscriberIdentifier'],
    ['a meter in foreign digits', { subscriberIdentifier: '٠٤٠٤٠٤٠٤٠٤٠' }, 'subscriberIdentifier'],
    ['no meter', { subscriberIdentifier: '' }, 'subscriberIdentifier'],
    ['a phone too short', { beneficiaryPhoneNumber: '+26771' }, 'beneficiaryPhoneNumber'],
    ['a phone in a sentence', { beneficiaryPhoneNumber: 'call 26771436390' }, 'beneficiaryPhoneNumber'],
    ['no phone', { beneficiaryPhoneNumber: '' }, 'beneficiaryPhoneNumber'],
    ['an unknown account', { accountId: 1 }, 'accountId'],
    ['an account id that is none', { accountId: null }, 'accountId'],
    ['an unknown provider', { providerCode: 'NOPE' }, 'providerCode'],
    ['a product that is not sold', { productType: 'WATER' }, 'productType'],
    ['a language that is none', { language: 'not a tag' }, 'language'],
    ['a comment too long', { comment: 'x'.repeat(256) }, 'comment'],
  ])('is refused with %s, at its field', (_name, change, field) => {
    expect(wrongFields(change)).toEqual([field]);
  });

  it('tells every wrong field at once', () => {
    const wrong = wrongFields({
      ...amount('0'),
      ...{ accountId: 1, providerCode: 'NOPE', subscriberIdentifier: '1', beneficiaryPhoneNumber: '1' },
    });
    const fields = [
      'amount.amount',
      'beneficiaryPhoneNumber',
      'accountId',
      'providerCode',
      'subscriberIdentifier',
    ];
    expect(wrong.sort()).toEqual(fields.sort());
  });

  it.each(['100', '100.0', '0100.00', '100.000', ' 100 '])('takes %j for one hundred', (text) => {
    const { details, wrong } = readDetails({ ...good, ...amount(text) });
    expect(wrong).toEqual([]);
    expect(sameDetails(anOrder(), details)).toBe(true);
  });

  it.each<[string, Partial<PurchaseInput>]>([
    ['amount', amount('100.01')],
    ['meter', { subscriberIdentifier: '04040404099' }],
    ['phone', { beneficiaryPhoneNumber: '+26771436391' }],
    ['charges', { chargesOnTop: false }],
    ['comment', { comment: 'rent' }],
    ['surface', { surface: 'CURRENT' }],
    ['account', { accountId: 2 }],
    ['product', { productType: 'AIRTIME' }],
    ['provider', { providerCode: 'OTHER' }],
    ['currency', amount('100.00', 'ZAR')],
    ['language', { language: 'tn-BW' }],
    ['channel', { sourceChannel: 'USSD' }],
  ])('is another purchase with another %s', (_name, change) => {
    expect(sameDetails(anOrder(), readDetails({ ...good, ...change }).details)).toBe(false);
  });
});

const pula = { subscriberId: { ...electricity.subscriberId, label: 'Meter' } };
const solar: Product = {
  ...{ ...electricity, ...pula, displayName: 'Solar' },
  providers: [
    { code: 'SUN', name: 'Sun' },
    { code: 'SKY', name: 'Sky' },
  ],
};
/** Every complaint about the input, in order. */
const complaints = (change: Partial<PurchaseInput>, products = [electricity], accounts = [account]) => {
  const { details, wrong } = readDetails({ ...good, ...change });
  return [...wrong, ...placeOrder(details, accounts, products).wrong].map(
    ({ field, message }) => `${field}: ${message}`,
  );
};

describe('what is wrong with the input', () => {
  const noNumber = 'amount.amount: The amount is not a decimal number. Write it like 100.00, as a string.';
  const notMore = 'amount.amount: The amount must be more than zero.';
  const tooLarge = 'amount.amount: The amount is too large: at most 12 digits before the point.';
  const noCurrency = 'amount.currency: This is no currency. Give its ISO 4217 code, such as BWP.';
  const noPhone =
    'beneficiaryPhoneNumber: This is no phone number. Write it with its country code, such as +26771436390.';
  const noTag = 'language: The language is not a locale tag. Write it like en-BW or tn-BW.';
  const longTag = `en-x-${'abcdefgh-'.repeat(3)}abc`;

  it.each<[what: string, change: Partial<PurchaseInput>, said: string[]]>([
    ['no amount', amount(''), [noNumber]],
    ['a sign alone', amount('-'), [noNumber]],
    ['a plus', amount('+1'), [noNumber]],
    ['a point alone', amount('.'), [noNumber]],
    ['a number and a word', amount('1 pula'), [noNumber]],
    ['a word and a number', amount('BWP 1'), [noNumber]],
    ['zero', amount('000.00'), [notMore]],
    ['less', amount('-0.01'), [notMore]],
    ['13 digits', amount('1000000000000'), [tooLarge]],
    ['a decimal too many', amount('1.001'), ['amount.amount: The amount has too many decimals: BWP has 2.']],
    [
      'a decimal of none',
      amount('1.5', 'JPY'),
      [
        'amount.amount: The amount has too many decimals: JPY has 0.',
        'amount.currency: This account is in BWP: the amount must be too.',
      ],
    ],
    ['no such currency', amount('1.23456', 'QQQ'), [noCurrency]],
    [
      'the currency of another account',
      amount('1', 'zar'),
      ['amount.currency: This account is in BWP: the amount must be too.'],
    ],
    ['no phone', { beneficiaryPhoneNumber: ' ' }, [noPhone]],
    ['a phone in a sentence', { beneficiaryPhoneNumber: '+267 71436390 (home)' }, [noPhone]],
    ['two phones', { beneficiaryPhoneNumber: '26771436390+' }, [noPhone]],
    [
      'a comment of 256',
      { comment: 'x'.repeat(256) },
      ['comment: The comment is too long: at most 255 characters are allowed.'],
    ],
    ['no language', { language: ' ' }, [noTag]],
    ['a language of 36 characters', { language: `${longTag}d` }, [noTag]],
    ['no language tag', { language: 'e' }, [noTag]],
    [
      'no such account',
      { accountId: 2 },
      ['accountId: There is no such account. Take an id from the accounts query.'],
    ],
    [
      'no such product',
      { productType: 'WATER', surface: 'CURRENT' },
      ['productType: There is no water for sale on surface CURRENT. See the products query.'],
    ],
    [
      'no such provider',
      { providerCode: 'NOPE' },
      ['providerCode: There is no such provider. Electricity is sold by: BPC.'],
    ],
    [
      'no meter',
      { subscriberIdentifier: ' ' },
      ['subscriberIdentifier: Meter Number is missing. Meter Number: 11 to 13 characters.'],
    ],
  ])('is told in a sentence for %s', (_what, change, said) => {
    expect(complaints(change)).toEqual(said);
  });

  it('is told of the product that the provider sells, or of the first', () => {
    const products = [electricity, solar];
    expect(complaints({ providerCode: 'SKY', subscriberIdentifier: '' }, products)).toEqual([
      'subscriberIdentifier: Meter is missing. Meter: 11 to 13 characters.',
    ]);
    expect(complaints({ providerCode: 'NOPE' }, [solar, electricity])).toEqual([
      'providerCode: There is no such provider. Solar is sold by: SUN, SKY.',
    ]);
  });

  it('is nothing at the very limits', () => {
    for (const change of [
      amount('999999999999.99'),
      amount('0.01'),
      amount('0000000000000000100'),
      { comment: 'x'.repeat(255) },
      { language: longTag },
      { beneficiaryPhoneNumber: ' 26771436390 ' },
      { providerCode: ' BPC ' },
    ]) {
      expect(complaints(change), JSON.stringify(change)).toEqual([]);
    }
    expect(longTag).toHaveLength(35);
  });
});

describe('what can be put in order', () => {
  it('is: blanks around, small letters of a currency, the plus of a phone', () => {
    const { details } = readDetails({
      ...{ ...good, providerCode: ' BPC ', beneficiaryPhoneNumber: ' +26771436390 ' },
      ...{ amount: { amount: ' 1.5 ', currency: ' bwp ' }, comment: ' rent ', language: ' tn-BW ' },
    });
    expect(details).toEqual({
      ...detailsOf(anOrder()),
      ...{ amount: bwp('1.5'), comment: 'rent', language: 'tn-BW' },
    });
    expect(readDetails({ ...good, beneficiaryPhoneNumber: ' 12 ' }).details.beneficiaryPhoneNumber).toBe(
      '12',
    );
  });

  it('an order compares with itself', () => {
    expect(sameDetails(anOrder(), detailsOf(anOrder()))).toBe(true);
  });

  it('what is not known stands in the order as it was given', () => {
    const { details } = readDetails({ ...good, accountId: null, providerCode: 'NOPE' });
    expect(placeOrder(details, [account], [electricity]).order).toEqual(
      anOrder({ accountId: 0, provider: { code: 'NOPE', name: 'NOPE' } }),
    );
  });
});

describe('a refusal of the input', () => {
  const wrong = [
    { field: 'comment', message: 'Too long.' },
    { field: 'language', message: 'None.' },
  ];

  it('tells every field, by its path in the whole', () => {
    expect(invalidInput(wrong, 'from.details.')).toEqual(
      problem({
        ...{ type: 'INVALID_INPUT', code: 'invalid_input', message: 'Too long. None.' },
        fields: [
          { field: 'from.details.comment', message: 'Too long.' },
          { field: 'from.details.language', message: 'None.' },
        ],
      }),
    );
    expect(invalidInput(wrong).fields).toEqual(wrong);
  });
});
