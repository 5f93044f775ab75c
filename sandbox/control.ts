import type { ServerResponse } from 'node:http';

import type { ZodError } from 'zod';

import { orderedFault } from './faults.ts';
import type { Ledger } from './ledger.ts';
import { testSubscribers } from './meters.ts';
import type { Body } from './read-body.ts';
import type { Sandbox } from './sandbox.ts';

type Controlled = Omit<Sandbox, 'url' | 'close' | typeof Symbol.asyncDispose>;

/** The control path: read the ledger and the calls back, order faults, start anew. Not a part of ScratchPower. */
export function answerControl(
  method: string,
  path: string,
  body: Body,
  sandbox: Controlled,
  ledger: Ledger,
  response: ServerResponse,
): void {
  const send = (status: number, value: unknown) => {
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(`${JSON.stringify(value, null, 2)}\n`);
  };
  switch (`${method} ${path.replace('/__sandbox', '')}`) {
    case 'GET /ledger':
      send(200, sandbox.ledger);
      return;
    case 'GET /calls':
      send(200, sandbox.calls);
      return;
    case 'GET /state':
      send(200, {
        calls: sandbox.calls.length,
        accounts: ledger.accounts.map(({ id, name, currency, balance }) => ({
          id,
          name,
          currency,
          balance: balance.toFixed(2),
        })),
        testSubscribers: testSubscribers.map(({ productType, identifier, what }) => ({
          productType,
          identifier,
          what,
        })),
      });
      return;
    case 'GET /faults':
      send(200, sandbox.faults);
      return;
    case 'POST /faults': {
      if (body.json === undefined) {
        const message = body.tooLarge ? 'is longer than 100 kB' : 'is no JSON';
        send(400, { error: 'This is no fault.', fields: [{ field: 'body', message }] });
        return;
      }
      const parsed = orderedFault.safeParse(body.json);
      if (parsed.success) send(201, sandbox.addFault(parsed.data));
      else send(400, { error: 'This is no fault.', fields: fieldsOf(parsed.error) });
      return;
    }
    case 'DELETE /faults':
      sandbox.clearFaults();
      send(200, []);
      return;
    case 'POST /expire-tokens':
      sandbox.expireTokens();
      send(200, {});
      return;
    case 'POST /reset':
      sandbox.reset();
      send(200, {});
      return;
    default:
      send(404, {
        error: 'There is no such control.',
        paths: [
          'GET ledger',
          'GET calls',
          'GET state',
          'GET POST DELETE faults',
          'POST expire-tokens',
          'POST reset',
        ],
      });
  }
}

function fieldsOf(error: ZodError): { field: string; message: string }[] {
  return error.issues.map(({ path, message }) => ({ field: path.join('.') || 'body', message }));
}
