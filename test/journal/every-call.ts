import type { Journal } from '../../src/purchases/journal.ts';
import {
  answer,
  finish,
  later,
  mandate,
  newAttempt,
  newId,
  newPurchase,
  newQuote,
  NOON,
  purchaseIn,
  someone,
  to,
} from './fixtures.ts';
import { filters } from './page-suite.ts';

/** Makes a journal say every statement that it has. */
export async function callEverything(journal: Journal): Promise<void> {
  const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION');
  await journal.begin(newPurchase(), newAttempt(), mandate());
  await journal.keepAnswer((await journal.inFlight())[0]?.attempt ?? { purchaseId: '', number: 0 }, {
    status: 200,
    body: '',
    complete: true,
    retryAfterSeconds: null,
  });
  await journal.startAttempt(id, 'NEEDS_ATTENTION', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'));
  await journal.saveQuote(newQuote());
  await journal.quotes([newId(), newId()]);
  await journal.purgeQuotes(NOON);
  for (const key of ['id', 'reference', 'idempotencyKey'] as const) await journal.purchase(key, 'x');
  await journal.purchases([newId(), newId()]);
  await journal.attempts([newId(), newId()]);
  await journal.due({ now: NOON, horizon: later(1), limit: 10 });
  await journal.owners();
  await journal.join();
  await journal.beat();
  await journal.beats();
  await journal.adopt('other', 1);
  await journal.adopt('other', undefined);
  await journal.leave();
  await journal.events({ after: 0, limit: 10 });
  await journal.events({ after: 0, limit: 10, purchaseId: id });
  await journal.lastPosition();
  const day = { from: NOON, until: later(86_400_000), limit: 10 };
  await journal.successes(day);
  await journal.successes({ ...day, accountId: 7, after: { at: NOON, position: 1 } });
  const { id: doubtful } = await purchaseIn(journal, 'UNRESOLVED');
  await journal.decide(doubtful, someone, () => to('FAILED'));
  const { purchase: settled } = await journal.begin(newPurchase(), newAttempt());
  const first = { purchaseId: settled.id, number: 1 };
  await journal.keepAnswer(first, answer());
  await finish(journal, first, to('SUCCEEDED'));
  const blotted = await journal.blotAnswers({ settledBefore: later(2_000), now: NOON, limit: 10 });
  if (blotted === 0) throw new Error('nothing was blotted out');
  const { id: failed } = await purchaseIn(journal, 'FAILED');
  await journal.startAttempt(failed, 'FAILED', newAttempt({ kind: 'RETRY' }), to('UNRESOLVED'), mandate());
  const reveal = { at: NOON, action: 'REVEALED', actor: 'OPERATOR', name: 'kagiso', reason: null } as const;
  await journal.audit([{ ...reveal, purchaseId: failed }]);
  await journal.reveal({ caller: 'till 7', at: NOON, purchaseIds: [failed, settled.id] });
  await journal.auditTrail({ limit: 10 });
  await journal.auditTrail({ limit: 10, before: 5 });
  await journal.auditTrail({ limit: 10, before: 5, purchaseId: failed });
  await journal.ping();
  for (const filter of filters) {
    for (const inverted of [true, false]) {
      await journal.page({ filter, limit: 10, inverted });
      await journal.page({ filter, after: newId(), limit: 10, inverted });
      await journal.page({ filter, before: newId(), limit: 10, inverted });
    }
  }
}
