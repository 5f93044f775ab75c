import type { Journal } from '../../src/purchases/journal.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

/** What a write on the disk may meet. */
export interface DiskFault {
  /** It is the so-manieth write of all that strikes it. */
  readonly nth: number;
  /**
   * `full`: nothing is written. `doubtful`: all is written and durable, and reported as failed. `slow`: it takes so long.
   */
  readonly kind: 'full' | 'doubtful' | 'slow';
  readonly ms: number;
}

const READ_MS = 0.2;
const FSYNC_MS = [1, 8] as const;
/** How late a wake-up comes at most. */
const WAKE_MS = 20;
/** So many of them are lost. */
const LOST_WAKES = 0.3;

/** Counts the writes of all processes on one record; signs of life are no writes that a script would count. */
export class Disk {
  writes = 0;
  readonly #faults: ReadonlyMap<number, DiskFault>;

  constructor(faults: readonly DiskFault[]) {
    this.#faults = new Map(faults.map((fault) => [fault.nth, fault]));
  }

  next(): DiskFault | undefined {
    this.writes += 1;
    return this.#faults.get(this.writes);
  }
}

/**
 * The record as one process reaches it. A write is durable from one instant on; its process hears of that later, or
 * never when it dies between. What had not become durable by then is lost.
 */
export function journalOn(
  disk: Disk,
  record: Journal,
  { world, process }: { world: World; process: SimulatedProcess },
): Journal {
  const read = <T>(work: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      process.after(READ_MS, () => void work().then(resolve, reject));
    });
  const write = <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const fault = what === 'beat' ? undefined : disk.next();
    const ms = fault?.kind === 'slow' ? fault.ms : world.between(...FSYNC_MS);
    return new Promise((resolve, reject) => {
      process.after(ms / 2, () => {
        if (fault?.kind === 'full') {
          world.note(`${what} fails: the disk is full`);
          process.after(ms / 2, () => reject(new Error('the disk is full')));
          return;
        }
        work().then(
          (value) => {
            if (what !== 'beat') world.note(what);
            process.after(ms / 2, () => {
              if (fault?.kind === 'doubtful') reject(new Error('the disk does not say what it did'));
              else resolve(value);
            });
          },
          (error: unknown) => {
            const reason = error instanceof Error ? error : new Error(String(error));
            process.after(ms / 2, () => reject(reason));
          },
        );
      });
    });
  };
  return {
    saveQuote: (quote) => write('saveQuote', () => record.saveQuote(quote)),
    quotes: (ids) => read(() => record.quotes(ids)),
    purgeQuotes: (before) => write('purgeQuotes', () => record.purgeQuotes(before)),
    begin: (purchase, attempt, mandate) =>
      write(`begin ${purchase.reference}`, () => record.begin(purchase, attempt, mandate)),
    startAttempt: (id, from, attempt, change, mandate) =>
      write(`startAttempt ${id} ${attempt.kind}`, () =>
        record.startAttempt(id, from, attempt, change, mandate),
      ),
    keepAnswer: (id, answer) =>
      write(`keepAnswer ${id.purchaseId} ${id.number}`, () => record.keepAnswer(id, answer)),
    finishAttempt: (id, result, change) =>
      write(`finishAttempt ${id.purchaseId} ${id.number} ${result.outcome} ${change.status}`, () =>
        record.finishAttempt(id, result, change),
      ),
    decide: (id, byHand, decide) => write(`decide ${id}`, () => record.decide(id, byHand, decide)),
    blotAnswers: (request) => write('blotAnswers', () => record.blotAnswers(request)),
    successes: (request) => read(() => record.successes(request)),
    purchase: (key, value) => read(() => record.purchase(key, value)),
    purchases: (ids) => read(() => record.purchases(ids)),
    page: (request) => read(() => record.page(request)),
    attempts: (...args) => read(() => record.attempts(...args)),
    inFlight: (...args) => read(() => record.inFlight(...args)),
    due: (...args) => read(() => record.due(...args)),
    events: (request) => read(() => record.events(request)),
    lastPosition: () => read(() => record.lastPosition()),
    instance: record.instance,
    shared: record.shared,
    integration: record.integration,
    owners: () => read(() => record.owners()),
    adopt: (instance, beat) => write(`adopt ${instance}`, () => record.adopt(instance, beat)),
    join: () => write('join', () => record.join()),
    beat: () => write('beat', () => record.beat()),
    beats: () => read(() => record.beats()),
    leave: () => write('leave', () => record.leave()),
    onCommit: (wake) =>
      record.onCommit((events) => {
        // Between processes a wake-up may be lost; then it is the polling that finds the event.
        if (record.shared && world.random() < LOST_WAKES) return;
        process.after(world.between(0, WAKE_MS), () => wake(events));
      }),
    audit: (entries) => write('audit', () => record.audit(entries)),
    reveal: (reveal) => write('reveal', () => record.reveal(reveal)),
    auditTrail: (request) => read(() => record.auditTrail(request)),
    ping: () => write('ping', () => record.ping()),
    close: () => Promise.resolve(),
  };
}
