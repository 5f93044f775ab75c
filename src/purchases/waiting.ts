import type { Dispatcher } from './dispatcher.ts';
import type { EventFeed } from './feed.ts';
import type { Journal } from './journal.ts';
import type { Purchase } from './purchase.ts';
import type { Log, Runtime } from './runtime.ts';

export interface WaitingOptions {
  readonly journal: Pick<Journal, 'purchase' | 'attempts'>;
  readonly feed: Pick<EventFeed, 'watch'>;
  readonly dispatcher: Pick<Dispatcher, 'active'>;
  readonly runtime: Runtime;
  readonly log: Log;
}

/** Why a wait ends: to make an error of it each time costs more than the wait. */
const ENOUGH = 'enough';
/** How often it is looked whether another instance has concluded an attempt. */
const LOOK_AGAIN_MS = 200;

/** Waits for what becomes of a purchase, for as long as its client wants. Whatever happens, the purchase goes on. */
export class Waiting {
  readonly #options: WaitingOptions;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  /** The purchase once it is no longer PENDING, or as it is after `waitMs`. */
  async untilAnswered(purchase: Purchase, waitMs: number): Promise<Purchase> {
    if (purchase.status !== 'PENDING' || waitMs === 0) return purchase;
    const { dispatcher, feed, runtime } = this.#options;
    const enough = new AbortController();
    const over = runtime.sleep(waitMs, enough.signal).then(() => enough.abort(ENOUGH));
    let latest = purchase;
    try {
      // What is concluded here needs no reading.
      const here = dispatcher.active.get(purchase.id)?.catch(() => undefined);
      const concluded = here && (await Promise.race([here, over]));
      if (concluded !== undefined && concluded.status !== 'PENDING') return concluded;
      for await (const now of (await feed.watch(purchase.id, enough.signal)) ?? []) {
        latest = now;
        if (now.status !== 'PENDING') break;
      }
    } catch (error) {
      // It is recorded and goes on; the client is told what is known, and may watch.
      this.#options.log.error({ err: error, purchaseId: purchase.id }, 'a purchase could not be watched');
    } finally {
      enough.abort(ENOUGH);
    }
    return latest;
  }

  /** The purchase once the attempt that is under way is concluded, or as it is after `waitMs`. */
  async untilConcluded(purchase: Purchase, waitMs: number): Promise<Purchase> {
    const { journal, runtime } = this.#options;
    const enough = new AbortController();
    try {
      await Promise.race([this.#concluded(purchase.id, enough.signal), runtime.sleep(waitMs, enough.signal)]);
      return (await journal.purchase('id', purchase.id)) ?? purchase;
    } catch (error) {
      this.#options.log.error({ err: error, purchaseId: purchase.id }, 'a retry could not be watched');
      return purchase;
    } finally {
      enough.abort(ENOUGH);
    }
  }

  /** When no attempt is under way any more: here, or on another instance, which does not tell. */
  async #concluded(id: string, signal: AbortSignal): Promise<void> {
    const { dispatcher, journal, runtime } = this.#options;
    await dispatcher.active.get(id)?.catch(() => undefined);
    for (;;) {
      const attempts = await journal.attempts([id]);
      if (signal.aborted || attempts.every(({ outcome }) => outcome !== 'IN_FLIGHT')) return;
      await runtime.sleep(LOOK_AGAIN_MS, signal);
    }
  }
}
