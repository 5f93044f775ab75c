import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';

import { IllegalMoveError, type Journal } from '../../src/purchases/journal.ts';
import {
  attemptOutcomes,
  isInDoubt,
  mayMove,
  purchaseStatuses,
  type AttemptOutcome,
  type PurchaseStatus,
} from '../../src/purchases/purchase.ts';
import { answer, later, newAttempt, newPurchase, someone, type OpenJournal, refusal } from './fixtures.ts';

/** What the record should hold, in a few lines. */
interface Model {
  readonly id: string;
  status: PurchaseStatus;
  checks: number;
  readonly attempts: { outcome: AttemptOutcome; body: string | null }[];
}

const endings = attemptOutcomes.filter((outcome) => outcome !== 'IN_FLIGHT');
const who = fc.integer({ min: 0, max: 2 });
const status = fc.constantFrom(...purchaseStatuses);
const number = fc.integer({ min: 1, max: 4 });

const step = fc.oneof(
  fc.record({ do: fc.constant('begin' as const), who }),
  fc.record({ do: fc.constant('start' as const), who, from: fc.option(status, { nil: undefined }), status }),
  fc.record({ do: fc.constant('decide' as const), who, status }),
  fc.record({ do: fc.constant('keep' as const), who, number, body: fc.string({ unit: 'binary' }) }),
  fc.record({
    do: fc.constant('finish' as const),
    who,
    number: fc.option(number, { nil: undefined }),
    outcome: fc.constantFrom(...endings),
    status,
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function allowed(from: PurchaseStatus, next: PurchaseStatus): boolean {
  return from !== 'SUCCEEDED' && (from === next || mayMove(from, next));
}

async function play(journal: Journal, steps: readonly Step[]): Promise<void> {
  const models = new Map<number, Model>();
  const events: [id: string, status: PurchaseStatus][] = [];
  let clock = 0;

  const move = (model: Model, next: PurchaseStatus) => {
    if (model.status !== next) events.push([model.id, next]);
    model.status = next;
    model.checks = clock;
  };

  for (const one of steps) {
    clock += 1;
    const model = models.get(one.who);
    if (one.do === 'begin') {
      const begun = await journal.begin(newPurchase({ idempotencyKey: `key-${one.who}` }), newAttempt());
      expect(begun.attempt === null).toBe(model !== undefined);
      expect(begun.purchase.status).toBe(model?.status ?? 'PENDING');
      if (model !== undefined) continue;
      const { id } = begun.purchase;
      const attempts = [{ outcome: 'IN_FLIGHT' as const, body: null }];
      models.set(one.who, { id, status: 'PENDING', checks: 0, attempts });
      events.push([id, 'PENDING']);
      continue;
    }
    if (model === undefined) continue;
    const busy = model.attempts.some(({ outcome }) => outcome === 'IN_FLIGHT');
    const change = {
      status: 'status' in one ? one.status : model.status,
      updatedAt: later(clock),
      checks: clock,
      problem: refusal,
    };

    if (one.do === 'start') {
      const from = one.from ?? model.status;
      const started = journal.startAttempt(model.id, from, newAttempt({ kind: 'RETRY' }), change);
      if (from !== model.status || busy) expect(await started).toBeNull();
      else if (!allowed(from, one.status)) await expect(started).rejects.toBeInstanceOf(IllegalMoveError);
      else {
        model.attempts.push({ outcome: 'IN_FLIGHT', body: null });
        expect((await started)?.attempt.number).toBe(model.attempts.length);
        move(model, one.status);
      }
      continue;
    }
    if (one.do === 'decide') {
      const decided = journal.decide(model.id, someone, () => change);
      if (!isInDoubt(model.status)) expect(await decided).toMatchObject({ refused: 'NOT_IN_DOUBT' });
      else if (busy) expect(await decided).toMatchObject({ refused: 'IN_FLIGHT' });
      else if (!allowed(model.status, one.status))
        await expect(decided).rejects.toBeInstanceOf(IllegalMoveError);
      else {
        expect(await decided).toMatchObject({ refused: null, purchase: { status: one.status } });
        move(model, one.status);
      }
      continue;
    }
    const which = one.number ?? model.attempts.length;
    const attempt = model.attempts[which - 1];
    const id = { purchaseId: model.id, number: which };
    if (one.do === 'keep') {
      const kept = journal.keepAnswer(id, answer({ body: one.body }));
      if (attempt?.outcome !== 'IN_FLIGHT' || attempt.body !== null) await expect(kept).rejects.toThrow();
      else {
        await kept;
        attempt.body = one.body;
      }
      continue;
    }
    const result = { outcome: one.outcome, problem: null, finishedAt: later(clock) };
    const finished = journal.finishAttempt(id, result, change);
    if (attempt?.outcome !== 'IN_FLIGHT') await expect(finished).rejects.toThrow(/not in flight/);
    else if (!allowed(model.status, one.status))
      await expect(finished).rejects.toBeInstanceOf(IllegalMoveError);
    else {
      expect(await finished).toMatchObject({ status: one.status, checks: clock });
      attempt.outcome = one.outcome;
      move(model, one.status);
    }
  }

  const written = await journal.events({ after: 0, limit: 1_000 });
  expect(written.map(({ purchase }) => [purchase.id, purchase.status])).toEqual(events);
  for (const model of models.values()) {
    const purchase = await journal.purchase('id', model.id);
    expect(purchase).toMatchObject({ status: model.status, checks: model.checks });
    expect(purchase?.lastEvent).toBe(written.findLast((event) => event.purchase.id === model.id)?.position);
    const attempts = await journal.attempts([model.id]);
    expect(attempts.map((one) => ({ outcome: one.outcome, body: one.answer?.body ?? null }))).toEqual(
      model.attempts,
    );
  }
}

export function modelSuite(name: string, open: OpenJournal): void {
  describe(`${name}: any sequence of calls`, () => {
    test('leaves the record as a model of a few lines has it', { timeout: 120_000 }, async () => {
      const { as, dispose } = await open();
      onTestFinished(dispose);
      let histories = 0;
      await fc.assert(
        // Each in an integration of its own, where nothing is yet.
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), async (steps) =>
          play(await as('model', `history-${(histories += 1)}`), steps),
        ),
        { numRuns: 60 },
      );
    });
  });
}
