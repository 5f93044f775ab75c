import { Decimal } from 'decimal.js';
import { z } from 'zod';

import type { Fault as ErrorFault, Surface } from './answers.ts';
import type { Ledger, Request } from './ledger.ts';
import { products } from './meters.ts';

const channels = {
  v1: ['WEB', 'SMART_APP', 'USSD', 'BATCH', 'POS'],
  current: ['WEB', 'SMART_APP', 'USSD', 'SMS_MO', 'BATCH'],
} as const;

const common = {
  language: z.string().min(2),
  debited_account_id: z.number().int(),
  beneficiary_phone_number: z.string().regex(/^\d{8,15}$/),
  amount: z.number().positive(),
  currency: z.string().regex(/^[A-Z]{3}$/),
  charges_on_top_flag: z.boolean().default(true),
  comment: z.string().nullish(),
  external_reference: z.string().min(1).max(64).nullish(),
};
const v1Purchase = z.object({
  ...common,
  source_channel: z.enum(channels.v1),
  product_type: z.enum(['ELECTRICITY', 'AIRTIME', 'WATER']),
  provider_code: z.string().min(1),
  subscriber_identifier: z.string().min(1),
});
const currentPurchase = z.object({
  ...common,
  source_channel: z.enum(channels.current),
  meter_number: z.string().min(1),
  date: z.string().regex(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/),
});
const retryBody = (surface: Surface) =>
  z.object({
    external_reference: z.string().min(1),
    source_channel: z.enum(channels[surface]),
    language: z.string(),
  });

/** Checks a validate's or confirm's body as the surface does: shape first, then account, product and format. */
export function readPurchase(
  surface: Surface,
  body: unknown,
  /** The amount as it stands in the body's text: a JSON number may have more digits than a float holds. */
  amountText: string | undefined,
  ledger: Ledger,
): Request | ErrorFault {
  const parsed = surface === 'v1' ? v1Purchase.safeParse(body) : currentPurchase.safeParse(body);
  if (!parsed.success) return shapeFault(parsed.error, body);
  const { data } = parsed;
  const request: Request = {
    surface,
    productType: 'product_type' in data ? data.product_type : 'ELECTRICITY',
    accountId: data.debited_account_id,
    subscriber: 'meter_number' in data ? data.meter_number : data.subscriber_identifier,
    amount: new Decimal(amountText ?? data.amount),
    currency: data.currency,
    chargesOnTop: data.charges_on_top_flag,
    externalReference: data.external_reference ?? null,
  };
  const account = ledger.account(request.accountId);
  if (account === undefined) {
    return notFound('account_not_found', '146', 'There is no such account.', 'debited_account_id');
  }
  if (account.currency !== request.currency) {
    return notFound('account_currency_mismatch', '163', 'There is no account in that currency.', 'currency');
  }
  if (request.amount.decimalPlaces() > 2) return invalid('The amount has too many decimals.', 'amount');
  const product = products.find(({ product_type }) => product_type === request.productType);
  const provider = 'provider_code' in data ? data.provider_code : 'BPC';
  if (product?.providers.some(({ code }) => code === provider) !== true) {
    return invalid('There is no such provider.', 'provider_code');
  }
  const { length } = request.subscriber;
  const fits =
    surface === 'current'
      ? /^(\d{11}|\d{13})$/.test(request.subscriber)
      : length >= product.subscriber_id_min_length &&
        length <= product.subscriber_id_max_length &&
        new RegExp(product.subscriber_id_pattern).test(request.subscriber);
  if (!fits) {
    return invalid(
      'This number is not written as it should be.',
      surface === 'v1' ? 'subscriber_identifier' : 'meter_number',
    );
  }
  return request;
}

export function readRetry(surface: Surface, body: unknown): string | ErrorFault {
  const parsed = retryBody(surface).safeParse(body);
  return parsed.success ? parsed.data.external_reference : shapeFault(parsed.error, body);
}

function shapeFault({ issues: [issue] }: z.ZodError, body: unknown): ErrorFault {
  const param = String(issue?.path[0] ?? 'body');
  const given: unknown = Object.entries(Object(body) as object).find(([key]) => key === param)?.[1];
  const missing = given === undefined || given === null || given === '';
  const number = missing ? '136' : param === 'beneficiary_phone_number' ? '104' : '120';
  return { ...invalid(`${param}: ${issue?.message ?? 'invalid'}`, param), number };
}

export function invalid(message: string, param: string): ErrorFault {
  return { status: 400, type: 'validation_error', code: 'invalid_request', number: '120', message, param };
}

function notFound(code: string, number: string, message: string, param: string): ErrorFault {
  return { status: 404, type: 'not_found_error', code, number, message, param };
}
