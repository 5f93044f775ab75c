import { Difference, Hindrance, Skipped, type Assumption } from './assumption.ts';
import { restsOn, type RestsOn } from './rests-on.ts';
import { sentence } from './show.ts';
import type { Surface } from './surfaces.ts';
import type { Walk } from './walk.ts';

/** What came of one assumption. Every text in it may be told. */
export interface Finding {
  readonly id: string;
  readonly surface: Surface;
  readonly mark: 'D' | 'A';
  readonly statement: string;
  readonly outcome: Outcome;
  readonly restsOn: RestsOn;
}

export type Outcome =
  | { readonly kind: 'HOLDS'; readonly seen: string }
  | { readonly kind: 'DIFFERS'; readonly expected: string; readonly seen: string }
  /** It was to be tried, and something came between. */
  | { readonly kind: 'HINDERED'; readonly why: string }
  /** It cannot be tried, or nobody asked for it. */
  | { readonly kind: 'NOT_TRIED'; readonly why: string };

export interface Choice {
  readonly withPurchases: boolean;
  readonly withDuplicates: boolean;
}

/** Tries each in turn. Never rejects for what an upstream does. */
export async function tryAll(
  walk: Walk,
  assumptions: readonly Assumption[],
  choice: Choice,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const assumption of assumptions) {
    const { id, surface, mark, statement } = assumption;
    const outcome = await tried(walk, assumption, choice);
    findings.push({ id, surface, mark, statement, outcome: hidden(walk, outcome), restsOn: restsOn(id) });
  }
  return findings;
}

/** Why it is not tried at all; undefined when it is. */
export function notChosen({ buys = [] }: Assumption, choice: Choice): string | undefined {
  if (buys.length > 0 && !choice.withPurchases) return 'needs a purchase, and --without-purchases was given';
  if (buys.includes('duplicate') && !choice.withDuplicates) {
    return 'sends the same confirm twice, which may be debited twice: only with --with-duplicates';
  }
  return undefined;
}

async function tried(walk: Walk, assumption: Assumption, choice: Choice): Promise<Outcome> {
  const why = notChosen(assumption, choice);
  if (why !== undefined) return { kind: 'NOT_TRIED', why };
  try {
    return { kind: 'HOLDS', seen: await assumption.try(walk.on(assumption.surface)) };
  } catch (error) {
    if (error instanceof Difference) return { kind: 'DIFFERS', expected: error.expected, seen: error.seen };
    if (error instanceof Skipped) return { kind: 'NOT_TRIED', why: error.message };
    if (error instanceof Hindrance) return { kind: 'HINDERED', why: error.message };
    // What was debited must be told whatever happens: a fault of our own ends this one only.
    return { kind: 'HINDERED', why: `the probe itself failed: ${sentence(String(error))}` };
  }
}

function hidden(walk: Walk, outcome: Outcome): Outcome {
  const hide = (text: string) => walk.secrets.hide(text);
  switch (outcome.kind) {
    case 'HOLDS':
      return { ...outcome, seen: hide(outcome.seen) };
    case 'DIFFERS':
      return { ...outcome, expected: hide(outcome.expected), seen: hide(outcome.seen) };
    case 'HINDERED':
    case 'NOT_TRIED':
      return { ...outcome, why: hide(outcome.why) };
  }
}
