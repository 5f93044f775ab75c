import type { Decimal } from 'decimal.js';

import type { Account, Offer, Transaction } from './ledger.ts';
import { demoCredentials } from './oauth.ts';
import type { Price } from './meters.ts';

export type Surface = 'v1' | 'current';

/** What an endpoint answers before it is written to the wire. */
export interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error of either surface; each writes it in its own envelope. */
export interface Fault {
  readonly status: number;
  readonly type: string;
  readonly code: string;
  /** Current's response_code. */
  readonly number: string;
  readonly message: string;
  readonly param?: string;
  readonly retryable?: boolean;
}

export function errorAnswer(surface: Surface, fault: Fault, requestId: string, now: Date): Answer {
  if (surface === 'current') {
    const errors = fault.param === undefined ? {} : { [fault.param]: fault.message };
    return {
      status: fault.status,
      body: {
        response_code: fault.number,
        response_message: fault.message,
        timestamp: now.getTime(),
        developer_message: 'com.scratchpower.sandbox.SandboxException',
        errors,
      },
    };
  }
  const { type, code, message, param = null, retryable = false } = fault;
  const doc_url = `https://developers.scratchpower.com/developers/reference/errors#${code}`;
  return {
    status: fault.status,
    body: { error: { type, code, message, param, retryable, doc_url, request_id: requestId } },
  };
}

const money = (currency: string, amount: Decimal) => `${currency} ${amount.toFixed(2)}`;

const charges = (currency: string, { entry, net, total, charge, commission }: Price) => ({
  entry: money(currency, entry),
  net: money(currency, net),
  total: money(currency, total),
  charge: money(currency, charge),
  commission: money(currency, commission),
});

export function meBody(surface: Surface, accounts: readonly Account[]): object {
  const me = {
    id: 4711,
    username: demoCredentials.username,
    role: 'INTEGRATION',
    organisation: { code: demoCredentials.orgCode, name: 'Sandbox Stores' },
    roles: ['INTEGRATION', 'VENDOR'],
  };
  if (surface === 'v1') return me;
  return { ...me, accounts: accounts.map((account) => without(accountBody(account), 'balance')) };
}

export function accountBody({ id, name, currency, category, rank, balance }: Account) {
  return {
    id,
    name,
    currency,
    category,
    type: 'WALLET',
    status: 'ACTIVE',
    rank,
    balance: money(currency, balance),
  };
}

export function offerBody(surface: Surface, currency: string, { subscriber, price }: Offer): object {
  const { identifier, name, address } = subscriber;
  const transaction = charges(currency, price);
  if (surface === 'v1') return { subscriber: { identifier, name, address }, transaction };
  return { customer: { name, address, meter_number: identifier }, transaction };
}

export function transactionBody(surface: Surface, transaction: Transaction): object {
  const { id, reference, request, status, subscriber, price, tokens, units, receiptNumber, createdAt } =
    transaction;
  const token = tokens.length === 0 ? null : tokens.join('|');
  const external_reference = request.externalReference;
  const owner = {
    identifier: request.subscriber,
    name: subscriber?.name ?? null,
    address: subscriber?.address ?? null,
  };
  if (surface === 'v1') {
    return {
      ...{ id, reference, external_reference, status, subscriber: owner },
      transaction: price === null ? null : charges(request.currency, price),
      ...{
        token,
        units,
        unit: units === null ? null : unitOf(request.productType),
        receipt_number: receiptNumber,
      },
      created_at: createdAt.toISOString(),
    };
  }
  return {
    customer: { name: owner.name, address: owner.address, meter_number: owner.identifier },
    transaction: {
      ...{ id, reference, external_reference, status },
      ...(price === null ? {} : charges(request.currency, price)),
      ...{ token, units, receipt_number: receiptNumber, timestamp: createdAt.getTime() },
    },
  };
}

const unitOf = (productType: string) => (productType === 'WATER' ? 'kl' : 'kWh');

/** The fields that an answer may lack. */
const optional = [
  ...['name', 'address', 'entry', 'net', 'charge', 'commission'],
  ...['units', 'unit', 'receipt_number', 'created_at', 'timestamp'],
  ...['subscriber_id_label', 'subscriber_id_hint', 'subscriber_id_pattern'],
  ...['subscriber_id_min_length', 'subscriber_id_max_length'],
  ...['role', 'param', 'doc_url', 'errors', 'developer_message'],
];

export function withoutOptional(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOptional);
  if (typeof value !== 'object' || value === null) return value;
  // An account, an organisation and a provider keep their names: there they are the substance.
  const named = 'code' in value || 'category' in value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => (named && key === 'name') || !optional.includes(key))
      .map(([key, inner]) => [key, withoutOptional(inner)]),
  );
}

export function withExtra(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withExtra);
  if (typeof value !== 'object' || value === null) return value;
  const inner = Object.entries(value).map(([key, one]) => [key, withExtra(one)]);
  return { ...Object.fromEntries(inner), x_new_field: { added: 'later', list: [1, null] } };
}

function without<T extends object>(value: T, key: keyof T): object {
  return Object.fromEntries(Object.entries(value).filter(([one]) => one !== key));
}
