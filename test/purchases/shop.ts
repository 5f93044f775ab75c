import { onTestFinished } from 'vitest';

import type { Account, Identity, Product } from '../../src/purchases/catalogue.ts';
import type { PurchaseInput } from '../../src/purchases/input.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import { Liveness } from '../../src/purchases/liveness.ts';
import { isProblem, type Problem } from '../../src/purchases/problem.ts';
import type { Order, Purchase, RawAnswer } from '../../src/purchases/purchase.ts';
import { composePurchasing } from '../../src/purchases/purchasing.ts';
import type { Runtime } from '../../src/purchases/runtime.ts';
import type {
  Call,
  Expected,
  Priced,
  Reading,
  Sent,
  Upstream,
  Vending,
} from '../../src/purchases/vending.ts';
import { MemoryJournal, MemoryRecord } from '../simulation/memory-journal.ts';
import { SimulatedProcess } from '../simulation/process.ts';
import { World } from '../simulation/world.ts';
import { bound, bwp, someProblem } from '../support/domain.ts';

export const QUOTE_TTL_MS = 60_000;
export const MAY_LAND_MS = 5_000;
/** Whatever takes so long hangs. */
const TOO_LONG_MS = 600_000;

export const input: PurchaseInput = {
  ...{ productType: 'ELECTRICITY', providerCode: 'BPC', accountId: 1, subscriberIdentifier: '04040404040' },
  ...{ beneficiaryPhoneNumber: '26771436390', amount: { amount: '100.00', currency: 'BWP' } },
  ...{ chargesOnTop: true, comment: null, language: 'en-BW', sourceChannel: 'WEB', surface: 'V1' },
};
export const order: Order = {
  ...{ productType: 'ELECTRICITY', accountId: 1, subscriberIdentifier: '04040404040' },
  ...{ provider: { code: 'BPC', name: 'BPC' }, beneficiaryPhoneNumber: '+26771436390', amount: bwp('100') },
  ...{ chargesOnTop: true, comment: null, language: 'en-BW', sourceChannel: 'WEB', surface: 'V1' },
};
export const priced: Priced = {
  subscriber: { identifier: '04040404040', name: 'K. MOTHIBI', address: 'PLOT 1' },
  charges: { entry: null, net: null, total: bwp('102.50'), charge: null, commission: null },
};
export const token = { kind: 'CREDIT', digits: '12345678901234567890' } as const;
export const bought: Reading = {
  outcome: 'SUCCEEDED',
  vend: {
    ...{ upstreamReference: 'SP1', subscriber: null, charges: null },
    ...{ tokens: [token], units: null, receiptNumber: null },
  },
};
const raw: RawAnswer = { status: 200, body: 'the answer', complete: true, retryAfterSeconds: null };
export const answered: Sent = { kind: 'ANSWERED', answer: raw };
export const lost: Sent = { kind: 'LOST', problem: someProblem };
export const notSent: Sent = { kind: 'NOT_SENT', problem: { ...someProblem, retryable: true } };
export const refused: Reading = { outcome: 'REFUSED', problem: { ...someProblem, retryable: true } };
export const refusedForGood: Reading = { outcome: 'REFUSED', problem: someProblem };

const account = (id: number): Account => ({
  ...{ id, name: 'Wallet', currency: 'BWP', category: 'CURRENT', type: 'WALLET', status: 'ACTIVE' },
  ...{ rank: id, balance: null },
});
export const identity: Identity = { username: 'kagiso', role: null, roles: [], organisation: null };
const electricity: Product = {
  type: 'ELECTRICITY',
  displayName: 'Electricity',
  subscriberId: { label: 'Meter', minLength: 11, maxLength: 13, pattern: null, hint: null },
  providers: [{ code: 'BPC', name: 'BPC' }],
  surfaces: ['V1'],
};

type Method = keyof Journal;

/** What the upstream, and the disk, do from now on. */
export interface Says {
  confirm: Sent;
  retry: Sent;
  reading: Reading;
  priced: Priced | Problem;
  /** How long a confirm or a retry takes. */
  takesMs: number;
  /** What stands in the way of a call. */
  place: Problem | undefined;
  there: boolean;
  catalogueFails: Error | undefined;
  /** The accounts that there are, by id. */
  accounts: readonly number[];
  /** Journal methods that fail, and how often; `done` when the write was made all the same. */
  failing: Partial<Record<Method, number>>;
  done: boolean;
}

/**
 * The domain of one instance on a record in memory, on a clock that stands still but for `play`, with an upstream that
 * says what the test wants. The reconciler is not started: what it would do, the test does.
 */
