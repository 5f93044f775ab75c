import { describe, expect, it } from 'vitest';

import {
  fieldProblem,
  problemOf,
  readEvidence,
  typeByStatus,
  type Envelope,
  type Evidence,
  type Told,
} from '../../src/datasources/failure.ts';
import { problem } from '../../src/purchases/problem.ts';
import type { Claim, Expected, Reading } from '../../src/purchases/vending.ts';
import { errorBody, read, successBody, surfaceNames, TOKEN, type SurfaceName } from './reading.ts';

type Outcome = 'SUCCEEDED' | 'REFUSED' | 'DENIED' | 'UNKNOWN';
type Row = [
  what: string,
  status: number,
  body: (surface: SurfaceName) => unknown,
  confirm: Outcome,
  retry: Outcome,
];

const refused = (surface: SurfaceName) =>
  errorBody(surface, { type: 'provider_error', code: 'meter_blocked', number: '810', retryable: false });
const invalid = (surface: SurfaceName) => errorBody(surface, { type: 'validation_error', number: '120' });
const unexpected = (surface: SurfaceName) => errorBody(surface, { type: 'api_error', number: '100' });
const limited = (surface: SurfaceName) =>
  errorBody(surface, { type: 'rate_limit_error', number: '999', retryable: true });
const notFound = (surface: SurfaceName) =>
  errorBody(surface, { type: 'not_found_error', code: 'purchase_not_found', number: '102' });
const status = (value: string) => (surface: SurfaceName) =>
  successBody(surface, { status: value, token: null });

