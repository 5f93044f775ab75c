import type { ProductType, Surface } from './catalogue.ts';
import type { Decimal } from './money.ts';
import type { Problem } from './problem.ts';
import type {
  Attempt,
  AttemptKind,
  AttemptOutcome,
  ByHand,
  Purchase,
  PurchaseEvent,
  PurchaseState,
  PurchaseStatus,
  Quote,
  RawAnswer,
  Reconciliation,
} from './purchase.ts';

/** The wanted move is not in the status machine (R6): a bug, or a second writer. */
export class IllegalMoveError extends Error {
  constructor(
    readonly purchaseId: string,
    readonly from: PurchaseStatus,
    readonly to: PurchaseStatus,
  ) {
    super(`purchase ${purchaseId} may not move from ${from} to ${to}`);
    this.name = 'IllegalMoveError';
  }
}

/** More than the limit of a day allows: nothing was written. */
export class DayLimitError extends Error {
  constructor(
    readonly whose: 'CALLER' | 'INTEGRATION',
    readonly most: Decimal,
    readonly left: Decimal,
  ) {
    super('the limit of the day does not allow it');
    this.name = 'DayLimitError';
  }
}

/** On whose behalf something is bought, and within which limits. */
export interface Mandate {
  /** The caller's name: what is bought counts against its limit, and stands in the audit trail. */
  readonly caller: string;
  /** The day that it counts for, such as 2026-03-01. */
  readonly day: string;
  /** The most that the caller may spend on the day, of each currency, and that all of the integration may; null: no limit. */
  readonly mostByCaller: Decimal | null;
  readonly mostByAll: Decimal | null;
}

export const auditActions = ['CONFIRMED', 'RETRIED', 'SETTLED', 'ASKED_AGAIN', 'REVEALED'] as const;
export type AuditAction = (typeof auditActions)[number];

/** Who did what to a purchase. */
export interface AuditEntry {
  readonly at: Date;
  readonly action: AuditAction;
  /** A caller of the API, or a person at the command line. */
  readonly actor: 'CALLER' | 'OPERATOR';
  readonly name: string;
  readonly purchaseId: string;
  readonly reason: string | null;
}

/** A caller of the API is to be shown the tokens of purchases. */
export interface Reveal {
  readonly caller: string;
  readonly at: Date;
  readonly purchaseIds: readonly string[];
}

export interface AuditRequest {
  /** Entries strictly older than this one. */
  readonly before?: number | undefined;
  readonly limit: number;
  /** Only those of one purchase. */
  readonly purchaseId?: string | undefined;
}

export type NewPurchase = Omit<Purchase, 'lastEvent' | 'owner'>;

export interface NewAttempt {
  readonly kind: AttemptKind;
  readonly requestId: string;
  readonly startedAt: Date;
}

export interface AttemptId {
  readonly purchaseId: string;
  readonly number: number;
}

export interface AttemptResult {
  readonly outcome: Exclude<AttemptOutcome, 'IN_FLIGHT'>;
  readonly problem: Problem | null;
  readonly finishedAt: Date;
}

/** What changes; what is left out stays. An event is written when, and only when, the status changes. */
export type PurchaseChange = Pick<PurchaseState, 'status' | 'updatedAt'> &
  Partial<PurchaseState & Reconciliation>;

export interface PurchaseFilter {
  readonly status?: readonly PurchaseStatus[] | null | undefined;
  readonly productType?: readonly ProductType[] | null | undefined;
  readonly accountId?: number | null | undefined;
  /** Of one of these accounts. */
  readonly accounts?: readonly number[] | null | undefined;
  readonly subscriberIdentifier?: string | null | undefined;
  /** Inclusive. */
  readonly createdAfter?: Date | null | undefined;
  /** Exclusive. */
  readonly createdBefore?: Date | null | undefined;
}

export interface PageRequest {
  readonly filter?: PurchaseFilter | undefined;
  /** Purchases strictly older than this purchase id. */
  readonly after?: string | undefined;
  /** Purchases strictly newer than this purchase id. */
  readonly before?: string | undefined;
  /** At most so many. */
  readonly limit: number;
  /** False: newest first. True: oldest first. */
  readonly inverted: boolean;
}

export interface EventRequest {
  /** Events strictly after this position. */
  readonly after: number;
  readonly limit: number;
  /** Only those of one purchase. */
  readonly purchaseId?: string | undefined;
}

/** The successes of a span of time, by their instants. */
export interface SuccessRequest {
  /** Inclusive. */
  readonly from: Date;
  /** Exclusive. */
  readonly until: Date;
  readonly accountId?: number | undefined;
  /** Those after this one. */
  readonly after?: Pick<PurchaseEvent, 'at' | 'position'> | undefined;
  readonly limit: number;
}

