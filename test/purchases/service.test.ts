import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import type { Account, Product } from '../../src/purchases/catalogue.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import { isProblem, ProblemError, type Problem } from '../../src/purchases/problem.ts';
import { isSettled, type Purchase, type RawAnswer } from '../../src/purchases/purchase.ts';
import type { PurchaseInput } from '../../src/purchases/input.ts';
import { Liveness } from '../../src/purchases/liveness.ts';
import { composePurchasing } from '../../src/purchases/purchasing.ts';
import type { PurchaseService } from '../../src/purchases/service.ts';
import type { Reading, Sent, Vending } from '../../src/purchases/vending.ts';
import { MemoryJournal, MemoryRecord } from '../simulation/memory-journal.ts';
import { bound, bwp, someProblem } from '../support/domain.ts';
import { systemRuntime } from '../../src/system-runtime.ts';

const electricity: Product = {
  type: 'ELECTRICITY',
  displayName: 'Electricity',
  subscriberId: { label: 'Meter', minLength: 11, maxLength: 13, pattern: null, hint: null },
  providers: [{ code: 'BPC', name: 'BPC' }],
  surfaces: ['V1'],
};
const input: PurchaseInput = {
  productType: 'ELECTRICITY',
  providerCode: 'BPC',
  accountId: 1,
  subscriberIdentifier: '04040404040',
  beneficiaryPhoneNumber: '26771436390',
  amount: { amount: '100.00', currency: 'BWP' },
  ...{ chargesOnTop: true, comment: null, language: 'en-BW', sourceChannel: 'WEB', surface: 'V1' },
};
const token = { kind: 'CREDIT', digits: '12345678901234567890' } as const;
const bought: Reading = {
  outcome: 'SUCCEEDED',
  vend: {
    ...{ upstreamReference: 'SP1', subscriber: null, charges: null },
    ...{ tokens: [token], units: null, receiptNumber: null },
  },
};
const raw: RawAnswer = { status: 200, body: 'the answer', complete: true, retryAfterSeconds: null };
const answered: Sent = { kind: 'ANSWERED', answer: raw };
const lost: Sent = { kind: 'LOST', problem: someProblem };

const account: Account = {
  ...{ id: 1, name: 'Wallet', currency: 'BWP', category: 'CURRENT', type: 'WALLET', status: 'ACTIVE' },
  ...{ rank: 1, balance: bwp('1000.00') },
};
const nobody = { identifier: '04040404040', name: null, address: null };
const charges = { entry: null, net: null, total: bwp('102.50'), charge: null, commission: null };

/** What happened, in order: journal writes and upstream calls. */
let story: string[];
/** How often each journal method fails from now on. */
let failing: Partial<Record<keyof Journal, number>>;
/** Each failure happens only after the write was done: a commit whose confirmation is lost. */
let failAfterwards: boolean;
/** How long the upstream takes. */
let takesMs: number;
/** What stands in the way of a call; undefined for nothing. */
let place: Problem | undefined;
let released: number;
let upstreamAnswers: { confirm: Sent; retry: Sent; reading: Reading };

beforeEach(() => {
  story = [];
  failing = {};
  failAfterwards = false;
  place = undefined;
  takesMs = 5;
  released = 0;
  upstreamAnswers = { confirm: answered, retry: answered, reading: bought };
});