/** What an answer means, on both surfaces: DESIGN's table, and each of its edges. */
const table: Row[] = [
  ['a success', 200, (s) => successBody(s), 'SUCCEEDED', 'SUCCEEDED'],
  ['a success with another 2xx', 201, (s) => successBody(s), 'SUCCEEDED', 'SUCCEEDED'],
  ['a success in small letters', 200, (s) => successBody(s, { status: 'success' }), 'SUCCEEDED', 'SUCCEEDED'],
  ['PENDING', 200, status('PENDING'), 'UNKNOWN', 'UNKNOWN'],
  ['FAILED', 200, status('FAILED'), 'REFUSED', 'DENIED'],
  [
    'FAILED that brings a token all the same',
    200,
    (s) => successBody(s, { status: 'FAILED' }),
    'UNKNOWN',
    'UNKNOWN',
  ],
  [
    'FAILED that brings what may have been a token',
    200,
    (s) => successBody(s, { status: 'FAILED', token: '1234-56?8' }),
    'UNKNOWN',
    'UNKNOWN',
  ],
  [
    'FAILED with an empty token',
    200,
    (s) => successBody(s, { status: 'FAILED', token: ' ' }),
    'REFUSED',
    'DENIED',
  ],
  [
    'FAILED without the field of the token',
    200,
    (s) => successBody(s, { status: 'FAILED', token: undefined }),
    'REFUSED',
    'DENIED',
  ],
  [
    'FAILED, and nothing that tells whose',
    200,
    (s) => successBody(s, { status: 'FAILED', token: undefined, external_reference: undefined }),
    'UNKNOWN',
    'UNKNOWN',
  ],
  ['PENDING that brings a token', 200, (s) => successBody(s, { status: 'PENDING' }), 'UNKNOWN', 'UNKNOWN'],
  ['a status that nobody knows', 200, status('REVERSED'), 'UNKNOWN', 'UNKNOWN'],
  ['a success without a token', 200, (s) => successBody(s, { token: null }), 'UNKNOWN', 'UNKNOWN'],
  [
    'a success without the field of the token',
    200,
    (s) => successBody(s, { token: undefined }),
    'UNKNOWN',
    'UNKNOWN',
  ],
  ['a token that is none', 200, (s) => successBody(s, { token: 'call us' }), 'UNKNOWN', 'UNKNOWN'],
  [
    'a token that went through a float',
    200,
    (s) => successBody(s, { token: 123456789 }),
    'UNKNOWN',
    'UNKNOWN',
  ],
  [
    'a success of another reference',
    200,
    (s) => successBody(s, { external_reference: 'GW-2' }),
    'UNKNOWN',
    'UNKNOWN',
  ],
  ['a success of another meter', 200, (s) => successBody(s, { meter: '04040404099' }), 'UNKNOWN', 'UNKNOWN'],
  [
    'a failure of another reference',
    200,
    (s) => successBody(s, { status: 'FAILED', token: null, external_reference: 'X' }),
    'UNKNOWN',
    'UNKNOWN',
  ],
  ['an empty body', 200, () => '', 'UNKNOWN', 'UNKNOWN'],
  ['HTML with 200', 200, () => '<html>', 'UNKNOWN', 'UNKNOWN'],
  ['bytes that are no text', 200, () => 'base64:H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==', 'UNKNOWN', 'UNKNOWN'],
  ['bytes that are no text, with 400', 400, () => 'base64:', 'UNKNOWN', 'UNKNOWN'],
  ['null', 200, () => null, 'UNKNOWN', 'UNKNOWN'],
  ['a list', 200, () => [], 'UNKNOWN', 'UNKNOWN'],
  ['an object that says nothing', 200, () => ({}), 'UNKNOWN', 'UNKNOWN'],
  ['an error envelope with 200', 200, refused, 'UNKNOWN', 'UNKNOWN'],
  ['a redirect', 302, () => '', 'UNKNOWN', 'UNKNOWN'],
  ['a redirect with an envelope', 302, invalid, 'UNKNOWN', 'UNKNOWN'],
  ['a 400 with an envelope', 400, invalid, 'REFUSED', 'UNKNOWN'],
  ['a 403 with an envelope', 403, invalid, 'REFUSED', 'UNKNOWN'],
  ['a 404 with an envelope', 404, invalid, 'REFUSED', 'UNKNOWN'],
  ['a 404 that does not know the reference', 404, notFound, 'REFUSED', 'DENIED'],
  ['"not found" with another status', 400, notFound, 'REFUSED', 'UNKNOWN'],
  ['a 404 of a proxy', 404, () => '<html>', 'UNKNOWN', 'UNKNOWN'],
  ['a 400 without an envelope', 400, () => ({ message: 'no' }), 'UNKNOWN', 'UNKNOWN'],
  ['a second 401', 401, invalid, 'REFUSED', 'UNKNOWN'],
  ['a provider’s refusal with 400', 400, refused, 'REFUSED', 'DENIED'],
  ['a provider’s refusal with 422', 422, refused, 'REFUSED', 'DENIED'],
  ['a provider’s refusal with 500', 500, refused, 'REFUSED', 'DENIED'],
  ['a provider’s refusal with 503', 503, refused, 'REFUSED', 'DENIED'],
  ['a 408', 408, invalid, 'UNKNOWN', 'UNKNOWN'],
  ['a 409', 409, invalid, 'UNKNOWN', 'UNKNOWN'],
  ['a 425', 425, invalid, 'UNKNOWN', 'UNKNOWN'],
  ['a 429 with its envelope', 429, limited, 'REFUSED', 'UNKNOWN'],
  ['a 429 of a proxy', 429, () => 'slow down', 'UNKNOWN', 'UNKNOWN'],
  ['a 500', 500, unexpected, 'UNKNOWN', 'UNKNOWN'],
  ['"unexpected" with 400', 400, (s) => errorBody(s, { number: '100' }), 'REFUSED', 'UNKNOWN'],
  ['a 502 in HTML', 502, () => '<html>', 'UNKNOWN', 'UNKNOWN'],
  ['a 503 with an envelope that does not say it was refused', 503, unexpected, 'UNKNOWN', 'UNKNOWN'],
  ['a 504', 504, () => '', 'UNKNOWN', 'UNKNOWN'],
];

/** Of the 2xx those in which nothing is told of a purchase. */
const NOTHING_SAID = [
  ...[
    'an empty body',
    'HTML with 200',
    'bytes that are no text',
    'null',
    'a list',
    'an object that says nothing',
  ],
  ...['an error envelope with 200', 'FAILED, and nothing that tells whose'],
];