/** What counts of an attempt where a person decides. */
export type Ended = Pick<Attempt, 'outcome' | 'finishedAt'>;

/** What became of a person's decision. Nothing was written where `refused` says why; `purchase` is as it is now. */
export interface Decided {
  readonly refused: 'IN_FLIGHT' | 'NOT_IN_DOUBT' | null;
  readonly purchase: Purchase;
}

/** The keys under which one purchase is found. */
export type PurchaseKey = 'id' | 'reference' | 'idempotencyKey';

/** The integration that there is when none is named. */
export const DEFAULT_INTEGRATION = 'default';

/**
 * The record of one integration, as one instance of the gateway writes it: what belongs to another is not there. Only what
 * keeps the record itself in order (`purgeQuotes`, `blotAnswers`, the instances, `ping`) is of all. Every method that writes resolves only when the write is durable (fsync); each is one transaction.
 * It refuses an illegal status move with `IllegalMoveError` and writes nothing then.
 */
export interface DueRequest {
  readonly now: Date;
  readonly horizon: Date;
  readonly limit: number;
  /** Default: all. */
  readonly surfaces?: readonly Surface[];
}

export interface Journal {
  /** Who writes here, and so looks after every purchase that it begins or starts an attempt of. */
  readonly instance: string;
  /** Whether other instances may write the record at the same time. */
  readonly shared: boolean;
  /** Whose purchases, quotes and events these are. */
  readonly integration: string;

  saveQuote(quote: Quote): Promise<void>;
  /** The quotes of these ids that exist, in no order, expired ones included until they are purged. */
  quotes(ids: readonly string[]): Promise<readonly Quote[]>;
  /** Deletes quotes, of whatever integration, that expired before the instant; returns how many. */
  purgeQuotes(expiredBefore: Date): Promise<number>;

  /**
   * Writes purchase, first attempt (IN_FLIGHT) and first event. When the idempotency key is taken (R8), writes nothing
   * and returns the purchase that has it, with `attempt: null`. A mandate is audited, and its limits hold however many
   * begin at once: throws a `DayLimitError`.
   */
  begin(
    purchase: NewPurchase,
    attempt: NewAttempt,
    mandate?: Mandate,
  ): Promise<{ purchase: Purchase; attempt: Attempt | null }>;
  /**
   * Starts a further attempt and applies `change` with it; the purchase is this instance's then. Null, and nothing written,
   * when somebody else is or was at it: another attempt is in flight, the purchase is no longer in the status `from`, it
   * FAILED for good by now (`canRetry`), or it is a confirm and something was sent already (R1, `wasNeverSent`). A purchase
   * that FAILED counts against the mandate's limits anew: throws a `DayLimitError`.
   */
  startAttempt(
    purchaseId: string,
    from: PurchaseStatus,
    attempt: NewAttempt,
    change: PurchaseChange,
    mandate?: Mandate,
  ): Promise<{ purchase: Purchase; attempt: Attempt } | null>;
  /** R3: puts the raw answer on disk. Throws when the attempt is not in flight, or the purchase another instance's. */
  keepAnswer(attempt: AttemptId, answer: RawAnswer): Promise<void>;
  /**
   * Ends an attempt and applies what came of it. Throws when the attempt is not in flight, or the purchase another
   * instance's: what one that was taken for dead writes late is refused.
   */
  finishAttempt(attempt: AttemptId, result: AttemptResult, change: PurchaseChange): Promise<Purchase>;

  /**
   * Applies what a person decided of an UNRESOLVED or NEEDS_ATTENTION purchase with no attempt in flight; refuses any
   * other. `decide` is given the purchase and how its attempts ended, as they are within the transaction, and has no effect but its
   * result; where it throws, so does this, and nothing is written. The event, where the status changes, keeps author and reason, and the audit trail in any case. Throws when there is no such purchase.
   */
  decide(
    purchaseId: string,
    byHand: ByHand,
    decide: (purchase: Purchase, attempts: readonly Ended[]) => PurchaseChange,
  ): Promise<Decided>;

  /**
   * Blots out the bodies of at most so many answers, of whatever integration, of purchases that were settled before the instant, the oldest first;
   * returns how many. Those of purchases not settled stay.
   */
  blotAnswers(request: { settledBefore: Date; now: Date; limit: number }): Promise<number>;

  purchase(key: PurchaseKey, value: string): Promise<Purchase | undefined>;
  /** The purchases of these ids that exist, in no order. */
  purchases(ids: readonly string[]): Promise<readonly Purchase[]>;
  page(request: PageRequest, unreadable?: OnUnreadable): Promise<readonly Purchase[]>;
  /** All attempts of these purchases, by purchase and number. */
  attempts(purchaseIds: readonly string[], unreadable?: OnUnreadable): Promise<readonly Attempt[]>;

