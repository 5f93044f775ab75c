import type { Journal } from '../../src/purchases/journal.ts';
import { Decimal } from '../../src/purchases/money.ts';
import { problem } from '../../src/purchases/problem.ts';
import type { Order, Purchase } from '../../src/purchases/purchase.ts';

export const bwp = (amount: string) => ({ amount: new Decimal(amount), currency: 'BWP' });

export function anOrder(change: Partial<Order> = {}): Order {
  return {
    surface: 'V1',
    productType: 'ELECTRICITY',
    provider: { code: 'BPC', name: 'Botswana Power Corporation' },
    accountId: 13209,
    subscriberIdentifier: '04040404040',
    beneficiaryPhoneNumber: '+26771436390',
    amount: bwp('100.00'),
    chargesOnTop: true,
    comment: null,
    language: 'en-BW',
    sourceChannel: 'WEB',
    ...change,
  };
}

export const someTime = new Date('2026-11-23T10:00:00.000Z');

export function aPurchase(change: Partial<Purchase> = {}): Purchase {
  const id = change.id ?? '019365f0-0000-7000-8000-000000000001';
  return {
    id,
    idempotencyKey: `key-${id}`,
    reference: `GW-${id}`,
    quoteId: null,
    order: anOrder(),
    createdAt: someTime,
    owner: 'alone',
    lastEvent: 1,
    status: 'PENDING',
    upstreamReference: null,
    subscriber: { identifier: '04040404040', name: null, address: null },
    charges: null,
    tokens: [],
    units: null,
    receiptNumber: null,
    problem: null,
    updatedAt: someTime,
    settledAt: null,
    checks: 0,
    nextCheckAt: null,
    deniedInARow: 0,
    unresolvedSince: null,
    ...change,
  };
}

export const someProblem = problem({
  type: 'PROVIDER',
  code: 'meter_blocked',
  message: 'The meter is blocked.',
});

/** A property of a journal that a proxy hands on. */
export function bound(journal: Journal, name: keyof Journal): unknown {
  const value: unknown = Reflect.get(journal, name, journal);
  return typeof value === 'function'
    ? (...args: unknown[]): unknown => Reflect.apply(value, journal, args)
    : value;
}
