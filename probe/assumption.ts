import type { Side } from './side.ts';
import type { Surface } from './surfaces.ts';
import type { PurchaseName } from './purchases.ts';

/** One sentence of the contract, and how to find out whether it is true. */
export interface Assumption {
  /** surface.topic.name */
  readonly id: string;
  readonly surface: Surface;
  readonly statement: string;
  /** D: documented by ScratchPower; A: assumed, because the page is cut off before it says. */
  readonly mark: 'D' | 'A';
  /** What must be bought to try it. */
  readonly buys?: readonly PurchaseName[];
  /** Resolves to what was seen when it holds; else throws what `demand`, `need` or `skip` throw. */
  readonly try: (side: Side) => Promise<string>;
}

/** Something else came than the contract says. Both texts may be told: they hold no secret. */
export class Difference extends Error {
  override readonly name = 'Difference';
  readonly expected: string;
  readonly seen: string;

  constructor(expected: string, seen: string) {
    super(`expected ${expected}, seen ${seen}`);
    this.expected = expected;
    this.seen = seen;
  }
}

/** It could not be tried this time, though it was meant to be. */
export class Hindrance extends Error {
  override readonly name = 'Hindrance';
}

/** It cannot be tried, or nobody asked for it. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

export function demand(condition: boolean, expected: string, seen: string): asserts condition {
  if (!condition) throw new Difference(expected, seen);
}

export function need(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Hindrance(why);
}

export function skip(why: string): never {
  throw new Skipped(why);
}
