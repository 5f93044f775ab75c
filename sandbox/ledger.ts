import { randomInt } from 'node:crypto';

import { Decimal } from 'decimal.js';

import {
  findSubscriber,
  price,
  type Price,
  type ProductType,
  type Refusal,
  type TestSubscriber,
} from './meters.ts';

export interface LedgerEntry {
  readonly seq: number;
  readonly at: string;
  /** ScratchPower's reference. */
  readonly reference: string;
  readonly externalReference: string | null;
  readonly surface: 'v1' | 'current';
  readonly productType: ProductType;
  readonly accountId: number;
  readonly currency: string;
  readonly subscriber: string;
  readonly entry: string;
  readonly total: string;
  readonly charge: string;
  readonly commission: string;
  readonly tokens: readonly string[];
}

export interface Account {
  readonly id: number;
  readonly name: string;
  readonly currency: string;
  readonly category: 'CURRENT' | 'COMMISSION' | 'TOPUP';
  readonly rank: number;
  balance: Decimal;
}

/** What a validate or a confirm asks for, of either surface. */
export interface Request {
  readonly surface: 'v1' | 'current';
  readonly productType: ProductType;
  readonly accountId: number;
  readonly subscriber: string;
  readonly amount: Decimal;
  readonly currency: string;
  readonly chargesOnTop: boolean;
  readonly externalReference: string | null;
}

export interface Transaction {
  readonly id: number;
  readonly reference: string;
  readonly request: Request;
  readonly createdAt: Date;
  subscriber: TestSubscriber | null;
  price: Price | null;
  status: 'SUCCESS' | 'PENDING' | 'FAILED';
  tokens: readonly string[];
  units: string | null;
  receiptNumber: string | null;
  refusal: Refusal | null;
  /** For a PENDING one: how many more retries see it pending, and what it then becomes. */
  pending: { polls: number; becomes: 'SUCCESS' | 'FAILED' } | null;
}

export interface Offer {
  readonly subscriber: TestSubscriber;
  readonly price: Price;
}

const COMMISSION_ACCOUNT = 13210;
/** BWP for a unit, so that units have something to say. */
const PRICE_OF_A_UNIT = 1.8416;

/** The one ledger behind both surfaces. A confirm debits every time it is processed, as upstream does. */
export class Ledger {
  readonly #now: () => Date;
  accounts: Account[] = [];
  entries: LedgerEntry[] = [];
  #byReference = new Map<string, Transaction>();
  #seenTokens = new Set<string>();
  #nextId = 987_654;

  constructor(now: () => Date) {
    this.#now = now;
    this.reset();
  }

  reset(): void {
    const account = (
      id: number,
      name: string,
      currency: string,
      category: Account['category'],
      balance: string,
    ) => ({
      ...{ id, name, currency, category },
      rank: id - 13_208,
      balance: new Decimal(balance),
    });
    this.accounts = [
      account(13209, 'Test Admin Account', 'BWP', 'CURRENT', '1000000.00'),
      account(COMMISSION_ACCOUNT, 'Test Commission Account', 'BWP', 'COMMISSION', '0.00'),
      account(13211, 'Test Top-up Account', 'BWP', 'TOPUP', '0.00'),
      account(13212, 'Test Rand Account', 'ZAR', 'CURRENT', '500.00'),
    ];
    this.entries = [];
    this.#byReference.clear();
  }

  account(id: number): Account | undefined {
    return this.accounts.find((one) => one.id === id);
  }

  /** What validate answers, and confirm checks first. Changes nothing. */
  offer(request: Request): Offer | Refusal {
    const subscriber = findSubscriber(request.productType, request.subscriber);
    if ('code' in subscriber) return subscriber;
    const priced = price(subscriber, request.amount, request.chargesOnTop);
    if ('code' in priced) return priced;
    if (priced.net.lessThanOrEqualTo(0)) {
      return { code: 'purchase_amount_invalid', message: 'The charges are more than the amount.' };
    }
    return { subscriber, price: priced };
  }

  confirm(request: Request): Transaction {
    return this.#settle(this.#record(request));
  }

