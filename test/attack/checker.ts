import { isSettled, mayMove, type Purchase } from '../../src/purchases/purchase.ts';
import type { History } from './history.ts';

export interface CheckOptions {
  /** Every purchase must have an outcome by now. Default true. */
  readonly settled?: boolean;
}

/**
 * Every breach of R1 to R8 in a history, a sentence each that begins with the rule; empty when all is well. It believes
 * the upstream about money, the record about what is known, and the clients about what they were told.
 */
export function breachesOf(history: History, { settled = true }: CheckOptions = {}): string[] {
  return [
    ...ofConfirms(history),
    ...ofMoney(history),
    ...ofAttempts(history),
    ...ofEvents(history),
    ...ofReaders(history),
    ...ofKeys(history),
    ...(settled ? ofSettling(history) : []),
  ];
}

function* ofConfirms({ calls, purchases }: History): Generator<string> {
  const known = new Set(purchases.map(({ reference }) => reference));
  const sent = new Map<string, number>();
  for (const { endpoint, externalReference, unauthorized } of calls) {
    if (externalReference === null) {
      yield `R1: a ${endpoint} was sent without a reference`;
      continue;
    }
    if (!known.has(externalReference))
      yield `R2: a ${endpoint} of ${externalReference} was sent, which is not recorded`;
    if (endpoint === 'confirm' && !unauthorized)
      sent.set(externalReference, (sent.get(externalReference) ?? 0) + 1);
  }
  for (const [reference, times] of sent) {
    if (times > 1) yield `R1: ${times} confirms of ${reference} were sent`;
  }
}

function* ofMoney({ ledger, purchases }: History): Generator<string> {
  const byReference = new Map(purchases.map((purchase) => [purchase.reference, purchase]));
  const debits = new Map<string, readonly string[]>();
  for (const { externalReference, tokens } of ledger) {
    const reference = externalReference ?? 'no reference';
    if (debits.has(reference)) yield `R1: ${reference} was debited twice`;
    debits.set(reference, tokens);
    const purchase = byReference.get(reference);
    if (purchase === undefined) yield `R2: ${reference} was debited, which is not recorded`;
    else if (purchase.status === 'FAILED') yield `R4: ${reference} is FAILED, and was debited`;
  }
  for (const { reference, status, tokens } of purchases) {
    if (status !== 'SUCCEEDED') continue;
    const issued = debits.get(reference);
    if (issued === undefined) yield `R4: ${reference} is SUCCEEDED, and was not debited`;
    else if (
      !equal(
        issued,
        tokens.map(({ digits }) => digits),
      )
    )
      yield `R3: ${reference} has not the tokens that were issued`;
  }
}

function* ofAttempts({ attempts, events, purchases }: History): Generator<string> {
  const ofPurchase = groupBy(attempts, ({ purchaseId }) => purchaseId);
  const byHand = new Set(events.flatMap((event) => (event.byHand === null ? [] : event.purchase.id)));
  for (const { id, reference, status } of purchases) {
    const own = ofPurchase.get(id) ?? [];
    if (own.length === 0) yield `R2: ${reference} has no attempt`;
    const confirms = own.filter(({ kind, outcome }) => kind === 'CONFIRM' && outcome !== 'NOT_SENT');
    if (confirms.length > 1) yield `R1: ${reference} has ${confirms.length} confirms that were sent`;
    const under = own.filter(({ outcome }) => outcome === 'IN_FLIGHT');
    if (under.length > 1) yield `R1: ${reference} has ${under.length} attempts in flight`;
    for (const { outcome, number, answer } of own) {
      if (outcome === 'SUCCEEDED' && answer === null)
        yield `R3: attempt ${number} of ${reference} succeeded, and its answer is not kept`;
    }
    const won = own.filter(({ outcome }) => outcome === 'SUCCEEDED').length;
    // A person finds out without an attempt.
    if ((status === 'SUCCEEDED') !== (won === 1) && !(won === 0 && byHand.has(id)))
      yield `R6: ${reference} is ${status} with ${won} attempts that succeeded`;
  }
}

