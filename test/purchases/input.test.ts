import { describe, expect, it } from 'vitest';

import type { Account, Product } from '../../src/purchases/catalogue.ts';
import { placeOrder, readDetails, sameDetails, type PurchaseInput } from '../../src/purchases/input.ts';
import { anOrder } from '../support/domain.ts';

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
  ])('is another purchase with another %s', (_name, change) => {
    expect(sameDetails(anOrder(), readDetails({ ...good, ...change }).details)).toBe(false);
  });
});
