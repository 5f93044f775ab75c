import type { Dispatcher } from 'undici';

import type { Leaving } from '../purchases/leaving.ts';
import { bodyText } from './body-text.ts';

/** What came of one sending, before anybody has read it. */
export type Arrival =
  | { readonly kind: 'ANSWERED'; readonly status: number; readonly headers: Headers; readonly body: Body }
  /** Certain: the request was never handed to a connection. */
  | { readonly kind: 'NOT_SENT' }
  | { readonly kind: 'LOST'; readonly timedOut: boolean };

type Headers = Readonly<Record<string, string | string[] | undefined>>;
interface Body {
  readonly text: string;
  /** False when it was cut off, too slow or too long: `text` is what came of it, or `base64:…` where that is no text. */
  readonly complete: boolean;
}

/**
 * One request on one connection, once. undici tells when it hands the request to a connection: what failed before that
 * was never sent, whatever the error's name, and what failed after it may have been. Were it to hand it over a second
 * time, as it may for the head of a pipeline, that is refused: a confirm must not go out twice (R1).
 */
export class SingleSend implements Dispatcher.DispatchHandler {
  readonly arrival: Promise<Arrival>;
  readonly #maxBytes: number;
  readonly #deadline: NodeJS.Timeout;
  readonly #signal: Leaving | undefined;
  readonly #mayLeave: () => boolean;
  readonly #chunks: Buffer[] = [];
  #settle!: (arrival: Arrival) => void;
  #reject!: (reason: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #head: { status: number; headers: Headers } | undefined;
  #size = 0;
  #over = false;

  constructor(options: {
    timeoutMs: number;
    maxBytes: number;
    signal?: Leaving | undefined;
    mayLeave?: (() => boolean) | undefined;
  }) {
    this.#mayLeave = options.mayLeave ?? (() => true);
    this.#maxBytes = options.maxBytes;
    this.#signal = options.signal;
    this.arrival = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#reject = reject;
    });
    this.#deadline = setTimeout(this.#giveUp, options.timeoutMs);
    this.#signal?.addEventListener('abort', this.#leave);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over || this.#controller !== undefined) {
      controller.abort(new Error('a request is sent once, and not after it was given up'));
      return;
    }
    if (!this.#mayLeave()) {
      this.#finish(false);
      controller.abort(new Error('a request that may not leave is not sent'));
      return;
    }
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status >= 200) this.#head = { status, headers };
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = this.#maxBytes - this.#size;
    this.#size += chunk.length;
    this.#chunks.push(chunk.subarray(0, room));
    if (chunk.length > room) this.#finish(false);
  }

  onResponseEnd(): void {
    this.#finish(false, true);
  }

  onResponseError(): void {
    this.#finish(false);
  }

  /**
   * After the event loop has stood still, timers run before sockets are read: an answer that came in time may lie there.
   * It is looked for once, so that one which trickles in is given up all the same. Who has no connection gets none now.
   */
  readonly #giveUp = (): void => {
    if (this.#controller === undefined) this.#finish(true);
    else setImmediate(() => this.#finish(true));
  };

  readonly #leave = (): void => {
    if (!this.#end()) return;
    this.#reject(this.#signal?.reason);
  };

  #finish(timedOut: boolean, complete = false): void {
    if (!this.#end(complete)) return;
    if (this.#head !== undefined) {
      const { status, headers } = this.#head;
      const bytes = Buffer.concat(this.#chunks);
      const text = bodyText(bytes, headers['content-encoding'], { complete, maxBytes: this.#maxBytes });
      this.#settle({ kind: 'ANSWERED', status, headers, body: { text, complete } });
    } else if (this.#controller !== undefined) {
      this.#settle({ kind: 'LOST', timedOut });
    } else {
      this.#settle({ kind: 'NOT_SENT' });
    }
  }

  /** False when it was over already. */
  #end(complete = false): boolean {
    if (this.#over) return false;
    this.#over = true;
    clearTimeout(this.#deadline);
    this.#signal?.removeEventListener('abort', this.#leave);
    // Closes the connection; of a request that is complete there is nothing to end, and an error costs its stack trace.
    if (!complete) this.#controller?.abort(new Error('the exchange is over'));
    return true;
  }
}
