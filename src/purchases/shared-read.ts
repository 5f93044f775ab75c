import { gather } from './gather.ts';
import type { Leaving } from './leaving.ts';
import type { Runtime } from './runtime.ts';

/** So many calls may be under way before the next one waits for more who ask. */
const AT_ONCE = 4;
/** It waits so long at most. */
const GATHER_MS = 1;
/** No timer is as short as that. */
const SHORTEST_MS = 0.5;

/**
 * One call for all who ask at the same time. Nobody gets the answer to a call that had begun before he asked: what he has
 * done before, such as a purchase, here or on another instance, is in it. A call begins once a turn of the event loop has
 * brought nobody else who asks. While several calls are under way those who come wait for the next together: until one is
 * answered, or for a millisecond since the latest began, whatever is sooner.
 */
export class SharedRead<T, By = string | undefined> {
  readonly #read: (askedBy: By) => Promise<T>;
  readonly #runtime: Pick<Runtime, 'monotonic' | 'sleep' | 'turn'>;
  readonly #onIdle: () => void;
  #next: Promise<T> | undefined;
  /** So many have asked so far. */
  #asked = 0;
  #underWay = 0;
  #begunAt = -Infinity;
  /** Called when a call is answered. */
  #answered: () => void = () => undefined;

  /**
   * `read` makes one call; it is given what the first who asked gave: the id of the request, where there is one. `onIdle` is
   * called when all calls are answered and nobody waits for another, also when the only one who asked had left before.
   */
  constructor(options: {
    readonly read: (askedBy: By) => Promise<T>;
    readonly runtime: Pick<Runtime, 'monotonic' | 'sleep' | 'turn'>;
    readonly onIdle?: () => void;
  }) {
    this.#read = options.read;
    this.#runtime = options.runtime;
    this.#onIdle = options.onIdle ?? (() => undefined);
  }

  /** Rejects as the call does; with the signal's reason when this one leaves, which ends nothing for the others. */
  read(signal: Leaving | undefined, askedBy: By): Promise<T> {
    if (signal?.aborted === true) {
      // It may have been made for this one alone.
      this.#tellIdle();
      return Promise.reject(reasonOf(signal));
    }
    this.#asked += 1;
    const answer = (this.#next ??= this.#gather(askedBy));
    return signal === undefined ? answer : orLeave(answer, signal);
  }

  async #gather(askedBy: By): Promise<T> {
    await gather({ turn: () => this.#runtime.turn(), count: () => this.#asked, quietTurns: 1 });
    const left = this.#begunAt + GATHER_MS - this.#runtime.monotonic();
    if (this.#underWay >= AT_ONCE && left > SHORTEST_MS) {
      const answered = new Promise<void>((resolve) => (this.#answered = resolve));
      await Promise.race([answered, this.#runtime.sleep(left)]);
    }
    this.#next = undefined;
    this.#begunAt = this.#runtime.monotonic();
    this.#underWay += 1;
    try {
      return await this.#read(askedBy);
    } finally {
      this.#end();
    }
  }

  #end(): void {
    this.#underWay -= 1;
    this.#answered();
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.#underWay === 0 && this.#next === undefined) this.#onIdle();
  }
}

function orLeave<T>(answer: Promise<T>, signal: Leaving): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(reasonOf(signal));
    const stays = () => signal.removeEventListener('abort', leave);
    signal.addEventListener('abort', leave);
    answer.then(
      (value) => {
        stays();
        resolve(value);
      },
      (error: unknown) => {
        stays();
        // As it is: it is the call's own.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(error);
      },
    );
  });
}

function reasonOf(signal: Leaving): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the caller has left');
}