describe.each(surfaceNames)('an answer of %s', (surface) => {
  it.each(table)('%s (%d)', (what, code, body, confirm, retry) => {
    // Current's 100 is "unexpected", whatever the status says.
    const ours = surface === 'CURRENT' && what === '"unexpected" with 400' ? 'UNKNOWN' : confirm;
    expect(read(surface, 'CONFIRM', code, body(surface)).outcome).toBe(ours);
    expect(read(surface, 'RETRY', code, body(surface)).outcome).toBe(retry);
  });

  // R4: what comes after it is read against that (outcome.ts).
  it.each(table)(
    '%s (%d): what is left in doubt claims that it was sold if it may have said so',
    (what, code, body) => {
      const isSuccess = code >= 200 && code < 300;
      const claim = what === 'PENDING' ? 'TAKEN' : NOTHING_SAID.includes(what) ? undefined : 'SOLD';
      const saysSo = /success/i.test(JSON.stringify(body(surface)));
      for (const kind of ['CONFIRM', 'RETRY'] as const) {
        const reading = read(surface, kind, code, body(surface));
        if (reading.outcome !== 'UNKNOWN') continue;
        expect(reading.claim).toBe(isSuccess ? claim : undefined);
        const cut = read(surface, kind, code, body(surface), { complete: false });
        const ofCut = saysSo ? 'SOLD' : 'TAKEN';
        expect('claim' in cut ? cut.claim : undefined).toBe(isSuccess ? ofCut : undefined);
      }
    },
  );

  it('a denial tells whether the purchase is known there', () => {
    expect(read(surface, 'RETRY', 404, notFound(surface))).toMatchObject({ isKnown: false });
    expect(read(surface, 'RETRY', 422, refused(surface))).toMatchObject({ isKnown: true });
    expect(read(surface, 'RETRY', 200, status('FAILED')(surface))).toMatchObject({ isKnown: true });
  });

  it('that did not come whole says nothing, whatever it says', () => {
    const whole = [successBody(surface), refused(surface), notFound(surface)];
    for (const body of whole) {
      for (const kind of ['CONFIRM', 'RETRY'] as const) {
        expect(read(surface, kind, 200, body, { complete: false }).outcome).toBe('UNKNOWN');
        expect(read(surface, kind, 404, body, { complete: false }).outcome).toBe('UNKNOWN');
      }
    }
  });
});

describe('v1 on what may be tried again', () => {
  it.each<[said: boolean | undefined, status: number, confirm: Outcome, retry: Outcome]>([
    [false, 400, 'REFUSED', 'DENIED'],
    [false, 409, 'REFUSED', 'DENIED'],
    [false, 429, 'REFUSED', 'DENIED'],
    [false, 504, 'REFUSED', 'DENIED'],
    [true, 400, 'REFUSED', 'UNKNOWN'],
    [true, 409, 'UNKNOWN', 'UNKNOWN'],
    [true, 500, 'UNKNOWN', 'UNKNOWN'],
    [undefined, 400, 'REFUSED', 'UNKNOWN'],
    [undefined, 409, 'UNKNOWN', 'UNKNOWN'],
    [undefined, 500, 'UNKNOWN', 'UNKNOWN'],
    [undefined, 503, 'UNKNOWN', 'UNKNOWN'],
  ])('a provider’s refusal with retryable %s and %d', (retryable, status, confirm, retry) => {
    const body = errorBody('V1', {
      ...{ type: 'provider_error', code: 'meter_blocked' },
      ...(retryable === undefined ? {} : { retryable }),
    });
    expect(read('V1', 'CONFIRM', status, body).outcome).toBe(confirm);
    expect(read('V1', 'RETRY', status, body).outcome).toBe(retry);
  });

  it('a provider’s refusal that is retryable is not for good', () => {
    const body = errorBody('V1', { type: 'provider_error', code: 'provider_busy', retryable: true });
    expect(read('V1', 'CONFIRM', 422, body)).toMatchObject({ problem: { retryable: true } });
  });

  it('a 503 that says it was refused outright is FAILED and retryable', () => {
    const body = errorBody('V1', { type: 'api_error', code: 'maintenance', retryable: true });
    expect(read('V1', 'CONFIRM', 503, body)).toMatchObject({
      outcome: 'REFUSED',
      problem: { retryable: true },
    });
    expect(read('V1', 'RETRY', 503, body).outcome).toBe('UNKNOWN');
  });

  it('an unknown type and code are kept, the type told by the status', () => {
    const body = errorBody('V1', { type: 'solar_error', code: 'eclipse' });
    expect(read('V1', 'CONFIRM', 403, body)).toMatchObject({
      problem: {
        type: 'PERMISSION',
        code: 'eclipse',
        requestId: 'req_1',
        message: 'The provider’s own sentence.',
      },
    });
  });
});

