import type { Generated } from 'kysely';

/** The columns as they lie in SQL. Instants are whole milliseconds since 1970; what these hold is read in `rows.ts`. */
export interface Tables {
  quotes: QuoteTable;
  purchases: PurchaseTable;
  attempts: AttemptTable;
  events: EventTable;
  pulse: PulseTable;
  instances: InstanceTable;
  api_keys: ApiKeyTable;
}

export interface QuoteTable {
  id: string;
  /** JSON: order, subscriber and charges. */
  content: string;
  created_at: number;
  expires_at: number;
}

export interface PurchaseTable {
  id: string;
  idempotency_key: string;
  reference: string;
  quote_id: string | null;
  /** JSON: the whole order. The six columns after it repeat parts of it, for indexes and for a person with a SQL shell. */
  content: string;
  surface: string;
  product_type: string;
  account_id: number;
  subscriber_identifier: string;
  amount: string;
  currency: string;
  created_at: number;
  status: string;
  /** JSON: the rest of `PurchaseState`. */
  state: string;
  checks: number;
  next_check_at: number | null;
  denied_in_a_row: number;
  unresolved_since: number | null;
  last_event: number;
  owner: string;
  /** 1 while it is PENDING or UNRESOLVED, else 0: for the index of what somebody has to look after. */
  is_open: number;
}

export interface AttemptTable {
  purchase_id: string;
  number: number;
  kind: string;
  outcome: string;
  started_at: number;
  finished_at: number | null;
  request_id: string;
  /** JSON. */
  problem: string | null;
  answer_status: number | null;
  answer_body: string | null;
  /** 0 or 1. */
  answer_complete: number | null;
  answer_retry_after: number | null;
  /** When the body was replaced by an empty one. */
  answer_blotted_at: number | null;
}

export interface EventTable {
  position: Generated<number>;
  purchase_id: string;
  at: number;
  status: string;
  /** JSON, as `purchases.state` was right after the change. */
  state: string;
  /** Both, or neither: only what a person decided has them. */
  author: string | null;
  reason: string | null;
}

/** One row for each instance of the gateway that is not known to be dead. */
export interface InstanceTable {
  id: string;
  /** Its signs of life, counted. */
  beat: number;
}

export interface ApiKeyTable {
  id: string;
  name: string;
  secret_sha256: string;
  /** JSON: a list. */
  scopes: string;
  integration: string | null;
  /** JSON: a list of numbers; null for all. */
  accounts: string | null;
  per_purchase: string | null;
  per_day: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

/** One row, written by `ping` to prove that writing works. */
export interface PulseTable {
  id: number;
  beats: number;
}
