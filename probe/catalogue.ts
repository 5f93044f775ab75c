import type { Assumption } from './assumption.ts';
import { confirmAssumptions } from './assumptions/confirm.ts';
import { discoveryAssumptions } from './assumptions/discovery.ts';
import { errorAssumptions } from './assumptions/errors.ts';
import { meterAssumptions } from './assumptions/meters.ts';
import { requestIdAssumptions } from './assumptions/request-id.ts';
import { retryAssumptions } from './assumptions/retry.ts';
import { sessionAssumptions } from './assumptions/session.ts';
import { validateAssumptions } from './assumptions/validate.ts';
import { dialects, surfaces } from './surfaces.ts';

/** In the order in which they are tried: what is free first, and last what looks at all that came. */
const topics = [
  sessionAssumptions,
  discoveryAssumptions,
  validateAssumptions,
  meterAssumptions,
  errorAssumptions,
  confirmAssumptions,
  retryAssumptions,
  requestIdAssumptions,
];

/** Every assumption of the contract, surface by surface. */
export const assumptions: readonly Assumption[] = surfaces.flatMap((surface) =>
  topics.flatMap((topic) => topic(dialects[surface])),
);
