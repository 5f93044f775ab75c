import type { CallRecord, LedgerEntry } from '../../sandbox/sandbox.ts';
import type { Journal } from '../../src/purchases/journal.ts';
import type { Attempt, Purchase, PurchaseEvent } from '../../src/purchases/purchase.ts';

/** Everything that happened, as three parties saw it: the upstream, the record and the clients. */
export interface History {
  /** Every debit of the upstream, in order. */
  readonly ledger: readonly Debit[];
  /** Every confirm and retry that reached the upstream, in order. */
  readonly calls: readonly UpstreamCall[];
  readonly purchases: readonly Purchase[];
  readonly attempts: readonly Attempt[];
  readonly events: readonly PurchaseEvent[];
  /** What clients were told of a key. */
  readonly acknowledged: readonly Acknowledgement[];
  /** What each subscriber got, in the order in which it got it. */
  readonly readers: readonly (readonly SeenEvent[])[];
}

export type Debit = Pick<LedgerEntry, 'externalReference' | 'tokens'>;

export interface UpstreamCall {
  readonly endpoint: 'confirm' | 'retry';
  readonly externalReference: string | null;
  /** Refused for its session, before it was looked at. */
  readonly unauthorized: boolean;
}

export interface Acknowledgement {
  readonly idempotencyKey: string;
  readonly purchaseId: string;
  readonly status: Purchase['status'];
  readonly tokens: readonly string[];
}

export interface SeenEvent {
  readonly position: number;
  readonly purchaseId: string;
  readonly status: Purchase['status'];
}

/** What the record holds, whole. */
export async function readRecord(
  journal: Journal,
): Promise<Pick<History, 'purchases' | 'attempts' | 'events'>> {
  const purchases: Purchase[] = [];
  for (let after: string | undefined; ; after = purchases.at(-1)?.id) {
    const page = await journal.page({ after, limit: 500, inverted: false });
    purchases.push(...page);
    if (page.length < 500) break;
  }
  const events: PurchaseEvent[] = [];
  for (;;) {
    const more = await journal.events({ after: events.at(-1)?.position ?? 0, limit: 1_000 });
    if (more.length === 0) break;
    events.push(...more);
  }
  const attempts = await journal.attempts(purchases.map(({ id }) => id));
  return { purchases, attempts, events };
}

/** What the sandbox recorded. */
export function readUpstream(sandbox: {
  ledger: readonly LedgerEntry[];
  calls: readonly CallRecord[];
}): Pick<History, 'ledger' | 'calls'> {
  const calls = sandbox.calls.flatMap(({ endpoint, externalReference, status }) =>
    endpoint === 'confirm' || endpoint === 'retry'
      ? [{ endpoint, externalReference, unauthorized: status === 401 }]
      : [],
  );
  return { ledger: [...sandbox.ledger], calls };
}
