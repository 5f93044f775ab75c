import type { Money } from './money.ts';

export const surfaces = ['V1', 'CURRENT'] as const;
/** V1 is ScratchPower's modern API; CURRENT the frozen legacy one, which sells electricity only. */
export type Surface = (typeof surfaces)[number];

export const productTypes = ['ELECTRICITY', 'AIRTIME', 'WATER'] as const;
export type ProductType = (typeof productTypes)[number];

export const accountCategories = ['CURRENT', 'COMMISSION', 'TOPUP', 'OTHER'] as const;
export type AccountCategory = (typeof accountCategories)[number];

export const sourceChannels = ['WEB', 'SMART_APP', 'USSD', 'BATCH', 'POS', 'SMS_MO'] as const;
export type SourceChannel = (typeof sourceChannels)[number];

export interface Organisation {
  readonly code: string;
  readonly name: string | null;
}

/** Whom the gateway acts as upstream. */
export interface Identity {
  readonly username: string;
  readonly role: string | null;
  readonly roles: readonly string[];
  readonly organisation: Organisation | null;
}

export interface Account {
  /** The upstream's integer id. */
  readonly id: number;
  readonly name: string;
  readonly currency: string;
  readonly category: AccountCategory;
  readonly type: string;
  readonly status: string;
  /** Display order, lowest first. */
  readonly rank: number;
  /** Null where the surface does not tell it. */
  readonly balance: Money | null;
}

export interface Provider {
  readonly code: string;
  readonly name: string;
}

export interface SubscriberIdFormat {
  readonly label: string | null;
  readonly minLength: number | null;
  readonly maxLength: number | null;
  /** A JavaScript-compatible regular expression, as the upstream wrote it. */
  readonly pattern: string | null;
  /** The upstream's own hint; `subscriberIdHint` makes one where there is none. */
  readonly hint: string | null;
}

export interface Product {
  readonly type: ProductType;
  readonly displayName: string;
  readonly subscriberId: SubscriberIdFormat;
  readonly providers: readonly Provider[];
  readonly surfaces: readonly Surface[];
}

/** What to show beside the input: the upstream's hint, or one made from the lengths. */
export function subscriberIdHint(format: SubscriberIdFormat): string {
  if (format.hint !== null && format.hint.trim() !== '') return format.hint;
  const { minLength: min, maxLength: max } = format;
  const label = format.label ?? 'Identifier';
  if (min !== null && max !== null) {
    return min === max ? `${label}: ${min} characters` : `${label}: ${min} to ${max} characters`;
  }
  if (min !== null) return `${label}: at least ${min} characters`;
  if (max !== null) return `${label}: at most ${max} characters`;
  return label;
}

/**
 * Checks an identifier against length AND pattern, as ScratchPower's product page asks.
 * Null when it fits, else a sentence that says why it does not. A pattern that is no valid regular expression is
 * passed over: the upstream checks again.
 */
export function checkSubscriberId(format: SubscriberIdFormat, value: string): string | null {
  const { minLength: min, maxLength: max, pattern } = format;
  const name = format.label ?? 'The identifier';
  const length = value.length;
  if (length === 0) return `${name} is missing. ${subscriberIdHint(format)}.`;
  if (min !== null && length < min) {
    return `${name} is too short: ${length} characters, at least ${min} are needed.`;
  }
  if (max !== null && length > max) {
    return `${name} is too long: ${length} characters, at most ${max} are allowed.`;
  }
  if (pattern !== null && compile(pattern)?.test(value) === false) {
    return `${name} is not written as it should be. ${subscriberIdHint(format)}.`;
  }
  return null;
}

function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern);
  } catch {
    return undefined;
  }
}
