import type { Decimal } from 'decimal.js';
import { v7 as uuid } from 'uuid';

import { need } from './assumption.ts';
import { amountIn, chargeOf } from './amounts.ts';
import { CURRENCY, meters, type PurchaseName, type Trial } from './purchases.ts';
import {
  accountsPath,
  at,
  productsPath,
  type Dialect,
  type Endpoint,
  type Surface,
  type Want,
} from './surfaces.ts';
import type { Debit, Walk } from './walk.ts';
import { NoAnswer, said, type Question, type Reply } from './wire.ts';

export interface Account {
  readonly id: number;
  readonly currency: string;
  readonly category: string | undefined;
}

/** What came of one trial purchase. */
export interface Bought {
  readonly trial: Trial;
  readonly want: Want & { readonly reference: string };
  /** The last answer that told of it: the confirm's, or a retry's when the confirm left it open. */
  readonly reply: Reply;
  /** By how much the balance fell; undefined when it could not be read. */
  readonly fell: Decimal | undefined;
}

/** A question, and by how much the balance fell meanwhile. */
export interface Watched {
  readonly reply: Reply;
  readonly fell: Decimal | undefined;
}

/** How a session lives and ends, played once with a session of its own. */
export interface SessionStory {
  readonly second: Reply;
  /** With the first session, after the second login. */
  readonly firstStill: Reply;
  readonly refreshed: Reply;
  /** With the token from before the refresh. */
  readonly oldStill: Reply;
  readonly reused: Reply;
  readonly logout: Reply;
}

const MOST_POLLS = 5;
/** 4xx that do not say what became of the request. */
const UNDECIDED = [408, 409, 425, 429];
/** Trouble of the moment, which says nothing of the contract: asked again, but never a confirm. */
const TROUBLE = [429, 502, 503, 504];
const MOST_REPETITIONS = 3;
/** A session older than so much of its life is not begun a call with. */
const RENEW_AT = 0.8;
/** Of no account: ids are positive. */
export const STRANGE_ACCOUNT = 1;
export const BAD_TOKEN = 'no-such-token';

/** One surface, walked: every answer that more than one assumption looks at is asked for once. */
export class Side {
  readonly dialect: Dialect;
  readonly walk: Walk;
  readonly #replies = new Map<string, Promise<Reply>>();
  readonly #bought = new Map<PurchaseName, Promise<Bought>>();
  readonly #asked = new Map<PurchaseName, Promise<Watched>>();
  #story: Promise<SessionStory> | undefined;
  #token: string | undefined;
  #renewAt = Infinity;
  /** The trials that a person agreed to. */
  #agreed = new Map<PurchaseName, Trial>();
  /** Why a trial that was wanted is not bought. */
  readonly #dropped = new Map<PurchaseName, string>();

  constructor(dialect: Dialect, walk: Walk) {
    this.dialect = dialect;
    this.walk = walk;
  }

  get surface(): Surface {
    return this.dialect.surface;
  }

  // ------------------------------------------------------------------ sessions