function* ofEvents({ events, purchases }: History): Generator<string> {
  for (const [index, { position }] of events.entries()) {
    const before = events[index - 1]?.position ?? 0;
    if (position <= before) yield `R7: event ${position} comes after event ${before}`;
  }
  const ofPurchase = groupBy(events, ({ purchase }) => purchase.id);
  for (const { id, reference, status, lastEvent } of purchases) {
    const own = ofPurchase.get(id) ?? [];
    const statuses = own.map(({ purchase }) => purchase.status);
    if (statuses[0] !== 'PENDING') yield `R7: ${reference} did not begin PENDING`;
    for (const [index, to] of statuses.entries()) {
      const from = statuses[index - 1];
      if (from !== undefined && !mayMove(from, to)) yield `R6: ${reference} moved from ${from} to ${to}`;
    }
    for (const [index, { byHand }] of own.entries()) {
      const [from, to] = [statuses[index - 1], statuses[index]];
      if (byHand === null && from === 'NEEDS_ATTENTION' && to !== 'UNRESOLVED')
        yield `R4: ${reference} was settled from NEEDS_ATTENTION, and by no person`;
      if (byHand !== null && from !== 'NEEDS_ATTENTION' && from !== 'UNRESOLVED')
        yield `R6: ${reference} was decided by hand while it was ${String(from)}`;
    }
    if (statuses.at(-1) !== status)
      yield `R7: ${reference} is ${status}, and its last event says ${String(statuses.at(-1))}`;
    if (own.at(-1)?.position !== lastEvent) yield `R7: ${reference} does not know its last event`;
  }
}

function* ofReaders({ events, readers }: History): Generator<string> {
  const recorded = events.map(({ position, purchase: { id, status } }) => `${position} ${id} ${status}`);
  for (const [index, reader] of readers.entries()) {
    const seen = reader.map(({ position, purchaseId, status }) => `${position} ${purchaseId} ${status}`);
    const [first, last] = [reader[0], reader.at(-1)];
    if (first === undefined || last === undefined) continue;
    const expected = recorded.filter((_, at) => {
      const position = events[at]?.position ?? 0;
      return position >= first.position && position <= last.position;
    });
    const [was, should] = [new Set(seen), new Set(expected)];
    for (const one of seen)
      if (!should.has(one)) yield `R7: reader ${index} saw an event that is not recorded: ${one}`;
    for (const one of expected) if (!was.has(one)) yield `R7: reader ${index} missed an event: ${one}`;
    if (was.size !== seen.length) yield `R7: reader ${index} saw an event twice`;
    else if (!equal(seen, expected)) yield `R7: reader ${index} saw the events in another order`;
  }
}

function* ofKeys({ acknowledged, purchases }: History): Generator<string> {
  const byKey = new Map<string, Purchase>();
  for (const purchase of purchases) {
    if (byKey.has(purchase.idempotencyKey)) yield `R8: the key ${purchase.idempotencyKey} has two purchases`;
    byKey.set(purchase.idempotencyKey, purchase);
  }
  for (const { idempotencyKey, purchaseId, status, tokens } of acknowledged) {
    const purchase = byKey.get(idempotencyKey);
    if (purchase === undefined) yield `R8: the key ${idempotencyKey} was acknowledged, and is not known`;
    else if (purchase.id !== purchaseId)
      yield `R8: the key ${idempotencyKey} was acknowledged with another purchase`;
    else if (status === 'SUCCEEDED' && purchase.status !== 'SUCCEEDED')
      yield `R6: ${purchase.reference} was told to be SUCCEEDED, and is ${purchase.status}`;
    else if (
      status === 'SUCCEEDED' &&
      !equal(
        tokens,
        purchase.tokens.map(({ digits }) => digits),
      )
    )
      yield `R3: ${purchase.reference} was told with other tokens`;
  }
}

function* ofSettling({ purchases }: History): Generator<string> {
  for (const { reference, status } of purchases) {
    if (!isSettled(status)) yield `R4: ${reference} is still ${status}`;
  }
}

function equal(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}
