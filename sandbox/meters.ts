import { Decimal } from 'decimal.js';

export type ProductType = 'ELECTRICITY' | 'AIRTIME' | 'WATER';

/** Why a provider refuses, as v1 names it; on Current it is an 810 with the same sentence. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A subscriber that the sandbox knows, and what a purchase on it does. */
export interface TestSubscriber {
  readonly identifier: string;
  readonly productType: ProductType;
  readonly what: string;
  /** Providers that know it; all of the product's when left out. */
  readonly providers?: readonly string[];
  readonly name: string;
  readonly address: string;
  readonly refusal?: Refusal;
  /** Charges, in per cent of the amount. */
  readonly tariffPercent?: number;
  /** A fixed charge; an amount at or below it is too low. */
  readonly fixedCharge?: number;
  readonly tokens: 0 | 1 | 3;
}

const owner = { name: 'K. MOTHIBI', address: 'PLOT 50370, GABORONE' };
const electric = { productType: 'ELECTRICITY', tokens: 1, ...owner } as const;
const refused = (code: string, message: string) => ({ refusal: { code, message } });

/** The contract's test meters, and the sandbox's own numbers for airtime and water. */
export const testSubscribers: readonly TestSubscriber[] = [
  { ...electric, identifier: '04040404040', what: 'active, 11 digits: the happy path' },
  {
    ...electric,
    identifier: '04040404099',
    what: 'active, a tariff charge of 5 % applies',
    tariffPercent: 5,
  },
  {
    ...electric,
    identifier: '04040404107',
    what: 'active, tariff charge and a sub-account split (7.5 % in all)',
    tariffPercent: 7.5,
  },
  {
    ...electric,
    identifier: '04040404461',
    what: 'fixed charge of BWP 1000: an amount at or below it is too low',
    fixedCharge: 1000,
  },
  {
    ...electric,
    identifier: '04040404081',
    what: 'blocked customer',
    ...refused('meter_blocked', 'This meter is blocked. Please contact your provider.'),
  },
  {
    ...electric,
    identifier: '04040404057',
    what: 'purchases blocked',
    ...refused('meter_purchases_blocked', 'Purchases are blocked on this meter.'),
  },
  {
    ...electric,
    identifier: '04040404065',
    what: 'may buy only until the outstanding debt is paid',
    ...refused('meter_debt_outstanding', 'This meter has an outstanding debt. Please pay it first.'),
  },
  {
    ...electric,
    identifier: '04040404073',
    what: 'account-level transaction block',
    ...refused('meter_transactions_blocked', 'Transactions are blocked on this account.'),
  },
  {
    ...electric,
    identifier: '04240297236',
    what: 'not found or disconnected',
    ...refused('meter_not_found', 'This meter was not found or is disconnected.'),
  },
  {
    ...electric,
    identifier: '04040404198',
    what: 'key-change: three tokens; fixed charge of BWP 1000',
    fixedCharge: 1000,
    tokens: 3,
  },
  { ...electric, identifier: '0404040404000', what: 'active, 13 digits' },
  {
    ...owner,
    identifier: '71436390',
    productType: 'AIRTIME',
    what: 'active number; airtime comes without a token',
    tokens: 0,
  },
  { ...owner, identifier: '74000001', productType: 'AIRTIME', what: 'active number', tokens: 0 },
  {
    ...owner,
    identifier: '79999999',
    productType: 'AIRTIME',
    what: 'blocked number',
    tokens: 0,
    ...refused('number_blocked', 'This number is blocked.'),
  },
  { ...owner, identifier: '5000001', productType: 'WATER', what: 'active water meter', tokens: 1 },
  {
    ...owner,
    identifier: '5000002',
    productType: 'WATER',
    what: 'blocked water meter',
    tokens: 1,
    ...refused('meter_blocked', 'This meter is blocked. Please contact your provider.'),
  },
];

export const products = [
  {
    product_type: 'ELECTRICITY',
    display_name: 'Electricity',
    subscriber_id_label: 'Meter Number',
    subscriber_id_min_length: 11,
    subscriber_id_max_length: 13,
    subscriber_id_pattern: '^[0-9]{11,13}$',
    subscriber_id_hint: '11 to 13 digits, as printed on the meter',
    providers: [{ code: 'BPC', name: 'Botswana Power Corporation' }],
  },
  {
    product_type: 'AIRTIME',
    display_name: 'Airtime',
    subscriber_id_label: 'Mobile Number',
    subscriber_id_min_length: 8,
    subscriber_id_max_length: 8,
    subscriber_id_pattern: '^7[0-9]{7}$',
    subscriber_id_hint: null,
    providers: [
      { code: 'MASCOM', name: 'Mascom' },
      { code: 'ORANGE', name: 'Orange Botswana' },
      { code: 'BTC', name: 'Botswana Telecommunications Corporation' },
    ],
  },
  {
    product_type: 'WATER',
    display_name: 'Water',
    subscriber_id_label: 'Water Meter Number',
    subscriber_id_min_length: 7,
    subscriber_id_max_length: 10,
    subscriber_id_pattern: '^[0-9]{7,10}$',
    subscriber_id_hint: null,
    providers: [{ code: 'WUC', name: 'Water Utilities Corporation' }],
  },
] as const;

export interface Price {
  readonly entry: Decimal;
  readonly net: Decimal;
  readonly total: Decimal;
  readonly charge: Decimal;
  readonly commission: Decimal;
}

/** The convenience charge of every purchase, and the seller's commission, in per cent of the amount. */
const BASE_CHARGE_PERCENT = 2.5;
const COMMISSION_PERCENT = 1.2;

/** Exact to the thebe, halves up. Charges on top: net is the amount; else they are taken out of it. */
export function price(subscriber: TestSubscriber, amount: Decimal, chargesOnTop: boolean): Price | Refusal {
  const percent = (rate: number) => amount.mul(rate).div(100).toDecimalPlaces(2, Decimal.ROUND_HALF_UP);
  const fixed = subscriber.fixedCharge;
  if (fixed !== undefined && amount.lessThanOrEqualTo(fixed)) {
    return {
      code: 'purchase_amount_too_low',
      message: `The amount is too low: this meter has a fixed charge of BWP ${fixed}.00.`,
    };
  }
  const charge = percent(BASE_CHARGE_PERCENT + (subscriber.tariffPercent ?? 0)).add(fixed ?? 0);
  const net = chargesOnTop ? amount : amount.sub(charge);
  const total = chargesOnTop ? amount.add(charge) : amount;
  return { entry: amount, net, total, charge, commission: percent(COMMISSION_PERCENT) };
}

export function findSubscriber(productType: ProductType, identifier: string): TestSubscriber | Refusal {
  const found = testSubscribers.find(
    (one) => one.productType === productType && one.identifier === identifier,
  );
  if (found === undefined) {
    return { code: 'meter_not_found', message: 'This number is not one of the test numbers.' };
  }
  return found.refusal ?? found;
}
