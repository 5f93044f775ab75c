import { randomBytes } from 'node:crypto';

import { demand, type Assumption } from '../assumption.ts';
import { meters } from '../purchases.ts';
import { list, show } from '../show.ts';
import { at, type Dialect } from '../surfaces.ts';

const LONGEST_ID = 128;
const HEADER = 'x-request-id';

/** How a call is found again in the logs of both sides. */
export function requestIdAssumptions({ surface, paths }: Dialect): readonly Assumption[] {
  if (surface === 'current') {
    return [
      {
        ...{ id: 'current.request-id.none', surface, mark: 'A' },
        statement: 'Current takes an X-Request-Id and answers none',
        async try(side) {
          const back = (await side.me()).header(HEADER);
          demand(back === undefined, 'no X-Request-Id', `X-Request-Id: ${show(back)}`);
          return 'none';
        },
      },
    ];
  }
  return [
    {
      ...{ id: 'v1.request-id.echo', surface, mark: 'D' },
      statement: 'an X-Request-Id that was sent is echoed',
      async try(side) {
        const { header, requestId } = await side.me();
        demand(header(HEADER) === requestId, 'the one that was sent', show(header(HEADER)));
        return 'as it was sent';
      },
    },
    {
      ...{ id: 'v1.request-id.longest', surface, mark: 'D' },
      statement: `an X-Request-Id of ${LONGEST_ID} characters is echoed whole`,
      async try(side) {
        const requestId = `pb-${randomBytes(LONGEST_ID).toString('hex')}`.slice(0, LONGEST_ID);
        const back = (await side.get('me', paths.me, { requestId })).header(HEADER);
        const seen = back === undefined ? 'nothing' : `${back.length} characters`;
        demand(back === requestId, `${LONGEST_ID} characters`, seen);
        return seen;
      },
    },
    {
      ...{ id: 'v1.request-id.made', surface, mark: 'D' },
      statement: 'a call without an X-Request-Id gets one',
      async try(side) {
        const back = (await side.get('me', paths.me, { requestId: null })).header(HEADER);
        demand(back !== undefined && back !== '', 'an X-Request-Id', show(back));
        return `${back.length} characters`;
      },
    },
    {
      ...{ id: 'v1.request-id.in-errors', surface, mark: 'D' },
      statement: 'an error’s request_id is the answer’s X-Request-Id',
      async try(side) {
        const { json, requestId } = await side.validate({ subscriber: meters.blocked });
        const told = at(json, 'error.request_id');
        demand(told === requestId, 'the one that was sent', `request_id: ${show(told)}`);
        return 'as it was sent';
      },
    },
    {
      ...{ id: 'v1.request-id.always', surface, mark: 'D' },
      statement: 'every answer carries an X-Request-Id',
      try(side) {
        // Of all that was called until here, but for the call without one of ours, which is the assumption above.
        const without = [...new Set(side.walk.withoutRequestId)];
        demand(without.length === 0, 'one in every answer', `none in: ${list(without)}`);
        return Promise.resolve('in every answer until now');
      },
    },
  ];
}