describe.each(surfaceNames)('an error of %s that is named as what every object has', (surface) => {
  it.each(['constructor', 'toString', '__proto__'])('%s is an error as any other', (name) => {
    const body = errorBody(surface, { type: name, code: name, number: name, param: name });
    expect(read(surface, 'CONFIRM', 422, body)).toEqual({
      outcome: 'REFUSED',
      problem: problem({
        ...{ type: 'INVALID_INPUT', code: name, message: 'The provider’s own sentence.' },
        requestId: surface === 'V1' ? 'req_1' : 'request-1',
      }),
    });
  });
});

describe('Current’s codes', () => {
  it.each([
    ['100', 500, 'INTERNAL', []],
    ['101', 400, 'INVALID_INPUT', []],
    ['102', 404, 'NOT_FOUND', []],
    ['103', 403, 'PERMISSION', []],
    ['104', 400, 'INVALID_INPUT', ['beneficiaryPhoneNumber']],
    ['110', 401, 'PERMISSION', []],
    ['115', 403, 'PERMISSION', []],
    ['120', 400, 'INVALID_INPUT', []],
    ['130', 400, 'NOT_FOUND', []],
    ['136', 400, 'INVALID_INPUT', []],
    ['146', 404, 'NOT_FOUND', ['accountId']],
    ['147', 400, 'INVALID_INPUT', []],
    ['150', 400, 'INVALID_INPUT', []],
    ['151', 404, 'NOT_FOUND', []],
    ['152', 404, 'NOT_FOUND', []],
    ['156', 400, 'INVALID_INPUT', []],
    ['157', 400, 'INVALID_INPUT', []],
    ['158', 401, 'AUTHENTICATION', []],
    ['159', 400, 'INVALID_INPUT', []],
    ['163', 404, 'NOT_FOUND', ['amount.currency']],
    ['164', 404, 'NOT_FOUND', []],
    ['810', 400, 'PROVIDER', []],
    ['777', 409, 'CONFLICT', []],
  ])('%s is a Problem of its own', (number, code, type, fields) => {
    const reading = read('CURRENT', 'CONFIRM', code, errorBody('CURRENT', { number }));
    if (reading.outcome === 'SUCCEEDED') throw new Error('it cannot succeed');
    expect(reading.problem).toMatchObject({ type, code: number });
    expect(reading.problem.fields.map(({ field }) => field)).toEqual(fields);
    expect(JSON.stringify(reading)).not.toContain('SecretException');
  });

  it('name our own fields', () => {
    const reading = read('CURRENT', 'CONFIRM', 400, errorBody('CURRENT', { param: 'meter_number' }));
    expect(reading).toMatchObject({ problem: { fields: [{ field: 'subscriberIdentifier' }] } });
    const v1 = read('V1', 'CONFIRM', 400, errorBody('V1', { type: 'validation_error', param: 'amount' }));
    expect(v1).toMatchObject({ problem: { fields: [{ field: 'amount.amount' }] } });
  });
});

describe.each(surfaceNames)('a second 401 on %s', (surface) => {
  it('refuses a confirm that may be sent again: it is the session that failed', () => {
    const body = errorBody(surface, { type: 'authentication_error', number: '110', retryable: false });
    expect(read(surface, 'CONFIRM', 401, body)).toMatchObject({
      ...{ outcome: 'REFUSED', problem: { retryable: true } },
    });
    expect(read(surface, 'CONFIRM', 403, body)).toMatchObject({ problem: { retryable: false } });
  });
});

