import { demand, need, skip, type Assumption } from '../assumption.ts';
import { CURRENCY, meters } from '../purchases.ts';
import { show, word } from '../show.ts';
import { STRANGE_ACCOUNT } from '../side.ts';
import { at, type Dialect } from '../surfaces.ts';
import { errorOf, said, type Reply } from '../wire.ts';

/** An ISO currency in which nobody here has an account. */
const STRANGE_CURRENCY = 'XTS';
const DAY_MS = 86_400_000;

/** How each surface says no. */
export function errorAssumptions({ surface }: Dialect): readonly Assumption[] {
  return surface === 'v1' ? onV1 : onCurrent;
}

const onV1: readonly Assumption[] = [
  {
    ...{ id: 'v1.error.envelope', surface: 'v1', mark: 'D' },
    statement:
      'an error is under `error`: type, code, message, param (or null), retryable, doc_url, request_id',
    async try(side) {
      const reply = await side.validate({ subscriber: meters.blocked });
      need(reply.status >= 400, `it was not refused: ${said(reply)}`);
      const error = at(reply.json, 'error');
      for (const name of ['type', 'code', 'message', 'doc_url', 'request_id']) {
        const value = at(error, name);
        demand(typeof value === 'string' && value !== '', `a text in ${name}`, `${name}: ${show(value)}`);
      }
      const param = at(error, 'param');
      demand(param === null || typeof param === 'string', 'param: a text or null', `param: ${show(param)}`);
      const retryable = at(error, 'retryable');
      demand(typeof retryable === 'boolean', 'retryable: true or false', `retryable: ${show(retryable)}`);
      return said(reply);
    },
  },
  {
    ...{ id: 'v1.error.validation', surface: 'v1', mark: 'A' },
    statement: 'a missing field is a validation_error with HTTP 400',
    async try(side) {
      const reply = await side.validate({}, { beneficiary_phone_number: undefined });
      const right = reply.status === 400 && errorOf(reply.json, 'v1')?.type === 'validation_error';
      demand(right, 'HTTP 400 validation_error', said(reply));
      return said(reply);
    },
  },
  {
    ...{ id: 'v1.error.param', surface: 'v1', mark: 'D' },
    statement: 'param is the snake_case field of the request that is wrong',
    async try(side) {
      const reply = await side.validate({}, { beneficiary_phone_number: undefined });
      need(reply.status >= 400, `it was not refused: ${said(reply)}`);
      const param = at(reply.json, 'error.param');
      demand(param === 'beneficiary_phone_number', 'beneficiary_phone_number', `param: ${word(param)}`);
      return word(param);
    },
  },
  {
    ...{ id: 'v1.error.rate-limit', surface: 'v1', mark: 'A' },
    statement: 'too many calls are a 429 rate_limit_error with Retry-After, and nothing was processed',
    try: () => skip('a staging that is shared is not flooded'),
  },
];

const coded = (
  name: string,
  statement: string,
  status: number,
  codes: readonly string[],
  ask: (side: Parameters<Assumption['try']>[0]) => Promise<Reply>,
): Assumption => ({
  ...{ id: `current.error.${name}`, surface: 'current', mark: 'D', statement },
  async try(side) {
    const reply = await ask(side);
    const right = reply.status === status && codes.includes(errorOf(reply.json, 'current')?.code ?? '');
    demand(right, `HTTP ${status} with ${codes.join(' or ')}`, said(reply));
    return said(reply);
  },
});

const onCurrent: readonly Assumption[] = [
  {
    ...{ id: 'current.error.envelope', surface: 'current', mark: 'D' },
    statement:
      'an error is response_code and response_message as texts, timestamp in ms, developer_message, errors',
    async try(side) {
      const reply = await side.validate({ subscriber: meters.blocked });
      need(reply.status >= 400, `it was not refused: ${said(reply)}`);
      for (const name of ['response_code', 'response_message', 'developer_message']) {
        const value = at(reply.json, name);
        demand(typeof value === 'string' && value !== '', `a text in ${name}`, `${name}: ${show(value)}`);
      }
      const timestamp = at(reply.json, 'timestamp');
      const recent =
        typeof timestamp === 'number' && Math.abs(side.walk.now().getTime() - timestamp) < DAY_MS;
      demand(recent, 'timestamp: ms of today', `timestamp: ${show(timestamp)}`);
      const errors = at(reply.json, 'errors');
      const right = errors === undefined || errors === null || typeof errors === 'object';
      demand(right, 'errors: an object', `errors: ${show(errors)}`);
      return said(reply);
    },
  },
  coded('empty', 'an empty mandatory field is 101 or 136, HTTP 400', 400, ['101', '136'], (side) =>
    side.validate({}, { meter_number: '' }),
  ),
  coded('phone', 'a phone that is none is 104, HTTP 400', 400, ['104'], (side) =>
    side.validate({ phone: '12' }),
  ),
  coded('account', 'an account that is not there is 146, HTTP 404', 404, ['146'], (side) =>
    side.validate({ accountId: STRANGE_ACCOUNT }),
  ),
  coded(
    'currency',
    `a currency without an account (not ${CURRENCY}) is 163, HTTP 404`,
    404,
    ['163'],
    (side) => side.validate({ currency: STRANGE_CURRENCY }),
  ),
];
