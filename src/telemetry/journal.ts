import type { Journal } from '../purchases/journal.ts';

export const journalWrites = [
  ...(['saveQuote', 'begin', 'startAttempt', 'keepAnswer', 'finishAttempt', 'decide', 'audit'] as const),
  ...(['reveal', 'adopt', 'purgeQuotes', 'blotAnswers'] as const),
] as const;
export type JournalWrite = (typeof journalWrites)[number];

export type JournalRead =
  | ('quotes' | 'purchase' | 'purchases' | 'page' | 'attempts' | 'inFlight' | 'due' | 'owners')
  | ('events' | 'successes' | 'lastPosition' | 'auditTrail');

const writes: ReadonlySet<string> = new Set(journalWrites);

export function isWrite(call: JournalWrite | JournalRead): call is JournalWrite {
  return writes.has(call);
}

/** Stands around each call of the journal: it must return what `work` returns, and throw what it throws. */
export type AroundJournal = <T>(
  call: JournalWrite | JournalRead,
  work: () => Promise<T>,
  purchaseId: string | undefined,
) => Promise<T>;

/** The same journal, with somebody standing around what it reads and writes. */
export function aroundJournal(journal: Journal, around: AroundJournal): Journal {
  const observed =
    <A extends unknown[], T>(
      call: JournalWrite | JournalRead,
      method: (...args: A) => Promise<T>,
      purchaseOf: (...args: A) => string | undefined = () => undefined,
    ) =>
    (...args: A) =>
      around(call, () => method(...args), purchaseOf(...args));
  return {
    instance: journal.instance,
    shared: journal.shared,
    integration: journal.integration,
    saveQuote: observed('saveQuote', (...args) => journal.saveQuote(...args)),
    quotes: observed('quotes', (...args) => journal.quotes(...args)),
    purgeQuotes: observed('purgeQuotes', (...args) => journal.purgeQuotes(...args)),
    begin: observed(
      'begin',
      (...args) => journal.begin(...args),
      ({ id }) => id,
    ),
    startAttempt: observed(
      'startAttempt',
      (...args) => journal.startAttempt(...args),
      (id) => id,
    ),
    keepAnswer: observed(
      'keepAnswer',
      (...args) => journal.keepAnswer(...args),
      ({ purchaseId }) => purchaseId,
    ),
    finishAttempt: observed(
      'finishAttempt',
      (...args) => journal.finishAttempt(...args),
      ({ purchaseId }) => purchaseId,
    ),
    decide: observed(
      'decide',
      (...args) => journal.decide(...args),
      (id) => id,
    ),
    blotAnswers: observed('blotAnswers', (...args) => journal.blotAnswers(...args)),
    purchase: observed('purchase', (...args) => journal.purchase(...args)),
    purchases: observed('purchases', (...args) => journal.purchases(...args)),
    page: observed('page', (...args) => journal.page(...args)),
    attempts: observed('attempts', (...args) => journal.attempts(...args)),
    inFlight: observed('inFlight', (...args) => journal.inFlight(...args)),
    due: observed('due', (...args) => journal.due(...args)),
    owners: observed('owners', () => journal.owners()),
    adopt: observed('adopt', (...args) => journal.adopt(...args)),
    join: () => journal.join(),
    beat: () => journal.beat(),
    beats: () => journal.beats(),
    leave: () => journal.leave(),
    events: observed('events', (...args) => journal.events(...args)),
    successes: observed('successes', (...args) => journal.successes(...args)),
    lastPosition: observed('lastPosition', () => journal.lastPosition()),
    onCommit: (wake) => journal.onCommit(wake),
    audit: observed('audit', (...args) => journal.audit(...args)),
    reveal: observed('reveal', (...args) => journal.reveal(...args)),
    auditTrail: observed('auditTrail', (...args) => journal.auditTrail(...args)),
    ping: () => journal.ping(),
    close: () => journal.close(),
  };
}
