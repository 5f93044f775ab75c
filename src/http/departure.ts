import type { Leaving } from '../purchases/leaving.ts';

type Listener = EventListenerOrEventListenerObject;

/** Whether the client has gone, by a tenth of an AbortController's work: each request has its own. */
export class Departure implements Leaving {
  readonly #listeners = new Set<Listener>();
  #reason: Error | undefined;

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): Error | undefined {
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** For `abort`, which is all that happens, and happens once. */
  addEventListener(_type: string, listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: string, listener: Listener): void {
    this.#listeners.delete(listener);
  }

  abort(): void {
    if (this.#reason !== undefined) return;
    this.#reason = new DOMException('This operation was aborted', 'AbortError');
    const event = new Event('abort');
    for (const listener of this.#listeners) {
      if (typeof listener === 'function') listener(event);
      else listener.handleEvent(event);
    }
  }
}