export async function aShop(
  options: {
    beside?: { world: World; record: MemoryRecord };
    instance?: string;
    runtime?: Partial<Runtime>;
    journal?: (journal: Journal) => Partial<Journal>;
  } = {},
) {
  const { world, record } = options.beside ?? { world: new World(1), record: new MemoryRecord() };
  const { instance = 'one' } = options;
  const process = new SimulatedProcess(world, instance);
  const sleeps: { ms: number; signal: AbortSignal | undefined }[] = [];
  const runtime: Runtime = {
    ...process.runtime,
    sleep: (ms, signal) => {
      sleeps.push({ ms, signal });
      return process.runtime.sleep(ms, signal);
    },
    ...options.runtime,
  };
  const says: Says = {
    ...{ confirm: answered, retry: answered, reading: bought, priced, takesMs: 5, place: undefined },
    ...{ there: true, catalogueFails: undefined, accounts: [1, 2], failing: {}, done: false },
  };
  const told: string[] = [];
  const calls: { what: string; order?: Order; reference?: string; call?: Call; expected?: Expected }[] = [];
  let slots = 0;

  const own = new MemoryJournal(record, { instance, shared: true });
  const changed = options.journal?.(own) ?? {};
  const journal = new Proxy<Journal>(own, {
    get: (_target, name: Method) => {
      const method: unknown = changed[name] ?? bound(own, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        const left = says.failing[name] ?? 0;
        if (left === 0) return Reflect.apply(method, own, args);
        says.failing = { ...says.failing, [name]: left - 1 };
        if (says.done) Reflect.apply(method, own, args);
        return Promise.reject(new Error('the disk is full'));
      };
    },
  });
  const send = async (what: 'confirm' | 'retry', about: Order, reference: string, call: Call) => {
    calls.push({ what, order: about, reference, call });
    const sent = says[what];
    await world.sleep(says.takesMs);
    return sent;
  };
  const read = <T>(what: string, call: Call, value: T): Promise<T> => {
    calls.push({ what, call });
    return says.catalogueFails === undefined ? Promise.resolve(value) : Promise.reject(says.catalogueFails);
  };
  const vending: Vending = {
    surface: 'V1',
    identity: (call) => read('identity', call, identity),
    accounts: (call) => read('accounts', call, says.accounts.map(account)),
    products: (call) => read('products', call, [electricity]),
    validate: (about, call) => {
      calls.push({ what: 'validate', order: about, call });
      return Promise.resolve(says.priced);
    },
    confirm: (about, reference, call) => send('confirm', about, reference, call),
    retry: (about, reference, call) => send('retry', about, reference, call),
    read: (_answer, expected) => {
      calls.push({ what: 'read', expected });
      return says.reading;
    },
    admit: () => {
      calls.push({ what: 'admit' });
      if (says.place !== undefined) return Promise.resolve(says.place);
      slots += 1;
      let held = true;
      return Promise.resolve({
        release: () => {
          if (held) slots -= 1;
          held = false;
        },
      });
    },
    isThere: () => says.there,
    ready: () => Promise.resolve(),
  };
  const upstream: Upstream = { defaultSurface: 'V1', on: () => vending, close: () => Promise.resolve() };
  const log = {
    info: () => undefined,
    warn: (_details: object, message: string) => void told.push(message),
    error: (_details: object, message: string) => void told.push(message),
  };
  const liveness = new Liveness({ journal, runtime, log, leaseMs: 1e9 });
  await liveness.start();
  const purchasing = await composePurchasing({
    ...{ journal, upstream, liveness, runtime, log, quoteTtlMs: QUOTE_TTL_MS, mayLandMs: MAY_LAND_MS },
    reconcile: {
      ...{ baseDelayMs: 1_000, maxDelayMs: 4_000, giveUpAfterMs: 60_000, concurrency: 4 },
      answerRetentionMs: 60_000,
    },
  });
  onTestFinished(() => purchasing.feed.close());

  /** Lets time pass until the work is done. */
  const play = async <T>(work: Promise<T>): Promise<T> => {
    const end = { come: false };
    const come = () => void (end.come = true);
    work.then(come, come);
    await new Promise((resume) => setImmediate(resume));
    await world.run(world.now + TOO_LONG_MS, () => end.come);
    if (!end.come) throw new Error('it does not come to an end');
    return work;
  };
  const wait = (ms: number) => play(world.sleep(ms));
  const confirm = (change: Partial<Parameters<typeof purchasing.purchases.confirm>[0]> = {}) =>
    play(
      purchasing.purchases.confirm({ idempotencyKey: 'key', from: { details: input }, waitMs: 0, ...change }),
    );
  /** Buys, and waits until its confirm is concluded. */
  const buy = async (change: Partial<Says> = {}, key = 'key'): Promise<Purchase> => {
    Object.assign(says, change);
    return got(await confirm({ idempotencyKey: key, waitMs: 10_000 }));
  };
  const retry = (id: string | null, waitMs = 10_000) => play(purchasing.purchases.retry({ id, waitMs }));
  /** How often each was called upstream. */
  const count = (what: string) => calls.filter((call) => call.what === what).length;
  return {
    ...{
      ...purchasing,
      service: purchasing.purchases,
      world,
      record,
      journal: own,
      runtime,
      says,
      told,
      calls,
    },
    ...{ liveness, sleeps, play, wait, confirm, buy, retry, count, slots: () => slots },
  };
}

/** The purchase, which is no problem. */
export function got(result: Purchase | Problem): Purchase {
  if (isProblem(result)) throw new Error(`a problem: ${result.code}`);
  return result;
}
