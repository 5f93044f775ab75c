import type { Log, Runtime } from '../purchases/runtime.ts';
import { ToldOnce } from '../purchases/told-once.ts';
import type { Admission } from './authenticator.ts';
import type { ApiKey, KeyStore } from './key-store.ts';

/** How soon a revoked key is refused and its sockets are closed, at the latest, while the record answers. */
export const REFRESH_MS = 2_000;
/** A key that is not known may be new: it is looked up, once for all who come within so long, and they wait for it. */
const MISS_MS = 250;
/** Without an answer of the record for so long, nobody is let in any more. */
export const STALE_MS = 15_000;

interface Held {
  readonly secretSha256: Buffer;
  readonly admission: Admission;
  readonly revoke: () => void;
}

/**
 * The keys that are valid now, read from the record again and again, so that no request waits for the record and no flood
 * of wrong keys reaches it.
 */
export class KeyRing {
  readonly #store: Pick<KeyStore, 'live'>;
  readonly #runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep'>;
  readonly #log: Pick<Log, 'warn' | 'info'>;
  readonly #closed = new AbortController();
  #held = new Map<string, Held>();
  #readAt = -Infinity;
  #triedAt = -Infinity;
  #reading: Promise<void> | undefined;
  #lookingUp: Promise<void> | undefined;
  #failing = false;
  /** One that cannot be read shuts nobody else out. */
  readonly #unreadable: ToldOnce;
  #loop: Promise<void> | undefined;

  constructor(options: {
    readonly store: Pick<KeyStore, 'live'>;
    readonly runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep'>;
    readonly log: Pick<Log, 'warn' | 'info'>;
  }) {
    this.#store = options.store;
    this.#runtime = options.runtime;
    this.#log = options.log;
    this.#unreadable = new ToldOnce((id, error) =>
      this.#log.warn({ key: `sp_${id}`, err: error }, 'a key cannot be read and lets nobody in: revoke it'),
    );
  }

  /** Reads the keys and goes on doing so. Rejects when they cannot be read the first time. */
  async start(): Promise<void> {
    await this.#read();
    this.#loop = (async () => {
      for (;;) {
        await this.#runtime.sleep(REFRESH_MS, this.#closed.signal);
        if (this.#closed.signal.aborted) return;
        await this.#refresh();
      }
    })();
  }

  async find(id: string): Promise<Held | 'unknown' | 'unavailable'> {
    const { monotonic } = this.#runtime;
    if (!this.#held.has(id)) {
      this.#lookingUp ??= this.#lookUp().finally(() => (this.#lookingUp = undefined));
      await this.#lookingUp;
    }
    if (monotonic() - this.#readAt > STALE_MS) return 'unavailable';
    return this.#held.get(id) ?? 'unknown';
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#loop;
    await this.#lookingUp;
    await this.#reading?.catch(() => undefined);
  }

  async #lookUp(): Promise<void> {
    const { monotonic, sleep } = this.#runtime;
    const wait = this.#triedAt + MISS_MS - monotonic();
    if (wait > 0) await sleep(wait, this.#closed.signal);
    // One under way may have begun before the key was made.
    await this.#reading?.catch(() => undefined);
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    try {
      await this.#read();
      if (this.#failing) this.#log.info({}, 'the keys of callers can be read again');
      this.#failing = false;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#failing) this.#log.warn({ reason }, 'the keys of callers cannot be read');
      this.#failing = true;
    }
  }

  /** One at a time: what an older read brought never replaces what a later one did. */
  #read(): Promise<void> {
    return (this.#reading ??= this.#replace().finally(() => (this.#reading = undefined)));
  }

  async #replace(): Promise<void> {
    const asOf = (this.#triedAt = this.#runtime.monotonic());
    const keys = await this.#store.live(this.#runtime.now(), this.#unreadable.tell);
    const next = new Map(keys.map((key) => [key.id, this.#held.get(key.id) ?? heldFrom(key)]));
    const gone = [...this.#held].filter(([id]) => !next.has(id));
    this.#held = next;
    // What was revoked before is not among them; what is revoked meanwhile may be.
    this.#readAt = asOf;
    for (const [, { revoke }] of gone) revoke();
  }
}

function heldFrom({ name, scopes, integration, accounts, limits, expiresAt, secretSha256 }: ApiKey): Held {
  const revoked = new AbortController();
  const caller = {
    name,
    scopes: new Set(scopes),
    integration,
    accounts: accounts && new Set(accounts),
    ...(limits && { limits }),
    ...(expiresAt && { expiresAt }),
  };
  return {
    secretSha256: Buffer.from(secretSha256, 'hex'),
    admission: { caller, revoked: revoked.signal },
    revoke: () => revoked.abort(),
  };
}
