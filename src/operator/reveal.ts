import { userInfo } from 'node:os';

import { MAX_AUTHOR_LENGTH } from '../purchases/by-hand.ts';
import { Refusal } from './run.ts';
import type { Found } from './find.ts';

/** How many are written at once. */
const AT_ONCE = 500;

/** Who sits here, where nobody is named. */
export function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // No such user in the system's list, as in some containers: it has to be told.
    return '';
  }
}

/** Before it is shown: who has what was secret shown to them, for ever. */
export async function auditReveal(
  found: readonly Found[],
  { author = osUser(), now }: { author: string | undefined; now: () => Date },
): Promise<void> {
  const name = author.trim();
  if (name === '' || name.length > MAX_AUTHOR_LENGTH) {
    throw new Refusal(
      `--author: tell who has it shown, in 1 to ${MAX_AUTHOR_LENGTH} characters: it is kept for ever.`,
    );
  }
  const at = now();
  for (const journal of new Set(found.map((one) => one.journal))) {
    const own = found.filter((one) => one.journal === journal);
    for (let from = 0; from < own.length; from += AT_ONCE) {
      await journal.audit(
        own.slice(from, from + AT_ONCE).map(({ purchase: { id: purchaseId } }) => ({
          ...{ at, action: 'REVEALED', actor: 'OPERATOR', name, purchaseId, reason: null },
        })),
      );
    }
  }
}
