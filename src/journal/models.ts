import { z } from 'zod';

import { productTypes, sourceChannels, surfaces } from '../purchases/catalogue.ts';
import { Decimal } from '../purchases/money.ts';
import { problemTypes } from '../purchases/problem.ts';
import { vendTokenKinds } from '../purchases/purchase.ts';

/** What the record's JSON columns and instants look like, in both directions. */
export const instant = z.codec(z.int(), z.date(), {
  decode: (milliseconds) => new Date(milliseconds),
  encode: (date) => date.getTime(),
});

/** Text, so that no float can touch it. */
export const decimal = z.codec(z.string().regex(/^-?\d+(\.\d+)?$/), z.instanceof(Decimal), {
  decode: (digits) => new Decimal(digits),
  encode: (value) => value.toFixed(),
});

/**
 * Free text in a column of its own, exact for every JavaScript string. libsql cuts text at a NUL when it reads it, UTF-8
 * has no lone surrogates, and PostgreSQL refuses NUL: so what JSON escapes is kept escaped. Ordinary text stays as it is.
 */
export const text = z.codec(z.string(), z.string(), {
  decode: (stored) => (stored.includes('\\') ? z.string().parse(JSON.parse(`"${stored}"`)) : stored),
  encode: storedText,
});

/** As a search must write a free text to find it: the way `text` stores it. */
export function storedText(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

const money = z.object({ amount: decimal, currency: z.string() });
const maybeMoney = money.nullable();

const subscriber = z.object({
  identifier: z.string(),
  name: z.string().nullable(),
  address: z.string().nullable(),
});

const charges = z.object({
  entry: maybeMoney,
  net: maybeMoney,
  total: maybeMoney,
  charge: maybeMoney,
  commission: maybeMoney,
});

export const problemModel = z.object({
  type: z.enum(problemTypes),
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  // Records of before have none.
  retryAfter: z.int().nullable().default(null),
  docUrl: z.string().nullable(),
  requestId: z.string().nullable(),
  fields: z.array(z.object({ field: z.string(), message: z.string() })).readonly(),
});

export const orderModel = z.object({
  surface: z.enum(surfaces),
  productType: z.enum(productTypes),
  provider: z.object({ code: z.string(), name: z.string() }),
  accountId: z.int(),
  subscriberIdentifier: z.string(),
  beneficiaryPhoneNumber: z.string(),
  amount: money,
  chargesOnTop: z.boolean(),
  comment: z.string().nullable(),
  language: z.string(),
  sourceChannel: z.enum(sourceChannels),
});

export const quoteModel = z.object({ order: orderModel, subscriber, charges });

/** `PurchaseState` but for its status, which has a column. */
export const stateModel = z.object({
  upstreamReference: z.string().nullable(),
  subscriber,
  charges: charges.nullable(),
  tokens: z.array(z.object({ kind: z.enum(vendTokenKinds), digits: z.string() })).readonly(),
  units: z.object({ value: decimal, unit: z.string().nullable() }).nullable(),
  receiptNumber: z.string().nullable(),
  problem: problemModel.nullable(),
  updatedAt: instant,
  settledAt: instant.nullable(),
});
