import { setTimeout as sleep } from 'node:timers/promises';

import type { Decimal } from 'decimal.js';

import { Names } from './names.ts';
import type { PurchaseName, TrialSettings } from './purchases.ts';
import { Secrets } from './show.ts';
import { Side } from './side.ts';
import { at, dialects, type Surface } from './surfaces.ts';
import { Wire, type Reply } from './wire.ts';

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
  readonly orgCode: string;
}

export interface WalkSettings extends TrialSettings {
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly confirmTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** Between two questions about a purchase whose outcome is awaited. */
  readonly pollMs: number;
  /** The account to debit; undefined: the first wallet. */
  readonly accountId: number | undefined;
  /** Digits, without a plus. */
  readonly phone: string;
}

/** A confirm that was sent, and what is known of it. */
export interface Debit {
  readonly surface: Surface;
  readonly name: PurchaseName;
  readonly reference: string;
  readonly subscriber: string;
  readonly amount: string;
  /** SENT: it was interrupted, or nobody could find out. */
  outcome: 'SENT' | 'BOUGHT' | 'REFUSED' | 'PENDING' | 'NOT_SENT';
  total: string | null;
  /** ScratchPower's own reference. */
  theirs: string | null;
}

export interface WalkOptions {
  readonly settings: WalkSettings;
  readonly stop: AbortSignal;
  readonly now: () => Date;
  /** Tells the person at the terminal, at once. */
  readonly tell: (line: string) => void;
}

const LONGEST_PAUSE_MS = 30_000;

/** One run on one environment: both surfaces, what was asked and what was debited. */
export class Walk {
  readonly settings: WalkSettings;
  readonly now: () => Date;
  readonly stop: AbortSignal;
  readonly tell: (line: string) => void;
  readonly wire: Wire;
  readonly names = new Names();
  readonly secrets = new Secrets();
  readonly debits: Debit[] = [];
  /** v1's answers that had no X-Request-Id though one was sent, as "method path". */
  readonly withoutRequestId: string[] = [];
  readonly #sides: Readonly<Record<Surface, Side>>;

  constructor({ settings, stop, now, tell }: WalkOptions) {
    this.settings = settings;
    this.stop = stop;
    this.now = now;
    this.tell = tell;
    this.secrets.add(settings.credentials.clientSecret, settings.credentials.password, settings.phone);
    this.wire = new Wire({ ...settings, stop, observe: (reply) => this.#observe(reply) });
    this.#sides = { v1: new Side(dialects.v1, this), current: new Side(dialects.current, this) };
  }

  on(surface: Surface): Side {
    return this.#sides[surface];
  }

  /** What v1 says that the account holds now; Current tells no balance. Undefined when it cannot be read. */
  async balance(accountId: number): Promise<Decimal | undefined> {
    return this.on('v1')
      .balance(accountId)
      .catch(() => undefined);
  }

  /** As long as was asked for, at most a while; by default as between two questions. */
  async pause(askedForMs = NaN): Promise<void> {
    const ms = askedForMs > 0 ? Math.min(askedForMs, LONGEST_PAUSE_MS) : this.settings.pollMs;
    await sleep(ms, undefined, { signal: this.stop }).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.wire.close();
  }

  #observe(reply: Reply): void {
    this.names.observe(reply);
    const { surface, method, path } = reply.question;
    const lacksOne = reply.requestId !== null && reply.header('x-request-id') === undefined;
    if (surface === 'v1' && lacksOne) this.withoutRequestId.push(`${method} ${path}`);
    for (const name of ['access_token', 'refresh_token', 'token', 'transaction.token']) {
      const secret = at(reply.json, name);
      if (typeof secret === 'string') this.secrets.add(secret, ...secret.split('|'));
    }
  }
}
