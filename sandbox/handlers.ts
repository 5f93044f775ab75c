import {
  accountBody,
  meBody,
  offerBody,
  transactionBody,
  type Answer,
  type Fault as ErrorFault,
  type Surface,
} from './answers.ts';
import type { Endpoint, Fault } from './faults.ts';
import type { Ledger, Transaction } from './ledger.ts';
import { products, type Refusal } from './meters.ts';
import type { OAuth } from './oauth.ts';
import type { Body } from './read-body.ts';
import { invalid, readPurchase, readRetry } from './requests.ts';

export interface Asked {
  readonly endpoint: Endpoint;
  readonly surface: Surface;
  readonly allowed: string | null;
  readonly accountId: number | null;
  readonly body: Body;
  readonly authorization: string | undefined;
  readonly arrivedAt: Date;
  readonly fault: Fault | undefined;
}

/** What each endpoint does: the contract, on one ledger for both surfaces. */
export class Handlers {
  readonly #ledger: Ledger;
  readonly #oauth: OAuth;

  constructor(options: { ledger: Ledger; oauth: OAuth }) {
    this.#ledger = options.ledger;
    this.#oauth = options.oauth;
  }

  answer(asked: Asked): Answer | ErrorFault {
    const { endpoint, surface, body, authorization, arrivedAt } = asked;
    if (body.tooLarge) return { ...invalid('The body is too large.', 'body'), status: 413 };
    switch (endpoint) {
      case 'login':
        return ok(this.#oauth.login(body.json)) ?? unauthorized('These credentials are not right.', '158');
      case 'refresh':
        return (
          ok(this.#oauth.refresh(body.json)) ??
          unauthorized('This refresh token is not good any more.', '158')
        );
      case 'other':
        return noRoute(asked.allowed);
      default:
        if (!this.#oauth.isValid(authorization, arrivedAt))
          return unauthorized('The access token is missing or has expired.', '110');
    }
    switch (endpoint) {
      case 'logout':
        return { status: 200, body: {} };
      case 'me':
        return { status: 200, body: meBody(surface, this.#ledger.accounts) };
      case 'accounts':
        return { status: 200, body: this.#ledger.accounts.map(accountBody) };
      case 'account': {
        const account = this.#ledger.account(asked.accountId ?? 0);
        return account === undefined ? noAccount : { status: 200, body: accountBody(account) };
      }
      case 'products':
        return { status: 200, body: products };
      case 'validate':
        return this.#validate(asked);
      case 'confirm':
        return this.#confirm(asked);
      case 'retry':
        return this.#retry(asked);
    }
  }

  #validate({ surface, body }: Asked): Answer | ErrorFault {
    const request = readPurchase(surface, body.json, amountText(body), this.#ledger);
    if ('status' in request) return request;
    const offer = this.#ledger.offer(request);
    if ('code' in offer) return refused(offer);
    return { status: 200, body: offerBody(surface, request.currency, offer) };
  }

  #confirm({ surface, body, fault }: Asked): Answer | ErrorFault {
    const request = readPurchase(surface, body.json, amountText(body), this.#ledger);
    if ('status' in request) return request;
    if (fault?.kind === 'pending') {
      return this.#told(surface, this.#ledger.pend(request, fault.pendingPolls, fault.becomes));
    }
    if (fault?.kind === 'failed') return this.#told(surface, this.#ledger.fail(request));
    const transaction = this.#ledger.confirm(request);
    return transaction.refusal === null ? this.#told(surface, transaction) : refused(transaction.refusal);
  }

  #retry({ surface, body }: Asked): Answer | ErrorFault {
    const reference = readRetry(surface, body.json);
    if (typeof reference !== 'string') return reference;
    const transaction = this.#ledger.retry(reference);
    if (transaction === undefined) return noPurchase;
    return transaction.refusal === null ? this.#told(surface, transaction) : refused(transaction.refusal);
  }

  #told(surface: Surface, transaction: Transaction): Answer {
    return { status: 200, body: transactionBody(surface, transaction) };
  }
}

/** The amount's own digits. Bodies here are flat, so that the first "amount" is the one. */
function amountText({ text }: Body): string | undefined {
  return /"amount"\s*:\s*(-?\d+(?:\.\d+)?)\s*[,}]/.exec(text)?.[1];
}

function ok(body: object | null): Answer | undefined {
  return body === null ? undefined : { status: 200, body };
}

function refused({ code, message }: Refusal): ErrorFault {
  return { status: 422, type: 'provider_error', code, number: '810', message };
}

function unauthorized(message: string, number: string): ErrorFault {
  return { status: 401, type: 'authentication_error', code: 'authentication_failed', number, message };
}

function noRoute(allowed: string | null): ErrorFault {
  if (allowed === null)
    return { ...noPurchase, code: 'route_not_found', number: '147', message: 'There is no such endpoint.' };
  const message = `This endpoint takes ${allowed}.`;
  return { status: 405, type: 'validation_error', code: 'method_not_allowed', number: '147', message };
}

const noPurchase: ErrorFault = {
  ...{ status: 404, type: 'not_found_error', code: 'purchase_not_found', number: '102' },
  message: 'There is no purchase with this reference.',
};
const noAccount: ErrorFault = {
  ...noPurchase,
  code: 'account_not_found',
  number: '146',
  message: 'There is no such account.',
};