describe('a confirm', () => {
  it('R2, R3: is recorded, then sent, then its raw answer kept, then read, then concluded', async () => {
    const { service } = await compose();
    await expect(confirm(service)).resolves.toMatchObject({ status: 'SUCCEEDED', tokens: [token] });
    expect(story).toEqual(['admit', 'begin', 'confirm', 'keepAnswer', 'read', 'finishAttempt']);
  });

  it('R2: is not sent when it cannot be recorded', async () => {
    failing = { begin: 1 };
    const { service } = await compose();
    await expect(confirm(service)).resolves.toMatchObject({ code: 'record_unavailable', retryable: true });
    expect(story).toEqual(['admit', 'begin failed']);
    await expect(confirm(service)).resolves.toMatchObject({ status: 'SUCCEEDED' });
  });

  it('R1, R2: is not sent when its record was written after all; it is found out by retry', async () => {
    failing = { begin: 1 };
    failAfterwards = true;
    const { service, settled } = await compose();
    await expect(confirm(service)).resolves.toMatchObject({ code: 'record_unavailable' });
    const end = await settled('key');
    expect(end.status).toBe('SUCCEEDED');
    expect(story).not.toContain('confirm');
    expect(story).toContain('retry');
  });

  it('R3: its answer is not read before it is on disk, however long the disk is full', async () => {
    failing = { keepAnswer: 3 };
    const { service } = await compose();
    await expect(confirm(service)).resolves.toMatchObject({ status: 'SUCCEEDED', tokens: [token] });
    expect(story.indexOf('read')).toBeGreaterThan(story.indexOf('keepAnswer'));
    expect(story.filter((what) => what === 'keepAnswer failed')).toHaveLength(3);
  });

  it.each([{ failAfter: false }, { failAfter: true }])(
    'its outcome is written as soon as it can be (the failed write was done: $failAfter)',
    async ({ failAfter }) => {
      failing = { finishAttempt: 2 };
      failAfterwards = failAfter;
      const { service, journal } = await compose();
      const purchase = await confirm(service);
      expect(purchase).toMatchObject({ status: 'SUCCEEDED', tokens: [token] });
      expect(story.filter((what) => what === 'confirm')).toHaveLength(1);
      const events = await journal.events({ after: 0, limit: 10 });
      expect(events.map(({ purchase: { status } }) => status)).toEqual(['PENDING', 'SUCCEEDED']);
    },
  );

  it('R8: of a hundred at once with one key, one is sent and all get the same purchase', async () => {
    const { service } = await compose();
    const all = await Promise.all(Array.from({ length: 100 }, () => confirm(service)));
    expect(new Set(all.map(idOf)).size).toBe(1);
    expect(story.filter((what) => what === 'confirm')).toHaveLength(1);
  });

  it('R1: is never sent again once it was, whatever was answered', async () => {
    upstreamAnswers.confirm = lost;
    const { service, settled } = await compose();
    await expect(confirm(service)).resolves.toMatchObject({ status: 'UNRESOLVED' });
    await expect(confirm(service)).resolves.toMatchObject({ id: expect.any(String) });
    expect((await settled('key')).status).toBe('SUCCEEDED');
    expect(story.filter((what) => what === 'confirm')).toHaveLength(1);
  });

  it('that takes its time is left alone by the reconciler', async () => {
    takesMs = 100;
    const { service, journal } = await compose();
    const purchase = await confirm(service);
    expect(purchase).toMatchObject({ status: 'SUCCEEDED' });
    expect(await journal.attempts([idOf(purchase)])).toMatchObject([{ outcome: 'SUCCEEDED' }]);
    expect(await journal.lastPosition()).toBe(2);
  });

  it('that never left is FAILED, and retryPurchase sends its first confirm', async () => {
    upstreamAnswers.confirm = { kind: 'NOT_SENT', problem: { ...someProblem, retryable: true } };
    const { service } = await compose();
    const failed = await confirm(service);
    expect(failed).toMatchObject({ status: 'FAILED' });
    upstreamAnswers.confirm = answered;
    await expect(service.retry({ id: idOf(failed), waitMs: 1_000 })).resolves.toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(story.filter((what) => what === 'retry')).toEqual([]);
  });

  it('that was refused and may be tried again goes through retry, never through confirm', async () => {
    upstreamAnswers.reading = { outcome: 'REFUSED', problem: { ...someProblem, retryable: true } };
    const { service } = await compose();
    const failed = await confirm(service);
    upstreamAnswers.reading = bought;
    await expect(service.retry({ id: idOf(failed), waitMs: 1_000 })).resolves.toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(story.filter((what) => what === 'confirm' || what === 'retry')).toEqual(['confirm', 'retry']);
  });
});

describe('a place among the calls', () => {
  it('that there is not is a Problem, and nothing was recorded', async () => {
    place = { ...someProblem, code: 'gateway_busy', retryable: true };
    const { service, journal } = await compose();
    await expect(confirm(service)).resolves.toMatchObject({ code: 'gateway_busy' });
    expect(story).toEqual(['admit']);
    expect(await journal.lastPosition()).toBe(0);
    place = undefined;
    await expect(confirm(service)).resolves.toMatchObject({ status: 'SUCCEEDED' });
  });

  it('is needed to retry, too, and leaves the purchase as it was', async () => {
    upstreamAnswers.reading = { outcome: 'REFUSED', problem: { ...someProblem, retryable: true } };
    const { service } = await compose();
    const failed = await confirm(service);
    place = { ...someProblem, code: 'gateway_busy' };
    const refused = await service.retry({ id: idOf(failed), waitMs: 0 });
    expect(refused).toMatchObject({ code: 'gateway_busy' });
    if (!isProblem(failed)) await expect(service.check(failed)).rejects.toThrow(ProblemError);
    expect(story).not.toContain('startAttempt');
  });

  it('is given back whatever happens', async () => {
    const { service } = await compose();
    await confirm(service);
    await confirm(service);
    failing = { begin: 1 };
    await service.confirm({ idempotencyKey: 'other', from: { details: input }, waitMs: 0 });
    const taken = story.filter((what) => what === 'admit').length;
    await expect.poll(() => released).toBeGreaterThanOrEqual(taken);
  });
});

