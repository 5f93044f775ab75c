import fc from 'fast-check';

import type { DiskFault } from './disk.ts';
import { MOST_MS, networkFaultKinds, type NetworkFault, type Outage } from './network.ts';

/** One customer's wish, and how the client goes about it. */
export interface Wish {
  /** Which of a few keys; two wishes may share one. */
  readonly key: number;
  readonly meter: string;
  readonly at: number;
  readonly quoted: boolean;
  readonly waitMs: number;
  /** So many clients send it at once. */
  readonly copies: number;
  /** How often a client calls retryPurchase where it may. */
  readonly retries: number;
}

export interface Crash {
  readonly node: number;
  readonly at: number;
  /** It dies after so many more of its own events: at any await. */
  readonly events: number;
  readonly downMs: number;
  /** By SIGTERM, or as by kill -9. */
  readonly how: 'killed' | 'stopped';
}

/** All that happens to one small shop: with its seed it is a whole history. */
export interface Script {
  readonly seed: number;
  readonly surface: 'V1' | 'CURRENT';
  readonly nodes: number;
  readonly tokenSeconds: number;
  readonly giveUpAfterMs: number;
  readonly wishes: readonly Wish[];
  readonly readers: number;
  readonly faults: readonly NetworkFault[];
  readonly outages: readonly Outage[];
  readonly disk: readonly DiskFault[];
  readonly crashes: readonly Crash[];
  readonly jumps: readonly { readonly at: number; readonly ms: number }[];
  readonly pauses: readonly { readonly node: number; readonly at: number; readonly ms: number }[];
}

const HAPPY = '04040404040';
const meters = [HAPPY, HAPPY, HAPPY, '0404040404000', '04040404099', '04040404081'] as const;
/** Any time, or one of a few at which more happens than one thing. */
const instant = fc.oneof(
  fc.nat(12_000),
  fc.tuple(fc.constantFrom(1_000, 4_000), fc.nat(150)).map(([about, more]) => about + more),
);
const small = (most: number) => fc.nat(most);

const wish: fc.Arbitrary<Wish> = fc.record({
  key: small(3),
  meter: fc.constantFrom(...meters),
  at: instant,
  quoted: fc.boolean(),
  waitMs: fc.constantFrom(0, 500, 15_000),
  copies: fc.constantFrom(1, 1, 2, 3),
  retries: small(2),
});

const fault: fc.Arbitrary<NetworkFault> = fc.record({
  endpoint: fc.constantFrom(
    ...(['confirm', 'confirm', 'confirm', 'retry', 'retry', 'validate', 'login', 'refresh', 'me'] as const),
  ),
  nth: fc.integer({ min: 1, max: 6 }),
  kind: fc.constantFrom(...networkFaultKinds),
  ms: small(MOST_MS),
});

export const scripts: fc.Arbitrary<Script> = fc.record({
  seed: fc.nat(0xffffffff),
  surface: fc.constantFrom('V1', 'CURRENT'),
  nodes: fc.constantFrom(1, 1, 2),
  tokenSeconds: fc.constantFrom(3_600, 3_600, 5),
  giveUpAfterMs: fc.constantFrom(3_600_000, 3_600_000, 4_000),
  wishes: fc.array(wish, { minLength: 1, maxLength: 4 }),
  readers: small(2),
  faults: fc.array(fault, { maxLength: 5, size: 'max' }),
  outages: fc.array(
    fc.record({ from: instant, ms: small(6_000), kind: fc.constantFrom('refused', 'vanished') }),
    { maxLength: 1 },
  ),
  disk: fc.array(
    fc.record({
      nth: fc.integer({ min: 1, max: 30 }),
      kind: fc.constantFrom('full', 'doubtful', 'slow'),
      ms: small(3_000),
    }),
    { maxLength: 3 },
  ),
  crashes: fc.array(
    fc.record({
      node: small(1),
      at: instant,
      events: small(40),
      downMs: small(3_000),
      how: fc.constantFrom('killed', 'killed', 'killed', 'stopped'),
    }),
    { maxLength: 3 },
  ),
  jumps: fc.array(fc.record({ at: instant, ms: fc.constantFrom(3_600_000, -3_600_000, 5_000, -5_000) }), {
    maxLength: 1,
  }),
  pauses: fc.array(fc.record({ node: small(1), at: instant, ms: small(16_000) }), { maxLength: 2 }),
});