describe('airtime', () => {
  it('may come without a token, and with one it is kept', () => {
    const more = { productType: 'AIRTIME' } as const;
    expect(read('V1', 'CONFIRM', 200, successBody('V1', { token: null }), more).outcome).toBe('SUCCEEDED');
    expect(read('V1', 'CONFIRM', 200, successBody('V1'), more)).toMatchObject({
      vend: { tokens: [{ kind: 'OTHER', digits: TOKEN }] },
    });
    expect(read('V1', 'CONFIRM', 200, successBody('V1', { token: 5 }), more).outcome).toBe('UNKNOWN');
  });

  it.each(surfaceNames)('of %s may come without the very field', (surface) => {
    const more = { productType: 'AIRTIME' } as const;
    const body = successBody(surface, { token: undefined });
    expect(read(surface, 'CONFIRM', 200, body, more)).toMatchObject({
      ...{ outcome: 'SUCCEEDED', vend: { tokens: [], receiptNumber: 'R000123' } },
    });
  });
});

const expected: Expected = {
  ...{ kind: 'CONFIRM', reference: 'GW-1', productType: 'ELECTRICITY', subscriberIdentifier: '0404' },
  requestId: 'request-1',
};
const vend = {
  ...{ upstreamReference: 'SP1', subscriber: null, charges: null, units: null, receiptNumber: null },
  tokens: [{ kind: 'CREDIT', digits: TOKEN }],
} as const;
const success: Told = { status: 'Success', externalReference: null, subscriberIdentifier: null, vend };
const failure: Told = { ...success, status: 'FAILED', vend: { ...vend, tokens: [] } };
const envelope: Envelope = {
  ...{ type: 'INVALID_INPUT', code: 'no', message: 'No.', retryable: null, fromProvider: false },
  ...{ unknownReference: false, unexpected: false, docUrl: 'https://example.test/no', requestId: 'req_9' },
  fields: [{ field: 'amount.amount', message: 'why' }],
};
const said = problem({
  ...{ type: 'INVALID_INPUT', code: 'no', message: 'No.', docUrl: 'https://example.test/no' },
  ...{ requestId: 'req_9', fields: [{ field: 'amount.amount', message: 'why' }] },
});
const evidence = (change: Partial<Evidence>): Evidence => ({
  ...{ status: 200, complete: true, mentionsSuccess: false, envelope: null, told: null },
  retryAfterSeconds: null,
  ...change,
});
const doubt = (code: string, claim?: Claim): Reading => ({
  outcome: 'UNKNOWN',
  problem: problem({
    ...{ type: 'UNAVAILABLE', code, message: 'What became of this purchase is not known yet.' },
    requestId: 'request-1',
  }),
  ...(claim && { claim }),
});