describe('a record that cannot be written', () => {
  it('is told of by validate and by retry, and nothing was sent', async () => {
    upstreamAnswers.reading = { outcome: 'REFUSED', problem: { ...someProblem, retryable: true } };
    const { service } = await compose();
    const failed = await confirm(service);
    failing = { saveQuote: 1, startAttempt: 1 };
    await expect(service.validate(input)).resolves.toMatchObject({ code: 'record_unavailable' });
    const refused = await service.retry({ id: idOf(failed), waitMs: 0 });
    expect(refused).toMatchObject({ type: 'UNAVAILABLE', code: 'record_unavailable', retryable: true });
    expect(story).not.toContain('retry');
    await expect(service.validate(input)).resolves.toMatchObject({ order: { accountId: 1 } });
  });
});

function confirm(service: PurchaseService): Promise<Purchase | Problem> {
  return service.confirm({ idempotencyKey: 'key', from: { details: input }, waitMs: 5_000 });
}

const idOf = (purchase: Purchase | Problem) => (isProblem(purchase) ? '' : purchase.id);

/** The whole heart on a record in memory, with an upstream that says what the test wants. */
async function compose() {
  const record = new MemoryJournal(new MemoryRecord(), { instance: 'one', shared: false });
  const journal = watched(record);
  const runtime = systemRuntime();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const vending: Vending = {
    surface: 'V1',
    identity: () => Promise.reject(new Error('nobody asks')),
    accounts: () => Promise.resolve([account]),
    products: () => Promise.resolve([electricity]),
    validate: () => Promise.resolve({ subscriber: { ...nobody }, charges }),
    confirm: () => tell('confirm', upstreamAnswers.confirm),
    retry: () => tell('retry', upstreamAnswers.retry),
    read: () => {
      story.push('read');
      return upstreamAnswers.reading;
    },
    admit: () => {
      story.push('admit');
      return Promise.resolve(place ?? { release: () => void (released += 1) });
    },
    isThere: () => true,
    ready: () => Promise.resolve(),
  };
  const upstream = { defaultSurface: 'V1', on: () => vending, close: () => Promise.resolve() } as const;
  const reconcile = {
    baseDelayMs: 20,
    maxDelayMs: 40,
    giveUpAfterMs: 60_000,
    concurrency: 4,
    answerRetentionMs: 60_000,
  };
  const liveness = new Liveness({ journal, runtime, log, leaseMs: 1_000 });
  await liveness.start();
  const purchasing = await composePurchasing({
    ...{ journal, upstream, liveness, runtime, log, reconcile },
    ...{ quoteTtlMs: 60_000, mayLandMs: 0 },
  });
  const { purchases: service, reconciler, dispatcher, feed } = purchasing;
  reconciler.start();
  onTestFinished(async () => {
    await reconciler.stop();
    await dispatcher.drain(1_000);
    feed.close();
    await record.close();
  });
  const settled = async (key: string): Promise<Purchase> => {
    for (;;) {
      const purchase = await record.purchase('idempotencyKey', key);
      if (purchase !== undefined && isSettled(purchase.status)) return purchase;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { service, journal, settled };
}

async function tell(what: string, sent: Sent): Promise<Sent> {
  story.push(what);
  await new Promise((resolve) => setTimeout(resolve, takesMs));
  return sent;
}

/** The journal, its writes told in the story and failing as often as the test wants. */
function watched(journal: Journal): Journal {
  const watch = <A extends unknown[], R>(name: keyof Journal, write: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const left = failing[name] ?? 0;
      if (left === 0) {
        const result = await write(...args);
        story.push(name);
        return result;
      }
      failing = { ...failing, [name]: left - 1 };
      story.push(`${name} failed`);
      if (failAfterwards) await write(...args);
      throw new Error('the disk is full');
    };
  };
  const writes: Partial<Journal> = {
    saveQuote: watch('saveQuote', (quote) => journal.saveQuote(quote)),
    begin: watch('begin', (...args) => journal.begin(...args)),
    startAttempt: watch('startAttempt', (...args) => journal.startAttempt(...args)),
    keepAnswer: watch('keepAnswer', (...args) => journal.keepAnswer(...args)),
    finishAttempt: watch('finishAttempt', (...args) => journal.finishAttempt(...args)),
  };
  return new Proxy(journal, {
    get: (target, name: keyof Journal) => writes[name] ?? bound(target, name),
  });
}
