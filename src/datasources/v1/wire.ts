import { z } from 'zod';

import {
  accountCategories,
  productTypes,
  type Account,
  type Identity,
  type Product,
} from '../../purchases/catalogue.ts';
import type { ProblemType } from '../../purchases/problem.ts';
import type { ProductType } from '../../purchases/catalogue.ts';
import type { Charges, Subscriber } from '../../purchases/purchase.ts';
import { fieldProblem, typeByStatus, type Envelope, type Told } from '../failure.ts';
import {
  integerId,
  isOfAPurchase,
  optionalDecimal,
  optionalMoney,
  optionalText,
  parseTokens,
  requiredText,
} from '../wire-values.ts';

/** v1's wire. [D] documented, [A] assumed: docs/upstream.md lists the assumptions. */

/** [A] `GET /auth/me`: no accounts here. */
export const me = z
  .object({
    username: requiredText,
    role: optionalText,
    roles: z.array(z.string()).catch([]),
    organisation: z.object({ code: requiredText, name: optionalText }).nullish().catch(null),
  })
  .transform((wire): Identity => ({ ...wire, organisation: wire.organisation ?? null }));

/** [D] reference/accounts; shared with Current's `/auth/me`, where the balance may be missing. */
export const account = z
  .object({
    id: integerId,
    name: optionalText,
    currency: requiredText,
    category: z.enum(accountCategories).catch('OTHER'),
    type: optionalText,
    status: optionalText,
    rank: z.coerce.number().int().catch(0),
    balance: optionalMoney,
  })
  .transform((wire): Account => ({
    ...wire,
    name: wire.name ?? String(wire.id),
    type: wire.type ?? 'WALLET',
    status: wire.status ?? 'ACTIVE',
  }));
export const accounts = z
  .array(account)
  .transform((all) => all.toSorted((one, other) => one.rank - other.rank));

const length = z.coerce.number().int().positive().nullish().catch(null);
const product = z.object({
  product_type: z.enum(productTypes),
  display_name: optionalText,
  subscriber_id_label: optionalText,
  subscriber_id_min_length: length,
  subscriber_id_max_length: length,
  subscriber_id_pattern: optionalText,
  subscriber_id_hint: optionalText,
  providers: z.array(z.object({ code: requiredText, name: optionalText })).catch([]),
});

/** [D] reference/vas-products. A product of a type that we do not know yet is passed over. */
export const products = z.array(z.unknown()).transform((all) =>
  all.flatMap((one): Product[] => {
    const { data: wire } = product.safeParse(one);
    if (wire === undefined) return [];
    return [
      {
        type: wire.product_type,
        displayName: wire.display_name ?? wire.product_type,
        subscriberId: {
          label: wire.subscriber_id_label,
          minLength: wire.subscriber_id_min_length ?? null,
          maxLength: wire.subscriber_id_max_length ?? null,
          pattern: wire.subscriber_id_pattern,
          hint: wire.subscriber_id_hint,
        },
        providers: wire.providers.map(({ code, name }) => ({ code, name: name ?? code })),
        surfaces: ['V1'],
      },
    ];
  }),
);

/** [D] the money format; [A] where it stands. */
export const chargesWire = z.object({
  entry: optionalMoney,
  net: optionalMoney,
  total: optionalMoney,
  charge: optionalMoney,
  commission: optionalMoney,
});

const subscriberWire = z.object({ identifier: optionalText, name: optionalText, address: optionalText });

/** [A] validate's answer. */
export const priced = z.object({
  subscriber: subscriberWire.nullish().catch(null),
  transaction: chargesWire,
});

/** [A] confirm's and retry's answer. */
export const transaction = z.object({
  reference: optionalText,
  external_reference: optionalText,
  status: requiredText,
  subscriber: subscriberWire.nullish().catch(null),
  transaction: chargesWire.nullish().catch(null),
  token: z.unknown().optional(),
  units: optionalDecimal,
  unit: optionalText,
  receipt_number: optionalText,
});

export function toldBy(body: unknown, productType: ProductType): Told | null {
  const { data: wire } = transaction.safeParse(body);
  if (wire === undefined || !isOfAPurchase(wire)) return null;
  const tokens = parseTokens(wire.token, productType);
  return {
    status: wire.status,
    externalReference: wire.external_reference,
    subscriberIdentifier: wire.subscriber?.identifier ?? null,
    vend: tokens && {
      upstreamReference: wire.reference,
      subscriber: subscriberOf(wire.subscriber ?? null),
      charges: chargesOf(wire.transaction ?? null),
      tokens,
      units: wire.units && { value: wire.units, unit: wire.unit },
      receiptNumber: wire.receipt_number,
    },
  };
}

export function subscriberOf(
  wire: { identifier: string | null; name: string | null; address: string | null } | null,
): Subscriber | null {
  return wire === null ? null : { identifier: wire.identifier ?? '', name: wire.name, address: wire.address };
}

export function chargesOf(wire: Charges | null): Charges | null {
  return wire !== null && Object.values(wire).some((one) => one !== null) ? wire : null;
}

/** [D] reference/errors; of the types only provider_error is documented, the others are [A]. */
const errorWire = z.object({
  error: z.object({
    type: optionalText,
    code: optionalText,
    message: optionalText,
    param: optionalText,
    retryable: z.boolean().nullish().catch(null),
    doc_url: z
      .url({ protocol: /^https?$/ })
      .nullish()
      .catch(null),
    request_id: optionalText,
  }),
});

/** A map: an upstream may name an error `constructor`, which every object has. */
const types: ReadonlyMap<string, ProblemType> = new Map([
  ['provider_error', 'PROVIDER'],
  ['authentication_error', 'AUTHENTICATION'],
  ['permission_error', 'PERMISSION'],
  ['validation_error', 'INVALID_INPUT'],
  ['not_found_error', 'NOT_FOUND'],
  ['conflict_error', 'CONFLICT'],
  ['rate_limit_error', 'RATE_LIMITED'],
  ['api_error', 'UNAVAILABLE'],
]);

export function envelopeIn(body: unknown, status: number): Envelope | null {
  const error = errorWire.safeParse(body).data?.error;
  if (error === undefined || (error.type === null && error.code === null)) return null;
  const message = error.message ?? 'The provider refused this.';
  return {
    type: types.get(error.type ?? '') ?? typeByStatus(status),
    code: error.code ?? error.type ?? 'unknown',
    message,
    retryable: error.retryable ?? null,
    fromProvider: error.type === 'provider_error',
    unknownReference: error.code === 'purchase_not_found',
    unexpected: false,
    docUrl: error.doc_url ?? null,
    requestId: error.request_id,
    fields: fieldProblem(error.param, message),
  };
}
