import { useSyncExternalStore } from 'react';
import { v4 as uuid } from 'uuid';

import type { Problem } from '../gateway/operations.ts';
import type { Draft } from './draft.ts';

/**
 * What the person wants bought, once: made when the button is pressed and kept until its outcome was seen. Whatever
 * happens in between (a reload, a lost answer, a gateway that restarts), the same key is sent, so that it is bought once.
 */
export interface Intent {
  readonly key: string;
  readonly quoteId: string;
  readonly madeAt: string;
  readonly draft: Draft;
  /** Once the gateway has recorded the purchase. */
  readonly purchaseId: string | null;
  /** Why the gateway recorded none. */
  readonly refusal: Problem | null;
}

const PREFIX = 'counter.intent.';
const listeners = new Set<() => void>();
let snapshot: readonly Intent[] | undefined;

/** The intent to buy what was quoted: a quote has one, however often the button is pressed. Throws when it can't be kept. */
export function intend(quoteId: string, draft: Draft): Intent {
  const known = intents().find((one) => one.quoteId === quoteId);
  if (known !== undefined) return known;
  const madeAt = new Date().toISOString();
  const intent: Intent = { key: uuid(), quoteId, madeAt, draft, purchaseId: null, refusal: null };
  keep(intent);
  return intent;
}

/** Notes what became of it. Nothing is noted of one that was forgotten meanwhile. */
export function note(key: string, change: Partial<Pick<Intent, 'purchaseId' | 'refusal'>>): void {
  const intent = intents().find((one) => one.key === key);
  if (intent !== undefined) keep({ ...intent, ...change });
}

/** Settled, and seen. */
export function forget(key: string): void {
  localStorage.removeItem(PREFIX + key);
  changed();
}

/** All that are kept, latest first. */
export function intents(): readonly Intent[] {
  snapshot ??= Object.keys(localStorage)
    .filter((name) => name.startsWith(PREFIX))
    .flatMap((name) => read(localStorage.getItem(name)))
    .sort((a, b) => b.madeAt.localeCompare(a.madeAt));
  return snapshot;
}

export function useIntents(): readonly Intent[] {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, intents);
}

// One entry each: another tab keeps its own beside ours.
function keep(intent: Intent): void {
  localStorage.setItem(PREFIX + intent.key, JSON.stringify(intent));
  changed();
}

function changed(): void {
  snapshot = undefined;
  for (const listener of listeners) listener();
}

// Only this module writes under its prefix; what is no JSON there was cut off while it was written.
function read(text: string | null): readonly Intent[] {
  try {
    return text === null ? [] : [JSON.parse(text) as Intent];
  } catch {
    return [];
  }
}

window.addEventListener('storage', changed);
