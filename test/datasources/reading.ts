import { createCurrent } from '../../src/datasources/current/client.ts';
import { createV1 } from '../../src/datasources/v1/client.ts';

import type { AttemptKind } from '../../src/purchases/purchase.ts';
import type { Expected, Reading } from '../../src/purchases/vending.ts';
import { systemRuntime } from '../../src/system-runtime.ts';

export type SurfaceName = 'V1' | 'CURRENT';
export const surfaceNames = ['V1', 'CURRENT'] as const;

export const surfaceOptions = {
  baseUrl: 'http://127.0.0.1:9',
  credentials: { clientId: 'c', clientSecret: 's', username: 'u', password: 'p', orgCode: 'o' },
  confirmTimeoutMs: 1_000,
  readTimeoutMs: 1_000,
  runtime: systemRuntime(),
};
const vending = { V1: createV1(surfaceOptions), CURRENT: createCurrent(surfaceOptions) };

export const TOKEN = '12345678901234567890';

/** A whole success answer as the surface writes it, with changes to its transaction. */
export function successBody(surface: SurfaceName, change: Record<string, unknown> = {}): object {
  const charges = {
    ...{ entry: 'BWP 100.00', net: 'BWP 100.00', total: 'BWP 102.50' },
    ...{ charge: 'BWP 2.50', commission: 'BWP 1.20' },
  };
  const owner = { name: 'K. MOTHIBI', address: 'PLOT 50370, GABORONE' };
  const told = {
    ...{ id: 987654, reference: 'SP2406180000012', external_reference: 'GW-1', status: 'SUCCESS' },
    ...{ token: TOKEN, units: '54.30', receipt_number: 'R000123' },
  };
  const { meter = '04040404040', ...rest } = change;
  if (surface === 'V1') {
    return {
      ...told,
      unit: 'kWh',
      subscriber: { ...owner, identifier: meter },
      transaction: charges,
      ...rest,
    };
  }
  return { customer: { ...owner, meter_number: meter }, transaction: { ...told, ...charges, ...rest } };
}

/** A refusal as the surface writes it; on Current the code is the number. */
export function errorBody(
  surface: SurfaceName,
  error: { type?: string; code?: string; number?: string; retryable?: boolean; param?: string } = {},
): object {
  const message = 'The provider’s own sentence.';
  if (surface === 'V1') {
    const { type = 'api_error', code = 'unexpected', retryable, param = null } = error;
    return { error: { type, code, message, param, retryable, doc_url: null, request_id: 'req_1' } };
  }
  const { number = '120', param } = error;
  const errors = param === undefined ? {} : { [param]: 'why' };
  return {
    response_code: number,
    response_message: message,
    developer_message: 'a.b.SecretException',
    errors,
  };
}

export function read(
  surface: SurfaceName,
  kind: AttemptKind,
  status: number,
  body: unknown,
  more: Partial<Expected> & { complete?: boolean } = {},
): Reading {
  const { complete = true, ...expected } = more;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return vending[surface].read(
    { status, body: text, complete, retryAfterSeconds: null },
    {
      ...{ kind, reference: 'GW-1', productType: 'ELECTRICITY', subscriberIdentifier: '04040404040' },
      ...{ requestId: 'request-1', ...expected },
    },
  );
}
