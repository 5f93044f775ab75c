import type { Logger } from 'pino';

import type { Renewal } from '../datasources/session.ts';
import type { Surface } from '../purchases/catalogue.ts';
import type { Problem } from '../purchases/problem.ts';

/** Tells the log once why there is no session any more, and that there is one again; of each surface. */
export function sessionLog(log: Pick<Logger, 'info' | 'warn' | 'error'>) {
  const failing = new Map<Surface, string>();
  return (surface: Surface, how: Renewal, problem: Problem | undefined): void => {
    const before = failing.get(surface);
    if (problem === undefined) {
      failing.delete(surface);
      if (before !== undefined) log.info({ surface }, 'there is a session at ScratchPower again');
      return;
    }
    const { type, code, requestId } = problem;
    // After a refresh that failed a login is tried.
    if (how === 'refresh' || before === code) return;
    failing.set(surface, code);
    const about = { surface, code, upstreamRequestId: requestId };
    if (type === 'AUTHENTICATION')
      log.error(
        about,
        'ScratchPower refuses the credentials: correct SCRATCHPOWER_CLIENT_ID, _CLIENT_SECRET, _USERNAME, _PASSWORD and _ORG_CODE, or those in INTEGRATIONS_FILE, and start again',
      );
    else log.warn(about, 'there is no session at ScratchPower: the login failed; trying again');
  };
}