  /** Records a confirm whose outcome comes later. */
  pend(request: Request, polls: number, becomes: 'SUCCESS' | 'FAILED'): Transaction {
    const transaction = this.#record(request);
    transaction.pending = { polls, becomes };
    return transaction;
  }

  /** Records a confirm that failed: remembered, so that retry reattempts it. */
  fail(request: Request): Transaction {
    const transaction = this.#record(request);
    transaction.status = 'FAILED';
    transaction.refusal = {
      code: 'provider_failed',
      message: 'The provider could not complete the purchase.',
    };
    return transaction;
  }

  /** What became of a reference; a prior failure is attempted again. Undefined when it was never seen. */
  retry(externalReference: string): Transaction | undefined {
    const transaction = this.#byReference.get(externalReference);
    if (transaction === undefined || transaction.status === 'SUCCESS') return transaction;
    if (transaction.pending !== null) {
      if (transaction.pending.polls > 0) {
        transaction.pending.polls -= 1;
        return transaction;
      }
      const { becomes } = transaction.pending;
      transaction.pending = null;
      if (becomes === 'FAILED') {
        transaction.status = 'FAILED';
        transaction.refusal = {
          code: 'provider_failed',
          message: 'The provider could not complete the purchase.',
        };
        return transaction;
      }
    }
    return this.#settle(transaction);
  }

  #record(request: Request): Transaction {
    const id = this.#nextId;
    this.#nextId += 1;
    const transaction: Transaction = {
      ...{
        id,
        reference: `SP${String(id).padStart(12, '0')}`,
        request,
        createdAt: this.#now(),
        status: 'PENDING',
      },
      ...{
        subscriber: null,
        price: null,
        tokens: [],
        units: null,
        receiptNumber: null,
        refusal: null,
        pending: null,
      },
    };
    const { externalReference } = request;
    // The first success under a reference is the one that a look-up finds.
    if (externalReference !== null && this.#byReference.get(externalReference)?.status !== 'SUCCESS') {
      this.#byReference.set(externalReference, transaction);
    }
    return transaction;
  }

  #settle(transaction: Transaction): Transaction {
    const { request } = transaction;
    const offer = this.offer(request);
    const account = this.account(request.accountId);
    const refusal = 'code' in offer ? offer : undefined;
    if (
      refusal !== undefined ||
      'code' in offer ||
      account === undefined ||
      account.balance.lessThan(offer.price.total)
    ) {
      transaction.status = 'FAILED';
      transaction.refusal = refusal ?? {
        code: 'insufficient_funds',
        message: 'There is not enough money in the account.',
      };
      return transaction;
    }
    account.balance = account.balance.sub(offer.price.total);
    // Its account holds BWP: what is earned in another currency has no account to go to.
    const commission = this.account(COMMISSION_ACCOUNT);
    if (commission?.currency === request.currency)
      commission.balance = commission.balance.add(offer.price.commission);
    transaction.subscriber = offer.subscriber;
    transaction.price = offer.price;
    transaction.tokens = Array.from({ length: offer.subscriber.tokens }, () => this.#token());
    transaction.units = offer.subscriber.tokens > 0 ? offer.price.net.div(PRICE_OF_A_UNIT).toFixed(2) : null;
    transaction.receiptNumber = `R${String(transaction.id).padStart(6, '0')}`;
    transaction.status = 'SUCCESS';
    transaction.refusal = null;
    this.entries.push({
      seq: this.entries.length + 1,
      at: this.#now().toISOString(),
      reference: transaction.reference,
      externalReference: request.externalReference,
      surface: request.surface,
      productType: request.productType,
      accountId: request.accountId,
      currency: request.currency,
      subscriber: request.subscriber,
      entry: offer.price.entry.toFixed(2),
      total: offer.price.total.toFixed(2),
      charge: offer.price.charge.toFixed(2),
      commission: offer.price.commission.toFixed(2),
      tokens: transaction.tokens,
    });
    return transaction;
  }

  /** Twenty digits, never the same twice. */
  #token(): string {
    for (;;) {
      const token = `${randomInt(1e9, 1e10)}${randomInt(1e9, 1e10)}`;
      if (this.#seenTokens.has(token)) continue;
      this.#seenTokens.add(token);
      return token;
    }
  }
}
