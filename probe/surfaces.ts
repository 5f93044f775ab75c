/** Both surfaces as the contract writes them. Nothing here is taken from the gateway's own readers. */
export const surfaces = ['v1', 'current'] as const;
export type Surface = (typeof surfaces)[number];

/** Of both surfaces; v1 has accounts, account and products besides. */
type Shared = 'login' | 'refresh' | 'logout' | 'me' | 'validate' | 'confirm' | 'retry';
export type Endpoint = Shared | 'accounts' | 'account' | 'products';

export type ProductType = 'ELECTRICITY' | 'AIRTIME' | 'WATER';

/** What a validate or a confirm asks for, in no surface's words. */
export interface Want {
  readonly product: ProductType;
  readonly provider: string;
  readonly subscriber: string;
  /** Currency units. */
  readonly amount: number;
  readonly currency: string;
  readonly accountId: number;
  readonly phone: string;
  /** Left out of the request when undefined. */
  readonly onTop?: boolean | undefined;
  readonly reference?: string | undefined;
}

/** Where an answer has what, as dotted paths. */
export interface Places {
  readonly owner: string;
  readonly subscriber: string;
  readonly status: string;
  readonly reference: string;
  readonly externalReference: string;
  readonly token: string;
  readonly units: string;
  readonly receipt: string;
  readonly time: string;
}

export interface Dialect {
  readonly surface: Surface;
  /** As a person says it. */
  readonly title: string;
  readonly paths: Readonly<Record<Shared, string>>;
  readonly places: Places;
  readonly purchase: (want: Want, now: Date) => Record<string, unknown>;
  /** Where a purchase's subscriber stands in the request. */
  readonly subscriberField: string;
}

export const accountsPath = '/v1/accounts';
export const productsPath = '/v1/vas-products';

const auth = (prefix: string) => ({
  login: `${prefix}/auth/login`,
  refresh: `${prefix}/auth/refresh`,
  logout: `${prefix}/auth/logout`,
  me: `${prefix}/auth/me`,
});

const common = (want: Want) => ({
  source_channel: 'WEB',
  language: 'en-BW',
  debited_account_id: want.accountId,
  beneficiary_phone_number: want.phone,
  amount: want.amount,
  currency: want.currency,
  ...(want.onTop === undefined ? {} : { charges_on_top_flag: want.onTop }),
  comment: 'scratchpower-graphql probe',
  ...(want.reference === undefined ? {} : { external_reference: want.reference }),
});

const v1: Dialect = {
  surface: 'v1',
  title: 'v1',
  paths: {
    ...auth('/v1'),
    validate: '/v1/purchases/validate',
    confirm: '/v1/purchases/confirm',
    retry: '/v1/purchases/retry',
  },
  places: {
    owner: 'subscriber',
    subscriber: 'subscriber.identifier',
    status: 'status',
    reference: 'reference',
    externalReference: 'external_reference',
    token: 'token',
    units: 'units',
    receipt: 'receipt_number',
    time: 'created_at',
  },
  subscriberField: 'subscriber_identifier',
  purchase: (want) => ({
    ...common(want),
    product_type: want.product,
    provider_code: want.provider,
    subscriber_identifier: want.subscriber,
  }),
};

const current: Dialect = {
  surface: 'current',
  title: 'Current',
  paths: {
    ...auth(''),
    validate: '/api/topup/validate',
    confirm: '/api/topup/confirm',
    retry: '/api/topup/retry',
  },
  places: {
    owner: 'customer',
    subscriber: 'customer.meter_number',
    status: 'transaction.status',
    reference: 'transaction.reference',
    externalReference: 'transaction.external_reference',
    token: 'transaction.token',
    units: 'transaction.units',
    receipt: 'transaction.receipt_number',
    time: 'transaction.timestamp',
  },
  subscriberField: 'meter_number',
  purchase: (want, now) => ({
    ...common(want),
    meter_number: want.subscriber,
    date: botswanaTime(now),
    // Nobody is written to for a trial.
    send_beneficiary_email: false,
    send_beneficiary_sms: false,
    send_requester_email: false,
    send_requester_sms: false,
  }),
};

export const dialects: Readonly<Record<Surface, Dialect>> = { v1, current };

const BOTSWANA_OFFSET_MS = 7_200_000;

function botswanaTime(now: Date): string {
  return new Date(now.getTime() + BOTSWANA_OFFSET_MS).toISOString().slice(0, 19).replace('T', ' ');
}

/** What stands at a dotted path; undefined where there is nothing. */
export function at(json: unknown, path: string): unknown {
  let value = json;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value as unknown;
  }
  return value;
}
