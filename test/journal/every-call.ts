import type { Journal } from '../../src/purchases/journal.ts';
import { later, newAttempt, newId, newPurchase, newQuote, NOON, purchaseIn, to } from './fixtures.ts';
import { filters } from './page-suite.ts';

/** Makes a journal say every statement that it has. */
export async function callEverything(journal: Journal): Promise<void> {
  const { id } = await purchaseIn(journal, 'NEEDS_ATTENTION');
  await journal.begin(newPurchase(), newAttempt());
  await journal.keepAnswer((await journal.inFlight())[0]?.attempt ?? { purchaseId: '', number: 0 }, {
    status: 200,
    body: '',
    complete: true,
    retryAfterSeconds: null,
  });
  await journal.startAttempt(id, 'NEEDS_ATTENTION', newAttempt(), to('UNRESOLVED'));
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
  await journal.ping();
  for (const filter of filters) {
    for (const inverted of [true, false]) {
      await journal.page({ filter, limit: 10, inverted });
      await journal.page({ filter, after: newId(), limit: 10, inverted });
      await journal.page({ filter, before: newId(), limit: 10, inverted });
    }
  }
}