  login(): Promise<Reply> {
    return this.#once('login', async () => {
      const reply = await this.#logIn();
      this.#use(reply);
      return reply;
    });
  }

  /** Plays the story; the run's own session is good again after it, whatever the story did to it. */
  story(): Promise<SessionStory> {
    return (this.#story ??= this.#play());
  }

  async #play(): Promise<SessionStory> {
    const first = await this.#session();
    const second = await this.#logIn();
    const old = tokenIn(second, 'access_token');
    const ticket = tokenIn(second, 'refresh_token');
    need(old !== undefined && ticket !== undefined, `the second login gave no tokens: ${said(second)}`);
    const firstStill = await this.get('me', this.dialect.paths.me, { token: first });
    const refreshed = await this.#refresh(ticket);
    const oldStill = await this.get('me', this.dialect.paths.me, { token: old });
    const reused = await this.#refresh(ticket);
    const token = tokenIn(refreshed, 'access_token') ?? old;
    const logout = await this.#ask({
      endpoint: 'logout',
      method: 'DELETE',
      path: this.dialect.paths.logout,
      token,
    });
    const own = await this.get('me', this.dialect.paths.me, { token: first });
    if (own.status === 401) this.#use(await this.#logIn());
    return { second, firstStill, refreshed, oldStill, reused, logout };
  }

  async #session(): Promise<string> {
    const reply = await this.login();
    if (this.walk.now().getTime() > this.#renewAt) this.#use(await this.#logIn());
    need(this.#token !== undefined, `there is no session: ${said(reply)}`);
    return this.#token;
  }

  #use(login: Reply): void {
    const seconds = Number(at(login.json, 'access_in'));
    this.#token = tokenIn(login, 'access_token');
    this.#renewAt = seconds > 0 ? this.walk.now().getTime() + seconds * 1000 * RENEW_AT : Infinity;
  }

  #logIn(): Promise<Reply> {
    const { credentials } = this.walk.settings;
    return this.#ask({
      endpoint: 'login',
      method: 'POST',
      path: this.dialect.paths.login,
      body: {
        client_id: credentials.clientId,
        client_secret: credentials.clientSecret,
        grant_type: 'password',
        identifier: credentials.username,
        secret_pass: credentials.password,
        org_code: credentials.orgCode,
        source_channel: 'WEB',
      },
    });
  }

  #refresh(refreshToken: string): Promise<Reply> {
    const { clientId: client_id, clientSecret: client_secret } = this.walk.settings.credentials;
    const grant = { grant_type: 'refresh_token', refresh_token: refreshToken };
    return this.#ask({
      endpoint: 'refresh',
      method: 'POST',
      path: this.dialect.paths.refresh,
      body: {
        ...{ client_id, client_secret, ...grant },
        ...(this.surface === 'current' ? { source_channel: 'WEB' } : {}),
      },
    });
  }

  // ------------------------------------------------------------------ reads

  me(): Promise<Reply> {
    return this.#once('me', () => this.get('me', this.dialect.paths.me));
  }

  accounts(): Promise<Reply> {
    return this.#once('accounts', () => this.get('accounts', accountsPath));
  }

  account(id: number): Promise<Reply> {
    return this.#once(`account ${id}`, () => this.get('account', `${accountsPath}/${id}`));
  }

  products(): Promise<Reply> {
    return this.#once('products', () => this.get('products', productsPath));
  }

  async get(
    endpoint: Endpoint,
    path: string,
    options: { token?: string; requestId?: string | null } = {},
  ): Promise<Reply> {
    const token = options.token ?? (await this.#session());
    return this.#ask({ endpoint, method: 'GET', path, ...options, token });
  }

  /** The accounts, read tolerantly. */
  async accountList(): Promise<readonly Account[]> {
    const { json } = this.surface === 'v1' ? await this.accounts() : await this.me();
    return accountsIn(this.surface === 'v1' ? json : at(json, 'accounts'));
  }

  /** The account to debit. */
  async wallet(): Promise<number> {
    const { accountId } = this.walk.settings;
    if (accountId !== undefined) return accountId;
    const accounts = (await this.accountList()).filter(({ currency }) => currency === CURRENCY);
    const wallet = accounts.find(({ category }) => category === 'CURRENT') ?? accounts[0];
    need(wallet !== undefined, `no account in ${CURRENCY} can be found; name one by --account`);
    return wallet.id;
  }

  /** v1 only. */
  async balance(accountId: number): Promise<Decimal | undefined> {
    const { json } = await this.get('accounts', accountsPath);
    if (!Array.isArray(json)) return undefined;
    return amountIn(
      at(
        json.find((one: unknown) => Number(at(one, 'id')) === accountId),
        'balance',
      ),
    );
  }

  // ------------------------------------------------------------------ purchases

  async want(change: Partial<Want> = {}): Promise<Want> {
    const { amount, phone } = this.walk.settings;
    const accountId = await this.wallet();
    const electricity = { product: 'ELECTRICITY', provider: 'BPC', subscriber: meters.happy } as const;
    return { ...electricity, amount, currency: CURRENCY, accountId, phone, onTop: true, ...change };
  }

  /** Asked for once for each difference from the happy path; `raw` replaces fields of the wire. */
  validate(change: Partial<Want> = {}, raw: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    // A field that is left out is another question than one that is as usual.
    const key = JSON.stringify([change, raw], (_, value: unknown) => (value === undefined ? null : value));
    return this.#once(`validate ${key}`, async () => {
      const body = { ...this.dialect.purchase(await this.want(change), this.walk.now()), ...raw };
      return this.#post('validate', body);
    });
  }

  validateTrial({ subscriber, product, provider, amount }: Trial): Promise<Reply> {
    const isHappy = subscriber === meters.happy && amount === this.walk.settings.amount;
    return this.validate(isHappy ? {} : { subscriber, product, provider, amount });
  }

  /** The balance before and after one validate of its own. */
  async watchValidate(): Promise<Watched> {
    const accountId = await this.wallet();
    const body = this.dialect.purchase(await this.want(), this.walk.now());
    return this.#watched(accountId, () => this.#post('validate', body));
  }

  /** The person agreed to this trial: it may be bought, once. */
  agree(trial: Trial): void {
    this.#agreed.set(trial.name, trial);
  }

  drop(name: PurchaseName, why: string): void {
    this.#dropped.set(name, why);
  }

  /** Buys the trial when it is first asked for; never a second time. */
  async bought(name: PurchaseName): Promise<Bought> {
    const trial = this.#agreed.get(name);
    const why = this.#dropped.get(name) ?? `the purchase "${name}" was not agreed to`;
    need(trial !== undefined && this.#dropped.get(name) === undefined, why);
    const known = this.#bought.get(name);
    if (known !== undefined) return known;
    need(!this.walk.stop.aborted, 'the run was interrupted');
    const buying = this.#buy(trial);
    this.#bought.set(name, buying);
    return buying;
  }

  /** Asks what became of the trial, once. */
  async askedAbout(name: PurchaseName): Promise<Watched> {
    const { want } = await this.bought(name);
    const known = this.#asked.get(name);
    if (known !== undefined) return known;
    const asking = this.#watched(want.accountId, () => this.retry(want.reference));
    this.#asked.set(name, asking);
    return asking;
  }

  /** Sends the trial's confirm a second time, under its reference: it may be debited again. */
  async again(name: PurchaseName): Promise<Watched> {
    const { want, trial } = await this.bought(name);
    need(trial.times === 2, `the purchase "${name}" was agreed to once only`);
    need(!this.walk.stop.aborted, 'the run was interrupted');
    const debit = this.#debit(trial, want);
    return this.#watched(want.accountId, async () => {
      const reply = await this.#confirm(want, debit);
      this.#tellOutcome(debit, reply);
      return reply;
    });
  }

  retry(reference: string): Promise<Reply> {
    return this.#post('retry', { external_reference: reference, source_channel: 'WEB', language: 'en-BW' });
  }

  retryUnknown(): Promise<Reply> {
    return this.#once('retry unknown', () => this.retry(newReference()));
  }

  statusOf({ json }: Reply): string | undefined {
    const status = at(json, this.dialect.places.status);
    return typeof status === 'string' ? status.toUpperCase() : undefined;
  }

  async #buy(trial: Trial): Promise<Bought> {
    const { subscriber, product, provider, amount } = trial;
    const change = { subscriber, product, provider, amount, reference: newReference() };
    const want = { ...(await this.want(change)), reference: change.reference };
    const debit = this.#debit(trial, want);
    let confirmed: Reply | undefined;
    const { reply, fell } = await this.#watched(want.accountId, async () => {
      confirmed = await this.#confirm(want, debit).catch((error: unknown) => {
        // It may have been bought: only a retry may be sent now.
        if (error instanceof NoAnswer && error.maybeSent) return undefined;
        debit.outcome = 'NOT_SENT';
        throw error;
      });
      return this.#settled(want.reference, confirmed);
    });
    // A retry that does not know it says nothing of a confirm that may still be under way.
    const isUnknown = reply !== confirmed && reply.status === 404;
    need(!isUnknown, `the confirm of ${want.reference} was not answered, and retry does not know it`);
    this.#tellOutcome(debit, reply);
    return { trial, want, reply, fell };
  }

  /** The answer when it tells an outcome; else retry's, until one does. */
  async #settled(reference: string, confirmed: Reply | undefined): Promise<Reply> {
    let reply = confirmed;
    for (let polls = 0; polls < MOST_POLLS && (reply === undefined || this.#isOpen(reply)); polls += 1) {
      await this.walk.pause();
      reply = await this.retry(reference);
    }
    need(reply !== undefined, `what became of ${reference} could not be found out`);
    return reply;
  }

  /** It does not say what became of the purchase. */
  #isOpen(reply: Reply): boolean {
    return reply.status >= 500 || UNDECIDED.includes(reply.status) || this.statusOf(reply) === 'PENDING';
  }

  #confirm(want: Want, debit: Debit): Promise<Reply> {
    // Told before it is sent: whatever ends the run, the reference has been seen.
    this.walk.tell(
      `Confirming ${debit.reference} on ${this.dialect.title}: BWP ${debit.amount}, ${debit.subscriber}`,
    );
    return this.#post('confirm', this.dialect.purchase(want, this.walk.now()));
  }

  #debit({ name }: Trial, { reference, product, subscriber, amount }: Want & { reference: string }): Debit {
    const shown = product === 'AIRTIME' ? `…${subscriber.slice(-4)}` : subscriber;
    if (product === 'AIRTIME') this.walk.secrets.add(subscriber);
    const debit: Debit = {
      ...{ surface: this.surface, name, reference, subscriber: shown, amount: amount.toFixed(2) },
      ...{ outcome: 'SENT', total: null, theirs: null },
    };
    this.walk.debits.push(debit);
    return debit;
  }

  #tellOutcome(debit: Debit, reply: Reply): void {
    const { json, status } = reply;
    const theirs = at(json, this.dialect.places.reference);
    if (typeof theirs === 'string') debit.theirs = theirs;
    const told = this.statusOf(reply);
    if (status >= 400 && status < 500 && !UNDECIDED.includes(status)) debit.outcome = 'REFUSED';
    else if (told === 'SUCCESS') debit.outcome = 'BOUGHT';
    else if (told === 'FAILED') debit.outcome = 'REFUSED';
    else if (told === 'PENDING') debit.outcome = 'PENDING';
    if (debit.outcome === 'BOUGHT') debit.total = chargeOf(json, 'total')?.toFixed(2) ?? null;
  }

  async #watched(accountId: number, question: () => Promise<Reply>): Promise<Watched> {
    const before = await this.walk.balance(accountId);
    const reply = await question();
    const after = await this.walk.balance(accountId);
    return { reply, fell: before && after && before.sub(after) };
  }

  async #post(endpoint: 'validate' | 'confirm' | 'retry', body: object): Promise<Reply> {
    const token = await this.#session();
    return this.#ask({ endpoint, method: 'POST', path: this.dialect.paths[endpoint], body, token });
  }

  async #ask(question: Omit<Question, 'surface'>): Promise<Reply> {
    for (let times = 1; ; times += 1) {
      const reply = await this.walk.wire.ask({ surface: this.surface, ...question });
      if (question.endpoint === 'confirm' || !TROUBLE.includes(reply.status)) return reply;
      need(times < MOST_REPETITIONS, `${question.method} ${question.path}: ${said(reply)}, ${times} times`);
      await this.walk.pause(Number(reply.header('retry-after')) * 1000);
    }
  }

  #once(key: string, ask: () => Promise<Reply>): Promise<Reply> {
    const known = this.#replies.get(key);
    if (known !== undefined) return known;
    const asking = ask();
    this.#replies.set(key, asking);
    return asking;
  }
}

/** As long as the gateway's own, so that what is cut off there is cut off here. */
function newReference(): string {
  return `PB-${uuid()}`;
}

function tokenIn({ json }: Reply, name: 'access_token' | 'refresh_token'): string | undefined {
  const token = at(json, name);
  return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}

export function accountsIn(list: unknown): readonly Account[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: unknown) => {
    const id = Number(at(one, 'id'));
    const category = at(one, 'category');
    if (!Number.isInteger(id) || id <= 0) return [];
    return [
      {
        id,
        currency: String(at(one, 'currency')),
        category: typeof category === 'string' ? category : undefined,
      },
    ];
  });
}
