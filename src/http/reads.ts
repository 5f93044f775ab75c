import type { Surface } from '../purchases/catalogue.ts';
import type { Leaving } from '../purchases/leaving.ts';
import type { Domain } from '../schema/context.ts';

type Catalogue = Domain['catalogue'];

/** One thing that was read of the upstream, and what it was. An answer of the same bytes is the same object. */
interface Read {
  readonly what: 'identity' | 'accounts' | 'products';
  readonly surface: Surface;
  readonly value: unknown;
}

/** All that an execution has read, if that was of the upstream alone. */
export type AllReads = readonly Read[];

interface Asker {
  readonly signal: Leaving;
  readonly requestId: string;
}

/** What one execution reads of the upstream: each thing once. */
export class Reads {
  readonly #domain: Domain;
  readonly #asker: Asker;
  readonly #asked = new Map<string, Omit<Read, 'value'> & { readonly answer: Promise<unknown> }>();
  #isAll = true;

  constructor(domain: Domain, asker: Asker) {
    this.#domain = domain;
    this.#asker = asker;
  }

  /** Reads the same again, all at once: whether each is still what it was. Nothing of it is read a second time after that. */
  async areStill(known: AllReads): Promise<boolean> {
    const answers = known.map(({ what, surface }) => this.#read(what, surface));
    // None may fail with nobody looking while another is waited for.
    for (const answer of answers.slice(1)) answer.catch(() => undefined);
    let same = true;
    for (const [at, answer] of answers.entries()) {
      try {
        same = (await answer) === known[at]?.value && same;
      } catch {
        same = false;
      }
    }
    return same;
  }

  /** The domain through which the execution reads. */
  domain(): Domain {
    const whole = this.#domain;
    const more = <K extends 'purchases' | 'feed' | 'journal'>(part: K): Domain[K] => {
      this.#isAll = false;
      return whole[part];
    };
    const { defaultSurface } = whole.catalogue;
    const read = <K extends Read['what']>(what: K, surface = defaultSurface) =>
      this.#read(what, surface) as ReturnType<Catalogue[K]>;
    return {
      catalogue: {
        defaultSurface,
        identity: () => read('identity'),
        accounts: (_signal, surface) => read('accounts', surface),
        products: (_signal, surface) => read('products', surface),
      },
      get purchases() {
        return more('purchases');
      },
      get feed() {
        return more('feed');
      },
      get journal() {
        return more('journal');
      },
    };
  }

  /** Once it is executed: all that was read; undefined when there was something else, or something failed. */
  async all(): Promise<AllReads | undefined> {
    if (!this.#isAll) return undefined;
    try {
      return await Promise.all(
        [...this.#asked.values()].map(async ({ what, surface, answer }) => ({
          ...{ what, surface },
          value: await answer,
        })),
      );
    } catch {
      return undefined;
    }
  }

  #read(what: Read['what'], surface: Surface): Promise<unknown> {
    const key = `${what} ${surface}`;
    let asked = this.#asked.get(key);
    if (asked === undefined) {
      const { catalogue } = this.#domain;
      const { signal, requestId } = this.#asker;
      const answer =
        what === 'identity'
          ? catalogue.identity(signal, requestId)
          : catalogue[what](signal, surface, requestId);
      this.#asked.set(key, (asked = { what, surface, answer }));
    }
    return asked.answer;
  }
}
