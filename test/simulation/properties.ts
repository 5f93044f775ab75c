import fc from 'fast-check';

import { play, type OpenRecord, type Played } from './play.ts';
import { scripts, type Script } from './script.ts';

export interface Campaign {
  readonly runs: number;
  readonly seed: number;
  /** Where in the seed's histories a failure stands, as a report tells; for its replay. */
  readonly path?: string | undefined;
  /** Opens the record of each history. Default: in memory. */
  readonly open?: (() => Promise<OpenRecord>) | undefined;
  /** Looks for a shorter history that fails too. Default true. */
  readonly shrinks?: boolean | undefined;
  readonly onPlayed?: ((played: Played, script: Script) => void) | undefined;
}

/** Plays so many histories; undefined when no promise was broken, else a report with the shortest that was found. */
export async function campaign({
  runs,
  seed,
  path,
  open,
  shrinks = true,
  onPlayed,
}: Campaign): Promise<string | undefined> {
  const property = fc.asyncProperty(scripts, async (script) => {
    const played = await play(script, await open?.());
    onPlayed?.(played, script);
    if (played.breaches.length > 0) throw new Error(played.breaches.join('\n'));
  });
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    endOnFailure: !shrinks,
    ...(path === undefined ? {} : { path }),
  });
  if (!details.failed) return undefined;
  const [script] = details.counterexample ?? [];
  if (script === undefined) return fc.defaultReportMessage(details);
  const { breaches, trace } = await play(script, await open?.());
  return [
    `A promise was broken, with seed ${details.seed} at path ${details.counterexamplePath ?? ''}:`,
    ...breaches,
    JSON.stringify(script, null, 2),
    ...trace,
  ].join('\n');
}