describe('the evidence of an answer', () => {
  it.each<[what: string, change: Partial<Evidence>, code: string, claim?: Claim]>([
    ['cut off', { complete: false, told: success }, 'answer_cut_off', 'TAKEN'],
    ['cut off after the word', { complete: false, mentionsSuccess: true }, 'answer_cut_off', 'SOLD'],
    ['2xx that has the word', { mentionsSuccess: true }, 'answer_unreadable', 'SOLD'],
    ['404 that has the word', { status: 404, mentionsSuccess: true }, 'answer_unreadable'],
    ['2xx that tells nothing', { status: 200 }, 'answer_unreadable'],
    ['2xx with an envelope', { status: 299, envelope }, 'answer_unreadable'],
    ['below 200, whatever it tells', { status: 199, told: success }, 'answer_unreadable'],
    ['from 300 on, whatever it tells', { status: 300, told: success }, 'answer_unreadable'],
    ['300 with an envelope', { status: 300, envelope }, 'answer_unreadable'],
    ['below 400 with an envelope', { status: 399, envelope }, 'answer_unreadable'],
    ['400 without an envelope', { status: 400, told: success }, 'answer_unreadable'],
    [
      'of another reference',
      { told: { ...success, externalReference: 'GW-2' } },
      'answer_of_another',
      'SOLD',
    ],
    [
      'of another subscriber',
      { told: { ...success, subscriberIdentifier: '0405' } },
      'answer_of_another',
      'SOLD',
    ],
    [
      'a failure of another reference',
      { told: { ...failure, externalReference: '' } },
      'answer_of_another',
      'SOLD',
    ],
    ['a success with an unreadable token', { told: { ...success, vend: null } }, 'token_unreadable', 'SOLD'],
    ['a success without a token', { told: { ...failure, status: 'SUCCESS' } }, 'token_missing', 'SOLD'],
    ['pending', { told: { ...failure, status: 'pending' } }, 'upstream_pending', 'TAKEN'],
    ['pending with a token', { told: { ...success, status: 'pending' } }, 'upstream_pending', 'SOLD'],
    ['cut off with another status', { status: 404, complete: false, envelope }, 'answer_cut_off'],
    [
      'a failure with a token',
      { told: { ...success, status: 'FAILED' } },
      'answer_contradicts_itself',
      'SOLD',
    ],
    [
      'a failure with what may be one',
      { told: { ...failure, vend: null } },
      'answer_contradicts_itself',
      'SOLD',
    ],
    ['a word that nobody knows', { told: { ...success, status: 'REVERSED' } }, 'answer_unreadable', 'SOLD'],
    ['no word', { told: { ...success, status: '' } }, 'answer_unreadable', 'SOLD'],
  ])('that is %s is in doubt (%j): %s', (_what, change, code, claim) => {
    expect(readEvidence(evidence(change), expected)).toEqual(doubt(code, claim));
    expect(readEvidence(evidence(change), { ...expected, kind: 'RETRY' })).toEqual(doubt(code, claim));
  });

  it.each([200, 201, 299])('that is a success with %d is one, named or not', (status) => {
    const named = { ...success, externalReference: 'GW-1', subscriberIdentifier: '0404' };
    for (const told of [success, named])
      expect(readEvidence(evidence({ status, told }), expected)).toEqual({ outcome: 'SUCCEEDED', vend });
  });

  it('that is a failure without a token is a refusal that may be tried again; a retry’s is a denial', () => {
    const why = problem({
      ...{ type: 'PROVIDER', code: 'purchase_failed', retryable: true, requestId: 'request-1' },
      message: 'The provider could not complete this purchase. Nothing was charged.',
    });
    expect(readEvidence(evidence({ told: failure }), expected)).toEqual({ outcome: 'REFUSED', problem: why });
    const ofRetry = readEvidence(evidence({ told: failure }), { ...expected, kind: 'RETRY' });
    expect(ofRetry).toEqual({ outcome: 'DENIED', problem: why, isKnown: true });
  });

  const limited = { type: 'RATE_LIMITED' } as const;
  const unavailable = { type: 'UNAVAILABLE' } as const;
  const forGood = { fromProvider: true, retryable: false } as const;
  it.each<[status: number, change: Partial<Envelope>, confirm: string, retryable: boolean, retry: string]>([
    [400, {}, 'REFUSED', false, 'UNKNOWN'],
    [499, {}, 'REFUSED', false, 'UNKNOWN'],
    [500, {}, 'UNKNOWN', false, 'UNKNOWN'],
    [401, {}, 'REFUSED', true, 'UNKNOWN'],
    [401, forGood, 'REFUSED', false, 'DENIED'],
    [404, {}, 'REFUSED', false, 'UNKNOWN'],
    [404, { unknownReference: true }, 'REFUSED', false, 'DENIED'],
    [400, { unknownReference: true }, 'REFUSED', false, 'UNKNOWN'],
    [408, {}, 'UNKNOWN', false, 'UNKNOWN'],
    [409, {}, 'UNKNOWN', false, 'UNKNOWN'],
    [425, {}, 'UNKNOWN', false, 'UNKNOWN'],
    [429, {}, 'UNKNOWN', false, 'UNKNOWN'],
    [429, limited, 'REFUSED', true, 'UNKNOWN'],
    [429, { retryable: true }, 'REFUSED', true, 'UNKNOWN'],
    [429, { retryable: false }, 'UNKNOWN', false, 'UNKNOWN'],
    [503, limited, 'REFUSED', true, 'UNKNOWN'],
    [503, unavailable, 'UNKNOWN', false, 'UNKNOWN'],
    [503, { ...unavailable, retryable: true }, 'REFUSED', true, 'UNKNOWN'],
    [502, { ...unavailable, retryable: true }, 'UNKNOWN', true, 'UNKNOWN'],
    [500, limited, 'UNKNOWN', false, 'UNKNOWN'],
    [500, forGood, 'REFUSED', false, 'DENIED'],
    [500, { fromProvider: true }, 'UNKNOWN', false, 'UNKNOWN'],
    [500, { retryable: false }, 'UNKNOWN', false, 'UNKNOWN'],
    [400, { unexpected: true }, 'UNKNOWN', false, 'UNKNOWN'],
    [404, { unexpected: true, unknownReference: true }, 'UNKNOWN', false, 'UNKNOWN'],
    [400, { unexpected: true, ...forGood }, 'UNKNOWN', false, 'UNKNOWN'],
  ])(
    'that is %d with %j: a confirm is %s (retryable: %s), a retry %s',
    (status, change, confirm, again, retry) => {
      const seen = evidence({ status, envelope: { ...envelope, ...change } });
      const { type, retryable } = { ...envelope, ...change };
      const told = { ...said, type, retryable: retryable ?? false };
      const problemOfConfirm = { ...told, retryable: again };
      expect(readEvidence(seen, expected)).toEqual({ outcome: confirm, problem: problemOfConfirm });
      expect(readEvidence(seen, { ...expected, kind: 'RETRY' })).toEqual({
        ...{ outcome: retry, problem: told },
        ...(retry === 'DENIED' && { isKnown: change.unknownReference !== true }),
      });
    },
  );
});

