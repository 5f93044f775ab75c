import type { Surface } from './raw-client.ts';

/** Rates in tenths of a per cent, and what is added, in thebe: the table of docs/sandbox.md. */
const meters = {
  '04040404040': { rate: 25n, fixed: 0n, tokens: 1 },
  '04040404099': { rate: 75n, fixed: 0n, tokens: 1 },
  '04040404461': { rate: 25n, fixed: 100_000n, tokens: 1 },
  '04040404198': { rate: 25n, fixed: 100_000n, tokens: 3 },
  '04040404081': null,
} as const;
export type Meter = keyof typeof meters;
export const meterNumbers = Object.keys(meters) as Meter[];

/** Faults by what becomes of the call: the quick ones, each once. */
export const unprocessed = ['drop_before', 'rate_limit', 'unauthorized', 'error'] as const;
export const unanswered = [
  ...['drop_after', 'late_landing', 'html_error', 'garbage', 'cut_off', 'empty', 'huge'],
] as const;
export const answered = [
  ...['delay_before', 'delay_after', 'extra_fields', 'missing_optional', 'pending', 'failed'],
] as const;
export type FaultKind =
  (typeof unprocessed)[number] | (typeof unanswered)[number] | (typeof answered)[number];

export interface Order {
  readonly meter: Meter;
  readonly thebe: bigint;
  readonly chargesOnTop: boolean;
  readonly reference: string;
  readonly surface: Surface;
}
export interface Debit extends Order {
  readonly total: bigint;
  readonly charge: bigint;
  readonly commission: bigint;
  readonly tokens: number;
}
type State = 'SUCCESS' | { order: Order; polls: number; becomes: 'SUCCESS' | 'FAILED' };

const perMille = (thebe: bigint, rate: bigint) => (thebe * rate + 500n) / 1000n;

/** What the contract says of money, in whole thebe: written apart from the sandbox, to be compared with it. */
export class Model {
  balance = 100_000_000n;
  readonly debits: Debit[] = [];
  readonly #states = new Map<string, State>();

  confirm(order: Order, fault: FaultKind | null, becomes: 'SUCCESS' | 'FAILED'): void {
    if (isIn(unprocessed, fault)) return;
    const failed: State = { order, polls: 0, becomes: 'SUCCESS' };
    const state =
      fault === 'pending'
        ? { order, polls: 1, becomes }
        : fault === 'failed' || !this.#debit(order)
          ? failed
          : 'SUCCESS';
    if (this.#states.get(order.reference) !== 'SUCCESS') this.#states.set(order.reference, state);
  }

  retry(reference: string, fault: FaultKind | null): void {
    const state = this.#states.get(reference);
    if (isIn(unprocessed, fault) || state === undefined || state === 'SUCCESS') return;
    if (state.polls > 0) {
      state.polls -= 1;
    } else if (state.becomes === 'FAILED') {
      state.becomes = 'SUCCESS';
    } else if (this.#debit(state.order)) {
      this.#states.set(reference, 'SUCCESS');
    }
  }

  #debit(order: Order): boolean {
    const { meter, thebe, chargesOnTop } = order;
    const rules = meters[meter];
    if (rules === null || (rules.fixed > 0n && thebe <= rules.fixed)) return false;
    const charge = perMille(thebe, rules.rate) + rules.fixed;
    const total = chargesOnTop ? thebe + charge : thebe;
    if (total - charge <= 0n || total > this.balance) return false;
    this.balance -= total;
    const commission = perMille(thebe, 12n);
    this.debits.push({ ...order, total, charge, commission, tokens: rules.tokens });
    return true;
  }
}

function isIn(kinds: readonly string[], kind: string | null): boolean {
  return kind !== null && kinds.includes(kind);
}

/** "1234.50" */
export const written = (thebe: bigint) => `${thebe / 100n}.${String(thebe % 100n).padStart(2, '0')}`;
