import { WebSocket } from 'ws';

/** Proxies close what is idle for a minute. */
const KEEP_ALIVE_MS = 12_000;
/** How long a closing frame may wait behind what is not read. */
const CLOSING_MS = 1_000;

const TRY_AGAIN_LATER = 1013;
const POLICY_VIOLATION = 1008;

export interface TrafficLimits {
  /** Pings count too. */
  readonly messagesPerSecond: number;
  /** So much may wait for the client to read it. */
  readonly bufferBytes: number;
}

/** A WebSocket that lets no client make us keep what it does not read, nor read what it floods us with. */
export class GatewaySocket extends WebSocket {
  #limits: TrafficLimits = { messagesPerSecond: Infinity, bufferBytes: Infinity };
  #messages = 0;
  #since = 0;
  #isGivenUp = false;
  #pingedAt = performance.now();
  #isPongAwaited = false;
  /** Who waits for room, while anybody does. */
  #waiting: (() => void)[] | undefined;

  limit(limits: TrafficLimits): void {
    this.#limits = limits;
  }

  /** An answer that was asked for while too much is unread ends the connection: who asks must read. */
  override send(data: string, done?: (error?: Error) => void): void;
  override send(data: string, options: object, done?: (error?: Error) => void): void;
  override send(
    data: string,
    options?: object | ((error?: Error) => void),
    done?: (error?: Error) => void,
  ): void {
    if (!this.#hasRoom) {
      this.#giveUp(TRY_AGAIN_LATER, 'Read faster');
      (typeof options === 'function' ? options : done)?.();
      return;
    }
    const tell = typeof options === 'function' ? options : done;
    // What cannot be sent is to a client that has gone, as is seen a moment later: no error of ours.
    const sent = () => {
      tell?.();
      if (this.#waiting !== undefined && this.#hasRoom) this.#letIn();
    };
    if (typeof options === 'object') super.send(data, options, sent);
    else super.send(data, sent);
  }

  /** Sends what can wait, once there is room for it; resolves when it has left, or never will. Undefined: it has left. */
  sendEvent(data: string): Promise<void> | undefined {
    if (this.bufferedAmount > 0) return this.#sendLater(data);
    let left: (() => void) | undefined;
    this.send(data, () => left?.());
    // Nearly always the kernel has it by now.
    return this.bufferedAmount === 0 ? undefined : new Promise((resolve) => (left = resolve));
  }

  async #sendLater(data: string): Promise<void> {
    while (!this.#hasRoom && this.readyState === WebSocket.OPEN) {
      await new Promise<void>((resolve) => (this.#waiting ??= []).push(resolve));
    }
    await new Promise<void>((resolve) => this.send(data, () => resolve()));
  }

  /**
   * Counts messages and pings; who sends more in a second than it may is heard no more. Of a frame that breaks the
   * protocol nobody is told: ws closes the socket with its code, and graphql-ws would print it besides.
   */
  override emit(event: string | symbol, ...details: unknown[]): boolean {
    if (event === 'error') return true;
    if (event === 'pong') this.#isPongAwaited = false;
    if (event === 'close') this.#letIn();
    if (event === 'message' || event === 'ping') {
      this.#count();
      if (this.#isGivenUp) return true;
    }
    return super.emit(event, ...details);
  }

  /** Pings when it is time; cut off where the last ping was not answered. To be called about each second. */
  beat(now: number): void {
    if (now - this.#pingedAt < KEEP_ALIVE_MS || this.readyState !== WebSocket.OPEN) return;
    if (this.#isPongAwaited) {
      this.terminate();
      return;
    }
    this.#pingedAt = now;
    this.#isPongAwaited = true;
    this.ping();
  }

  get #hasRoom(): boolean {
    return this.bufferedAmount <= this.#limits.bufferBytes;
  }

  #letIn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const resolve of waiting) resolve();
  }

  #count(): void {
    const now = performance.now();
    if (now - this.#since >= 1_000) {
      this.#since = now;
      this.#messages = 0;
    }
    this.#messages += 1;
    if (this.#messages > this.#limits.messagesPerSecond) this.#giveUp(POLICY_VIOLATION, 'Too many messages');
  }

  #giveUp(code: number, reason: string): void {
    this.#isGivenUp = true;
    if (this.readyState !== WebSocket.OPEN) return;
    this.close(code, reason);
    setTimeout(() => this.terminate(), CLOSING_MS).unref();
  }
}
