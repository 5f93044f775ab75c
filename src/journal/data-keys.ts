import type { Seal, DataKey } from './seal.ts';
import { sealWith } from './seal.ts';
import type { Store } from './store.ts';

/** Sealed under each key that the record knows, to find out whether a key of that name is the same. */
const PROOF = 'this is the key';

/** What stands beside the name of a key, closed for this place. */
const placeOf = (id: string) => `key ${id}`;

/**
 * How a record is sealed. Throws, with the remedy, when the record lies sealed under a key that is not among these, or
 * under another of that name; the current one is entered when it is new and the record may be written.
 */
export async function openSeal(store: Store, keys: readonly DataKey[]): Promise<Seal> {
  const seal = sealWith(keys);
  const known = await store.db.selectFrom('data_keys').selectAll().orderBy('id').execute();
  for (const { id, proof } of known) {
    if (!keys.some((key) => key.id === id)) {
      const why =
        keys.length === 0
          ? 'and DATA_KEYS names none'
          : `which DATA_KEYS lacks: it names ${keys.map((key) => key.id).join(', ')}`;
      throw new Error(`it is sealed under the key ${id}, ${why}. Add that key to DATA_KEYS.`);
    }
    try {
      seal.open(placeOf(id), proof);
    } catch {
      throw new Error(`it is sealed under another key of the name ${id}. Correct that key in DATA_KEYS.`);
    }
  }
  const { current } = seal;
  if (current !== null && !known.some(({ id }) => id === current)) {
    const proof = seal.close(placeOf(current), PROOF);
    await store.write(({ db }) =>
      db
        .insertInto('data_keys')
        .values({ id: current, proof })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute(),
    );
  }
  return seal;
}
