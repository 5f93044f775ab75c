/** Time, chance and names, passed in so that a test or a simulation can own them. */
export interface Runtime {
  /** Wall clock; may jump. */
  now(): Date;
  /** Milliseconds of a clock that never jumps and never goes back. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal aborts (it does not throw). Does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Resolves in the next turn of the event loop: what came in meanwhile has been served by then. */
  turn(): Promise<void>;
  /** A number in [0, 1). */
  random(): number;
  /** A UUID of version 7, whose time is the given instant: later ids sort later. */
  id(at: Date): string;
}

/** Where the domain reports what a person should know. Never a secret, a token or a phone number (R9). */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
