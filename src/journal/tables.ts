import type { Generated } from 'kysely';

/** The columns as they lie in SQL. Instants are whole milliseconds since 1970; what these hold is read in `rows.ts`. */
export interface Tables {
  quotes: QuoteTable;
  purchases: PurchaseTable;
  attempts: AttemptTable;
  events: EventTable;
  event_counters: EventCounterTable;
  audit: AuditTable;
  data_keys: DataKeyTable;
  pulse: PulseTable;
  instances: InstanceTable;
  api_keys: ApiKeyTable;
}

export interface QuoteTable {
  id: string;
  integration: string;
  /** JSON: order, subscriber and charges. */
  content: string;
  created_at: number;
  expires_at: number;
}

export interface PurchaseTable {
  id: string;
  integration: string;
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
  /** Whose limit of a day its amount counts against, and of which day; null where nobody's. */
  spender: string | null;
  spent_on: string | null;
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
  integration: string;
  /** Counted for each integration on its own. */
  position: number;
  purchase_id: string;
  at: number;
  status: string;
  /** JSON, as `purchases.state` was right after the change. */
  state: string;
  /** Both, or neither: only what a person decided has them. */
  author: string | null;
  reason: string | null;
}

/** One row for each integration: the position of its latest event. */
export interface EventCounterTable {
  integration: string;
  position: number;
}

/** Who did what; never changed, never deleted. */
export interface AuditTable {
  id: Generated<number>;
  integration: string;
  at: number;
  action: string;
  actor: string;
  name: string;
  purchase_id: string;
  reason: string | null;
}

/** The keys under which something lies sealed. */
export interface DataKeyTable {
  id: string;
  /** Sealed under it: whoever has the same key can open that. */
  proof: string;
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
