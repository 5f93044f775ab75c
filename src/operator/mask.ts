import { parsePhoneNumberFromString } from 'libphonenumber-js';

import type { Attempt, Purchase } from '../purchases/purchase.ts';

/** How a token, a phone number or any text that may hold some is shown. */
export type Mask = (text: string) => string;

/** Enough to compare with what a customer reads out, too little to use. */
const SHOWN = 4;
/** So many digits in a row, in groups or not, may be a token. Blanks may be escaped, as in JSON. */
const MAYBE_TOKEN = /\d(?:(?:[\s\p{Pd}]|\\[nrt]|\\u00a0){0,3}\d){15,}/giu;
const INTERNATIONAL = /\+\d(?:[\s()-]{0,2}\d){6,14}/g;
/** A field that is named for a phone, and its digits. */
const PHONE_FIELD = /("[^"]*(?:phone|msisdn|mobile|cell)[^"]*"\s*:\s*"?)(\+?\d[\d\s-]{5,})/gi;

/**
 * Stars for every token and phone number but their last four digits: any sixteen digits or more, the purchase's own
 * phone numbers in any writing, and what is written or named as a phone number. The purchase's own references stay.
 */
export function maskOf(purchase: Purchase, attempts: readonly Attempt[] = [], reveal = false): Mask {
  if (reveal) return (text) => text;
  const { order, reference, id } = purchase;
  const phones = [order.beneficiaryPhoneNumber];
  if (order.productType === 'AIRTIME') phones.push(order.subscriberIdentifier);
  const secrets = phones.flatMap(writings);
  const kept = [reference, id, ...attempts.map(({ requestId }) => requestId)];
  const names = new RegExp(`(${kept.map(escape).join('|')})`);
  // What lies between the kept ones is at the even places.
  return (text) =>
    text
      .split(names)
      .map((part, place) => (place % 2 === 1 ? part : secrets.reduce(starred, masked(part))))
      .join('');
}

function masked(text: string): string {
  return text
    .replace(MAYBE_TOKEN, stars)
    .replace(PHONE_FIELD, (_, name: string, number: string) => name + stars(number))
    .replace(INTERNATIONAL, stars);
}

function starred(text: string, secret: RegExp): string {
  return text.replace(secret, stars);
}

/** The number with and without its country's code, in any groups. */
function writings(phone: string): RegExp[] {
  const parsed = parsePhoneNumberFromString(phone);
  const national = parsed?.nationalNumber ?? phone.replace(/\D/g, '');
  if (national === '') return [];
  const code = parsed === undefined ? '' : `(?:\\+?${parsed.countryCallingCode}[\\s-]{0,2})?`;
  return [new RegExp(`(?<!\\d)${code}0?${national.split('').join('[\\s-]{0,2}')}(?!\\d)`, 'g')];
}

function stars(text: string): string {
  let digits = text.replace(/\\u00a0/gi, '').replace(/\D/g, '').length;
  return text.replace(/\\u00a0|\d/gi, (one) => (one.length > 1 || digits-- <= SHOWN ? one : '*'));
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
