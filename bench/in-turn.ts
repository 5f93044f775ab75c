/** The items with their places, beginning with another one each round, so that none has always the better turn. */
export function inTurn<T>(items: readonly T[], round: number): readonly (readonly [at: number, item: T])[] {
  const all = [...items.entries()];
  const from = ((round % all.length) + all.length) % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
}
