/** An event loop that has nothing else to do turns in no time; one that is busy has enough of them by then. */
const MOST_TURNS = 4;

/**
 * Waits for those who are about to come: until so many turns of the event loop in a row have brought nobody, and four
 * turns at most. `count` tells how many have come so far.
 */
export async function gather(options: {
  readonly turn: () => Promise<unknown>;
  readonly count: () => number;
  readonly quietTurns: number;
}): Promise<void> {
  const { turn, count, quietTurns } = options;
  for (let turns = 0, quiet = 0; turns < MOST_TURNS && quiet < quietTurns; turns += 1) {
    const before = count();
    await turn();
    quiet = count() === before ? quiet + 1 : 0;
  }
}
