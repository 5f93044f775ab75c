import type { ProductType } from './surfaces.ts';

/** Contract, "Staging's test meters": documented numbers, of nobody. */
export const meters = {
  happy: '04040404040',
  tariff: '04040404099',
  split: '04040404107',
  fixedCharge: '04040404461',
  blocked: '04040404081',
  purchasesBlocked: '04040404057',
  debt: '04040404065',
  transactionsBlocked: '04040404073',
  notFound: '04240297236',
  keyChange: '04040404198',
  thirteenDigits: '0404040404000',
} as const;

/** A number in the form of a meter that is no test meter. */
export const strangeMeter = '04040404001';
/** The fixed charge of two meters; an amount at or below it is too low. */
export const FIXED_CHARGE = 1_000;
export const CURRENCY = 'BWP';

export const purchaseNames = ['happy', 'key-change', 'refused', 'duplicate', 'airtime', 'water'] as const;
export type PurchaseName = (typeof purchaseNames)[number];

/** What may be bought: little, and each thing once. */
export interface Trial {
  readonly name: PurchaseName;
  readonly what: string;
  readonly product: ProductType;
  readonly provider: string;
  readonly subscriber: string;
  readonly amount: number;
  /** It is meant to be refused: then it debits nothing. */
  readonly isRefused: boolean;
  /** Sent so often under one reference. */
  readonly times: 1 | 2;
}

export interface NumberOf {
  readonly provider: string;
  readonly subscriber: string;
}

export interface TrialSettings {
  readonly amount: number;
  /** Test numbers that the contract does not tell. */
  readonly airtime: NumberOf | undefined;
  readonly water: NumberOf | undefined;
}

const electricity = { product: 'ELECTRICITY', provider: 'BPC', isRefused: false, times: 1 } as const;

/** The trial of that name; undefined when there is no number for it. */
export function trialOf(name: PurchaseName, settings: TrialSettings): Trial | undefined {
  const { amount, airtime, water } = settings;
  switch (name) {
    case 'happy':
      return { ...electricity, name, what: 'the happy path', subscriber: meters.happy, amount };
    case 'key-change': {
      const what = 'a key-change, the least it takes';
      return { ...electricity, name, what, subscriber: meters.keyChange, amount: FIXED_CHARGE + 1 };
    }
    case 'refused': {
      const what = 'a blocked meter, to be refused';
      return { ...electricity, name, what, subscriber: meters.blocked, amount, isRefused: true };
    }
    case 'duplicate': {
      const what = 'the same confirm twice';
      return { ...electricity, name, what, subscriber: meters.happy, amount, times: 2 };
    }
    case 'airtime':
      return airtime && { ...electricity, ...airtime, name, what: 'airtime', product: 'AIRTIME', amount };
    case 'water':
      return water && { ...electricity, ...water, name, what: 'water', product: 'WATER', amount };
  }
}
