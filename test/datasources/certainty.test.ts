import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { errorBody, read, successBody, surfaceNames, type SurfaceName } from './reading.ts';

type Json = Record<string, unknown>;
const object = (value: unknown): Json | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;

function parsed(text: string): Json | null {
  try {
    return object(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Never throws, unlike `String` of an object that has a `toString` of its own. */
const word = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';

/** What the body says of itself, read as plainly as can be. */
function said(surface: SurfaceName, text: string) {
  const body = parsed(text);
  const told = surface === 'V1' ? body : object(body?.['transaction']);
  const error = surface === 'V1' ? object(body?.['error']) : body;
  const token = told?.['token'] ?? null;
  return {
    status: word(told?.['status']).toUpperCase(),
    token: typeof token === 'string' && /\d/.test(token),
    noToken: token === null || (typeof token === 'string' && /^[\s|]*$/.test(token)),
    envelope: surface === 'V1' ? error !== null : error?.['response_code'] !== undefined,
    providerRefused:
      surface === 'V1'
        ? error?.['type'] === 'provider_error' && error['retryable'] === false
        : word(error?.['response_code']) === '810',
    unknownReference:
      surface === 'V1'
        ? word(error?.['code']) === 'purchase_not_found'
        : word(error?.['response_code']) === '102',
  };
}

const bodies = (surface: SurfaceName): object[] => [
  successBody(surface),
  successBody(surface, { status: 'FAILED', token: null }),
  successBody(surface, { status: 'PENDING', token: null }),
  ...['provider_error', 'validation_error', 'rate_limit_error'].map((type) =>
    errorBody(surface, { type, number: type === 'provider_error' ? '810' : '120', retryable: false }),
  ),
  errorBody(surface, { type: 'not_found_error', code: 'purchase_not_found', number: '102' }),
  errorBody(surface, { type: 'api_error', number: '100', retryable: true }),
];

const value = fc.oneof(
  fc.constantFrom(
    'SUCCESS',
    'FAILED',
    'PENDING',
    'provider_error',
    '810',
    '102',
    '100',
    true,
    false,
    null,
    0,
  ),
  fc.string(),
  fc.jsonValue(),
);
const oddKey = fc.constantFrom('__proto__', 'constructor', 'error', 'transaction', 'status', 'token');

/** A real body of the surface in which some fields, at any depth, became something else or went away. */
const spoilt = (surface: SurfaceName) =>
  fc
    .tuple(
      fc.constantFrom(...bodies(surface)),
      fc.array(fc.tuple(fc.nat(), fc.option(value)), { maxLength: 4 }),
      fc.option(fc.tuple(oddKey, value)),
    )
    .map(([body, changes, odd]) => {
      const copy = structuredClone(body) as Json;
      for (const [at, change] of changes) {
        const places = placesIn(copy);
        const [owner, key] = places[at % places.length] ?? [copy, 'status'];
        if (change === null) Reflect.deleteProperty(owner, key);
        else owner[key] = change;
      }
      const text = JSON.stringify(copy);
      // As text, so that __proto__ comes as it would over the wire.
      return odd === null ? text : `{${JSON.stringify(odd[0])}:${JSON.stringify(odd[1])},${text.slice(1)}`;
    });

function placesIn(owner: Json): [owner: Json, key: string][] {
  return Object.entries(owner).flatMap(([key, inner]): [Json, string][] => {
    const below = object(inner);
    return [[owner, key], ...(below === null ? [] : placesIn(below))];
  });
}

const status = fc.oneof(
  fc.constantFrom(200, 201, 302, 400, 401, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504),
  fc.integer({ min: 100, max: 599 }),
);
const kinds = fc.constantFrom('CONFIRM', 'RETRY');

describe.each(surfaceNames)('R4: of %s, whatever it answers', (surface) => {
  const text = fc.oneof({ weight: 4, arbitrary: spoilt(surface) }, fc.string(), fc.json());

  it('an outcome is certain only where the answer says so', () => {
    fc.assert(
      fc.property(text, status, kinds, fc.boolean(), (body, code, kind, complete) => {
        const reading = read(surface, kind, code, body, { complete });
        const { outcome } = reading;
        const words = said(surface, body);
        const good = code >= 200 && code < 300;
        switch (outcome) {
          case 'SUCCEEDED':
            expect([complete, good, words.status, words.token]).toEqual([true, true, 'SUCCESS', true]);
            break;
          case 'REFUSED':
            expect([complete, kind]).toEqual([true, 'CONFIRM']);
            if (good) expect([words.status, words.noToken]).toEqual(['FAILED', true]);
            else expect([code >= 400, words.envelope]).toEqual([true, true]);
            if (!good && [408, 409, 425, 500, 502, 504].includes(code))
              expect(words.providerRefused).toBe(true);
            break;
          case 'DENIED':
            expect([complete, kind]).toEqual([true, 'RETRY']);
            if (good) expect([words.status, words.noToken]).toEqual(['FAILED', true]);
            else if (!words.providerRefused) expect([code, words.unknownReference]).toEqual([404, true]);
            break;
          case 'UNKNOWN':
            // Whoever may have been told that it was sold is never told that nothing was charged.
            if (good && words.status === 'SUCCESS') expect('claim' in reading && reading.claim).toBe('SOLD');
            break;
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('a success that is cut anywhere is none', () => {
    const whole = JSON.stringify(successBody(surface));
    for (let end = 0; end < whole.length; end += 1) {
      for (const kind of ['CONFIRM', 'RETRY'] as const)
        expect(read(surface, kind, 200, whole.slice(0, end)).outcome).toBe('UNKNOWN');
    }
    expect(read(surface, 'CONFIRM', 200, whole).outcome).toBe('SUCCEEDED');
  });
});