describe('an error of the upstream', () => {
  it.each([
    [null, null],
    [0, 0],
    [7, 7],
    [1.2, 2],
    [8.6e12, 86_400],
  ])('that asks to wait for %s s tells to try again after %s s', (retryAfterSeconds, retryAfter) => {
    expect(problemOf(envelope, 'request-1', retryAfterSeconds)).toEqual({ ...said, retryAfter });
    const tooMuch: Envelope = { ...envelope, type: 'RATE_LIMITED' };
    expect(
      readEvidence(evidence({ status: 429, envelope: tooMuch, retryAfterSeconds }), expected),
    ).toMatchObject({ outcome: 'REFUSED', problem: { type: 'RATE_LIMITED', retryAfter } });
  });

  it('has our request id where the upstream names none', () => {
    expect(problemOf({ ...envelope, requestId: null, retryable: true }, 'request-1', null)).toEqual({
      ...{ ...said, requestId: 'request-1', retryable: true },
    });
  });

  it.each([
    [400, 'INVALID_INPUT'],
    [401, 'AUTHENTICATION'],
    [403, 'PERMISSION'],
    [404, 'NOT_FOUND'],
    [409, 'CONFLICT'],
    [429, 'RATE_LIMITED'],
    [499, 'INVALID_INPUT'],
    [500, 'UNAVAILABLE'],
    [503, 'UNAVAILABLE'],
  ])('with %d is %s where it does not say', (status, type) => {
    expect(typeByStatus(status)).toBe(type);
  });

  it.each([
    ['product_type', 'productType'],
    ['provider_code', 'providerCode'],
    ['debited_account_id', 'accountId'],
    ['subscriber_identifier', 'subscriberIdentifier'],
    ['meter_number', 'subscriberIdentifier'],
    ['beneficiary_phone_number', 'beneficiaryPhoneNumber'],
    ['amount', 'amount.amount'],
    ['currency', 'amount.currency'],
    ['charges_on_top_flag', 'chargesOnTop'],
    ['comment', 'comment'],
    ['language', 'language'],
    ['source_channel', 'sourceChannel'],
  ])('at %s is at our %s', (param, field) => {
    expect(fieldProblem(param, 'why')).toEqual([{ field, message: 'why' }]);
  });

  it.each([null, 'null', 'secret_field', 'constructor', 'toString', '__proto__'])(
    'at %s is at no field of ours',
    (param) => {
      expect(fieldProblem(param, 'why')).toEqual([]);
    },
  );
});
