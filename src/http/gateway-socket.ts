import { WebSocket } from 'ws';

/** A client that has not read so much of what it asked for is not reading. */
const MOST_UNREAD_BYTES = 1_000_000;
/** How long a closing frame may wait behind what is not read. */
const CLOSING_MS = 1_000;

const TRY_AGAIN_LATER = 1013;
const POLICY_VIOLATION = 1008;

/** A WebSocket that lets no client make us keep what it does not read, nor read what it floods us with. */
export class GatewaySocket extends WebSocket {
  #messages = 0;
  #since = 0;

  override send(data: string, done?: (error?: Error) => void): void;
  override send(data: string, options: object, done?: (error?: Error) => void): void;
  override send(
    data: string,
    options?: object | ((error?: Error) => void),
    done?: (error?: Error) => void,
  ): void {
    if (this.bufferedAmount > MOST_UNREAD_BYTES) {
      this.#giveUp(TRY_AGAIN_LATER, 'Read faster');
      (typeof options === 'function' ? options : done)?.();
      return;
    }
    const tell = typeof options === 'function' ? options : done;
    // What can't be sent to a client that has gone is no error of ours.
    const sent = (error?: Error) => {
      tell?.(this.readyState === WebSocket.OPEN ? error : undefined);
    };
    if (typeof options === 'object') super.send(data, options, sent);
    else super.send(data, sent);
  }

  /** A frame that breaks the protocol: ws closes the socket with its code, and graphql-ws would print it besides. */
  override emit(event: string | symbol, ...details: unknown[]): boolean {
    return event === 'error' || super.emit(event, ...details);
  }

  /** Counts messages and pings; who sends more in a second is heard no more. */
  limitMessages(perSecond: number): void {
    const count = () => {
      const now = performance.now();
      if (now - this.#since >= 1_000) {
        this.#since = now;
        this.#messages = 0;
      }
      this.#messages += 1;
      if (this.#messages > perSecond) this.#giveUp(POLICY_VIOLATION, 'Too many messages');
    };
    this.on('message', count);
    this.on('ping', count);
  }

  #giveUp(code: number, reason: string): void {
    this.removeAllListeners('message').removeAllListeners('ping');
    if (this.readyState !== WebSocket.OPEN) return;
    this.close(code, reason);
    setTimeout(() => this.terminate(), CLOSING_MS).unref();
  }
}
