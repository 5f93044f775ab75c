import { z } from 'zod';

import { problem, ProblemError, type Problem } from '../purchases/problem.ts';
import type { RawAnswer } from '../purchases/purchase.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { Sent } from '../purchases/vending.ts';
import { parseJson } from './json.ts';
import { answerOf, unreadable, type Carrier } from './transport.ts';

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
  readonly orgCode: string;
}

export type Renewal = 'login' | 'refresh';

export interface SessionOptions {
  readonly transport: Pick<Carrier, 'exchange'>;
  readonly credentials: Credentials;
  readonly runtime: Runtime;
  readonly timeoutMs: number;
  /** Of login and refresh. */
  readonly paths: Readonly<Record<Renewal, string>>;
  /** The surface's reading of a refusal. */
  readonly refusal: (answer: RawAnswer, requestId: string) => ProblemError;
  readonly onRenewal?: ((how: Renewal, problem: Problem | undefined) => void) | undefined;
}

interface Tokens {
  readonly access: string;
  /** Null once it was sent: a refresh token is good for one use. */
  refresh: string | null;
  /** On the steady clock. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** Both surfaces answer login and refresh alike. [D] */
const tokenAnswer = z.object({
  /** Of what a header can carry: with anything else nothing could be sent until it expires. */
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  /** Seconds. */
  access_in: z.coerce.number().positive(),
  refresh_token: z.string().min(1).nullish(),
});

/** A session is renewed in the last fifth of its life, at a random moment, so that many gateways do not come at once. */
const RENEW_FROM = 0.8;
const RENEW_TO = 0.95;
/** After refused credentials, so that the account is not locked. */
const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 30_000;

/** One surface's OAuth session: one login however many callers wait for it. */
export class Session {
  readonly #options: SessionOptions;
  #tokens: Tokens | undefined;
  #renewing: Promise<Tokens> | undefined;
  #refused: { error: ProblemError; until: number; backOffMs: number } | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Sends with a valid session; a 401 is answered by one new session and one repetition: it was not processed. */
  async send(sendWith: (accessToken: string) => Promise<Sent>): Promise<Sent> {
    const tokens = this.#fresh ?? (await this.#valid());
    const sent = await sendWith(tokens.access);
    if (sent.kind !== 'ANSWERED' || sent.answer.status !== 401) return sent;
    // Of many that were refused with one session, the first makes the new one.
    if (this.#tokens === tokens) this.#tokens = undefined;
    const renewed = await this.#valid();
    return sendWith(renewed.access);
  }

  /** Whether there is one that is good now. */
  get isThere(): boolean {
    return this.#tokens !== undefined && this.#options.runtime.monotonic() < this.#tokens.expiresAt;
  }

  /** Resolves when there is a session; throws a `ProblemError` when there can be none now. */
  async ready(): Promise<void> {
    await this.#valid();
  }

  /** The tokens, while nothing has to be done about them. */
  get #fresh(): Tokens | undefined {
    const tokens = this.#tokens;
    return tokens !== undefined && this.#options.runtime.monotonic() < tokens.renewAt ? tokens : undefined;
  }

  async #valid(): Promise<Tokens> {
    const fresh = this.#fresh;
    if (fresh !== undefined) return fresh;
    const now = this.#options.runtime.monotonic();
    const tokens = this.#tokens;
    const renewed = this.#renew();
    // While the old one is good, nobody waits for the new one.
    if (tokens !== undefined && now < tokens.expiresAt) {
      renewed.catch(() => undefined);
      return tokens;
    }
    return renewed;
  }

  #renew(): Promise<Tokens> {
    this.#renewing ??= this.#obtain()
      .then((tokens) => (this.#tokens = tokens))
      .finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #obtain(): Promise<Tokens> {
    const { runtime } = this.#options;
    if (this.#refused !== undefined && runtime.monotonic() < this.#refused.until) throw this.#refused.error;
    const refresh = this.#tokens?.refresh ?? null;
    if (this.#tokens !== undefined) this.#tokens.refresh = null;
    if (refresh !== null) {
      const { clientId: client_id, clientSecret: client_secret } = this.#options.credentials;
      const body = {
        client_id,
        client_secret,
        grant_type: 'refresh_token',
        refresh_token: refresh,
        source_channel: 'WEB',
      };
      const tokens = await this.#ask('refresh', body).catch(() => undefined);
      if (tokens !== undefined) return tokens;
    }
    return this.#login();
  }

  async #login(): Promise<Tokens> {
    const { credentials, runtime } = this.#options;
    try {
      const tokens = await this.#ask('login', {
        client_id: credentials.clientId,
        client_secret: credentials.clientSecret,
        grant_type: 'password',
        identifier: credentials.username,
        secret_pass: credentials.password,
        org_code: credentials.orgCode,
        source_channel: 'WEB',
      });
      this.#refused = undefined;
      return tokens;
    } catch (error) {
      if (error instanceof ProblemError && error.problem.type === 'AUTHENTICATION') {
        const backOffMs = Math.min((this.#refused?.backOffMs ?? FIRST_BACK_OFF_MS / 2) * 2, MAX_BACK_OFF_MS);
        this.#refused = { error, until: runtime.monotonic() + backOffMs, backOffMs };
      }
      throw error;
    }
  }

  async #ask(endpoint: Renewal, body: object): Promise<Tokens> {
    try {
      const tokens = await this.#tokensOf(endpoint, body);
      this.#options.onRenewal?.(endpoint, undefined);
      return tokens;
    } catch (error) {
      if (error instanceof ProblemError) this.#options.onRenewal?.(endpoint, error.problem);
      throw error;
    }
  }

  async #tokensOf(endpoint: Renewal, body: object): Promise<Tokens> {
    const { transport, runtime, timeoutMs, paths, refusal } = this.#options;
    const startedAt = runtime.monotonic();
    const requestId = runtime.id(runtime.now());
    const exchange = {
      endpoint,
      method: 'POST',
      path: paths[endpoint],
      requestId,
      timeoutMs,
      body: JSON.stringify(body),
    } as const;
    const answer = answerOf(await transport.exchange(exchange));
    if (answer.status >= 300) throw refusal(answer, requestId);
    const parsed = tokenAnswer.safeParse(answer.complete ? parseJson(answer.body) : undefined);
    if (!parsed.success) throw new ProblemError(unreadable(requestId));
    const { access_token, access_in, refresh_token } = parsed.data;
    const lifeMs = access_in * 1000;
    const renewPart = RENEW_FROM + runtime.random() * (RENEW_TO - RENEW_FROM);
    return {
      access: access_token,
      refresh: refresh_token ?? null,
      renewAt: startedAt + lifeMs * renewPart,
      expiresAt: startedAt + lifeMs,
    };
  }
}

/** The upstream does not accept our credentials: nothing a customer can mend. */
export function credentialsRefused(code: string, requestId: string | null): ProblemError {
  const message = 'The provider does not accept the gateway’s credentials.';
  return new ProblemError(problem({ type: 'AUTHENTICATION', code, message, requestId }));
}
