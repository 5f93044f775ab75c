import type { Account, Identity, Product, ProductType, Surface } from './catalogue.ts';
import type { Problem } from './problem.ts';
import type { AttemptKind, Charges, Order, RawAnswer, Subscriber, Vend } from './purchase.ts';
import type { Leaving } from './leaving.ts';

/** One call upstream. */
export interface Call {
  /** Sent as X-Request-Id, at most 128 characters, new for each call. */
  readonly requestId: string;
  /** Ends a read whose client has gone. Never given to a confirm or a retry. */
  readonly signal?: Leaving | undefined;
  /** Asked right before the first byte goes out; when it says no, nothing is sent. */
  readonly mayLeave?: (() => boolean) | undefined;
}

/** A place among the calls that may be under way at once. To be given back; giving it back twice does nothing. */
export interface Slot {
  release(): void;
}

export interface Priced {
  readonly subscriber: Subscriber;
  readonly charges: Charges;
}

/** What became of the sending of a confirm or a retry. Nothing of the answer has been interpreted yet (R3). */
export type Sent =
  | { readonly kind: 'ANSWERED'; readonly answer: RawAnswer }
  /** Certain: not a byte of the request reached the upstream, or it refused to listen. */
  | { readonly kind: 'NOT_SENT'; readonly problem: Problem }
  /** The request went out, whole or in part, and no answer came. */
  | { readonly kind: 'LOST'; readonly problem: Problem };

/** What an answer to a confirm or a retry means. */
export type Reading =
  | { readonly outcome: 'SUCCEEDED'; readonly vend: Vend }
  /** Certain: nothing was charged, and nothing will be unless somebody asks again. */
  | { readonly outcome: 'REFUSED'; readonly problem: Problem }
  /**
   * A retry was told no: the reference is not known, or the provider refused to attempt it again. Neither says that the
   * confirm is not still under way upstream, so that it counts as FAILED only under R5, and never against what an earlier
   * answer claims. `isKnown` when the upstream knows the purchase, and not when it denies that there is one.
   */
  | { readonly outcome: 'DENIED'; readonly problem: Problem; readonly isKnown: boolean }
  /** Anything else: in doubt. */
  | { readonly outcome: 'UNKNOWN'; readonly problem: Problem; readonly claim?: Claim };

/**
 * What an answer says of a purchase without telling its outcome. TAKEN: the upstream has it in hand. SOLD: it says that it
 * was sold, though without a token that can be read.
 */
export type Claim = 'TAKEN' | 'SOLD';

/** What an answer is read against. */
export interface Expected {
  readonly kind: AttemptKind;
  readonly reference: string;
  readonly productType: ProductType;
  readonly subscriberIdentifier: string;
  /** For the problem that may come of it. */
  readonly requestId: string;
}

/**
 * One surface of ScratchPower. Reads (`identity`, `accounts`, `products`) throw a `ProblemError`; `validate` returns a
 * refusal as a `Problem`; `confirm` and `retry` never throw: whatever happens is one of `Sent`. They are called while a
 * slot of `admit` is held, which is taken before the intent is recorded; all else takes its own.
 */
export interface Vending {
  readonly surface: Surface;
  identity(call: Call): Promise<Identity>;
  /** ACTIVE accounts, by rank. */
  accounts(call: Call): Promise<readonly Account[]>;
  products(call: Call): Promise<readonly Product[]>;
  validate(order: Order, call: Call): Promise<Priced | Problem>;
  /** Waits for a place, for a bounded time; a retryable `Problem` when there is none. Never throws. */
  admit(): Promise<Slot | Problem>;
  /** False while nobody is known to be there, and it is not yet time to find out again. */
  isThere(): boolean;
  /** Debits every time the upstream processes it. To be called once per purchase (R1). */
  confirm(order: Order, reference: string, call: Call): Promise<Sent>;
  /** Asks what became of a reference, and reattempts it if it had failed. Safe to repeat. */
  retry(order: Order, reference: string, call: Call): Promise<Sent>;
  /** Pure: reads an answer that is already on disk. Never throws. */
  read(answer: RawAnswer, expected: Expected): Reading;
  /** Resolves when a session exists or could be made and the upstream is available; throws a `ProblemError` when not. */
  ready(call: Call): Promise<void>;
}

/** Both surfaces, and which of them is used where nobody names one. */
export interface Upstream {
  readonly defaultSurface: Surface;
  on(surface: Surface): Vending;
  close(): Promise<void>;
}
