import type { Leaving } from './leaving.ts';
import type { Runtime } from './runtime.ts';

/** However many ask, the next call waits so long for more of them while another is under way. */
const GATHER_MS = 1;
/** No timer is as short as that. */
const SHORTEST_MS = 0.5;

/**
 * One call for all who ask at the same time. Nobody gets the answer to a call that had begun before he asked: what he has
 * done before, such as a purchase, here or on another instance, is in it. While a call is under way those who come wait
 * for the next together: until that one is answered, or for a millisecond, whatever is sooner.
 */
export class SharedRead<T, By = string | undefined> {
  readonly #read: (askedBy: By) => Promise<T>;
  readonly #runtime: Pick<Runtime, 'monotonic' | 'sleep' | 'turn'>;
  readonly #onIdle: () => void;
  #next: Promise<T> | undefined;
  #underWay: Promise<unknown> | undefined;
  #begunAt = -Infinity;

  /**
   * `read` makes one call; it is given what the first who asked gave: the id of the request, where there is one. `onIdle` is
   * called when the latest call is answered and nobody waits for another.
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
    if (signal?.aborted === true) return Promise.reject(reasonOf(signal));
    const answer = (this.#next ??= this.#gather(askedBy));
    return signal === undefined ? answer : orLeave(answer, signal);
  }

  async #gather(askedBy: By): Promise<T> {
    await this.#runtime.turn();
    const left = this.#begunAt + GATHER_MS - this.#runtime.monotonic();
    if (this.#underWay !== undefined && left > SHORTEST_MS)
      await Promise.race([this.#underWay, this.#runtime.sleep(left)]);
    this.#next = undefined;
    this.#begunAt = this.#runtime.monotonic();
    const answer = this.#read(askedBy);
    const ended = answer.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay = ended;
    void ended.then(() => {
      if (this.#underWay !== ended) return;
      this.#underWay = undefined;
      if (this.#next === undefined) this.#onIdle();
    });
    return answer;
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