  /** Every attempt in flight of this instance's purchases, with its purchase. */
  inFlight(unreadable?: OnUnreadable): Promise<readonly { purchase: Purchase; attempt: Attempt }[]>;
  /**
   * This instance's UNRESOLVED purchases with no attempt in flight whose `nextCheckAt` has come, the longest waiting first; also those
   * whose `nextCheckAt` lies past `horizon`: no delay is that long, so the clock was set back. Only those of `surfaces`.
   */
  due(request: DueRequest, unreadable?: OnUnreadable): Promise<readonly Purchase[]>;

  /** The other instances that look after purchases of this integration which are PENDING or UNRESOLVED. */
  owners(): Promise<readonly string[]>;
  /**
   * Strikes a dead instance off and takes some of this integration's purchases that it looked after; returns how many, 0 when there are
   * no more. `beat` is the last sign of life that was seen of it, undefined when it is struck off already: when it has
   * given another since, nothing happens.
   */
  adopt(instance: string, beat: number | undefined): Promise<number>;
  /** Enters this instance among those that live, with a count that it has never shown before. */
  join(): Promise<void>;
  /** A sign of life; false when this instance has been struck off, so that others may have taken what was its own. */
  beat(): Promise<boolean>;
  /** How many signs of life each instance has given, at least: a count never comes again. */
  beats(): Promise<ReadonlyMap<string, number>>;
  /** Strikes this instance off: others may take its purchases at once. */
  leave(): Promise<void>;

  /** In the one order of the integration's events. Throws an `UnreadableEventError` when one of them cannot be read. */
  events(request: EventRequest): Promise<readonly PurchaseEvent[]>;
  /** The events with which purchases SUCCEEDED, by instant and position. */
  successes(request: SuccessRequest): Promise<readonly PurchaseEvent[]>;
  /** The position of the latest event; 0 when there is none. */
  lastPosition(): Promise<number>;
  /**
   * Calls `wake` after each commit that wrote an event; returns how to stop. It is given the events where this instance
   * wrote them, in order; `events` has those, and all others.
   */
  onCommit(wake: (events?: readonly PurchaseEvent[]) => void): () => void;

  /** Adds to the audit trail what changes no purchase, all or nothing. Throws when there is no such purchase. */
  audit(entries: readonly AuditEntry[]): Promise<void>;
  /**
   * Adds to the audit trail, all or nothing, that a caller is shown the tokens of each of these purchases: once for each day
   * (UTC), however many instances add it, and not where the caller stands there as who confirmed or retried the purchase.
   * Throws when there is no such purchase.
   */
  reveal(reveal: Reveal): Promise<void>;
  /** The audit trail, the newest first. */
  auditTrail(request: AuditRequest): Promise<readonly (AuditEntry & { readonly id: number })[]>;

  /** Throws when the record cannot be written. */
  ping(): Promise<void>;
  /** Closes the record, for every integration. */
  close(): Promise<void>;
}

export const unsettledStatuses = ['PENDING', 'UNRESOLVED', 'NEEDS_ATTENTION'] as const;
export type UnsettledStatus = (typeof unsettledStatuses)[number];

/** How many purchases have a status that is not their last. */
export interface Unsettled {
  readonly status: UnsettledStatus;
  readonly count: number;
  /** Since when the one that has waited longest is neither sold nor refused; null when there is none. */
  readonly since: Date | null;
}

/** Something of the record cannot be read, and will not be later: it is damaged, or its key is not there. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

/**
 * Is told of each purchase that cannot be read and is left out, so that it holds up no other: one that is damaged, is
 * sealed under a key that is not there, or was written by a newer version. Where nobody is to be told, it is thrown.
 */
export type OnUnreadable = (id: string, error: unknown) => void;

/** An event that cannot be read, and those before it that were asked for with it. */
export class UnreadableEventError extends Error {
  override readonly name = 'UnreadableEventError';
  readonly position: number;
  readonly purchaseId: string;
  readonly before: readonly PurchaseEvent[];

  constructor(
    event: { position: number; purchaseId: string; before: readonly PurchaseEvent[] },
    cause: unknown,
  ) {
    const { position, purchaseId, before } = event;
    super(`event ${position}, of purchase ${purchaseId}, cannot be read`, { cause });
    this.position = position;
    this.purchaseId = purchaseId;
    this.before = before;
  }
}

/** The whole record, of which each integration has its part. */
export interface JournalRecord extends Pick<
  Journal,
  'instance' | 'shared' | 'join' | 'beat' | 'beats' | 'leave' | 'ping' | 'close'
> {
  of(integration: string): Journal;
  /** The integrations that have something recorded, in order of name. */
  integrations(): Promise<readonly string[]>;
  /** What an integration has of each status that is not settled. Costs nothing for what is. */
  unsettled(integration: string): Promise<readonly Unsettled[]>;
}
