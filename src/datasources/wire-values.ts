import { z } from 'zod';

import type { ProductType } from '../purchases/catalogue.ts';
import { Decimal, type Money } from '../purchases/money.ts';
import type { VendToken } from '../purchases/purchase.ts';

/** Shapes that both surfaces share. What an optional field holds and cannot be read counts as absent. */

const text = z.union([z.string(), z.number().transform(String)]).transform((value) => value.trim());
export const optionalText = text
  .nullish()
  .catch(null)
  .transform((value) => (value === undefined || value === '' ? null : value));
export const requiredText = text.pipe(z.string().min(1));
export const integerId = z.coerce.number().int().positive();

/**
 * "BWP 2878.86", also with thousands separators. [D] for accounts and transactions. A separator elsewhere is no
 * separator: a decimal comma must not make it a hundred times as much.
 */
export function parseMoney(value: string): Money | null {
  const match = /^([A-Z]{3})\s*(-?(?:\d{1,3}(?:[, \u00a0]\d{3})+|\d+)(?:\.\d+)?)$/.exec(value.trim());
  const [, currency, digits] = match ?? [];
  if (currency === undefined || digits === undefined) return null;
  return { currency, amount: new Decimal(digits.replace(/[, \u00a0]/g, '')) };
}

export const optionalMoney = optionalText.transform((value) => (value === null ? null : parseMoney(value)));

export const optionalDecimal = optionalText.transform((value) =>
  value !== null && /^-?\d{1,30}(\.\d{1,30})?$/.test(value) ? new Decimal(value) : null,
);

/**
 * Whether an answer with a status is of a purchase at all. What does not exist yet may be left out; but of an answer with
 * neither our reference nor a word on its token nobody knows who says it: a proxy has a status, too (R4).
 */
export function isOfAPurchase(wire: { external_reference: string | null; token?: unknown }): boolean {
  return wire.external_reference !== null || wire.token !== undefined;
}

/**
 * A vend's tokens; null when what is there cannot be read as tokens. A JSON number is none: of its twenty digits a float
 * keeps sixteen.
 */
export function parseTokens(field: unknown, productType: ProductType): readonly VendToken[] | null {
  if (field === null || field === undefined) return [];
  if (typeof field !== 'string') return null;
  if (field.trim() === '') return [];
  const parts = field.split('|').map((part) => part.trim());
  const tokens = parts.map((part, index) => {
    const colon = part.lastIndexOf(':');
    const label = colon < 0 ? '' : part.slice(0, colon);
    const digits = part.slice(colon + 1).replace(/[\s-]/g, '');
    return /^\d+$/.test(digits) ? { kind: kindOf(label, index, parts.length, productType), digits } : null;
  });
  return tokens.every((token) => token !== null) ? tokens : null;
}

/** A label tells; else three are two key-change tokens and the credit, in this order. [D, testing] */
function kindOf(label: string, index: number, count: number, productType: ProductType): VendToken['kind'] {
  // Without its blanks first: to look for some between the words takes the square of as many as there are.
  if (/key-?change/i.test(label.replace(/\s/g, ''))) return 'KEY_CHANGE';
  if (/credit/i.test(label)) return 'CREDIT';
  if (productType === 'AIRTIME') return 'OTHER';
  if (count === 1) return 'CREDIT';
  if (count === 3) return index < 2 ? 'KEY_CHANGE' : 'CREDIT';
  return 'OTHER';
}
