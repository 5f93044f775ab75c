import { randomBytes } from 'node:crypto';

import { z } from 'zod';

export interface SandboxCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
  readonly orgCode: string;
}

export const demoCredentials: SandboxCredentials = {
  clientId: 'sandbox-client',
  clientSecret: 'sandbox-client-secret',
  username: 'sandbox-user',
  password: 'sandbox-user-password',
  orgCode: 'SANDBOX',
};

export interface TokenAnswer {
  readonly access_token: string;
  readonly access_in: number;
  readonly token_type: 'bearer';
  readonly refresh_token: string;
  readonly scope: 'read write';
}

const loginBody = z.object({
  client_id: z.string(),
  client_secret: z.string(),
  grant_type: z.literal('password'),
  identifier: z.string(),
  secret_pass: z.string(),
  org_code: z.string(),
  source_channel: z.string(),
});
const refreshBody = z.object({
  client_id: z.string(),
  client_secret: z.string(),
  grant_type: z.literal('refresh_token'),
  refresh_token: z.string(),
});

/** Sessions of both surfaces. Access tokens expire; a refresh token is good for one use. */
export class OAuth {
  readonly #now: () => Date;
  readonly #seconds: number;
  readonly #access = new Map<string, number>();
  readonly #refresh = new Set<string>();

  constructor(options: { now: () => Date; accessTokenSeconds: number }) {
    this.#now = options.now;
    this.#seconds = options.accessTokenSeconds;
  }

  /** Null when anything in it is wrong. */
  login(body: unknown): TokenAnswer | null {
    const parsed = loginBody.safeParse(body);
    if (!parsed.success) return null;
    const { client_id, client_secret, identifier, secret_pass, org_code } = parsed.data;
    const right =
      client_id === demoCredentials.clientId &&
      client_secret === demoCredentials.clientSecret &&
      identifier === demoCredentials.username &&
      secret_pass === demoCredentials.password &&
      org_code === demoCredentials.orgCode;
    return right ? this.#issue() : null;
  }

  refresh(body: unknown): TokenAnswer | null {
    const parsed = refreshBody.safeParse(body);
    if (!parsed.success) return null;
    const { client_id, client_secret, refresh_token } = parsed.data;
    const right = client_id === demoCredentials.clientId && client_secret === demoCredentials.clientSecret;
    return right && this.#refresh.delete(refresh_token) ? this.#issue() : null;
  }

  /** Whether it was good when the call arrived: one that is slow, or lands late, does not lose its right. */
  isValid(authorization: string | undefined, arrivedAt: Date): boolean {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    const expiry = token === undefined ? undefined : this.#access.get(token);
    return expiry !== undefined && expiry > arrivedAt.getTime();
  }

  /** Every access token is invalid from now on; refresh tokens stay good. */
  expireAccess(): void {
    const now = this.#now().getTime();
    for (const [token, expiry] of this.#access) this.#access.set(token, Math.min(expiry, now));
  }

  reset(): void {
    this.#access.clear();
    this.#refresh.clear();
  }

  #issue(): TokenAnswer {
    const access = randomBytes(24).toString('base64url');
    const refresh = randomBytes(24).toString('base64url');
    this.#access.set(access, this.#now().getTime() + this.#seconds * 1000);
    this.#refresh.add(refresh);
    return {
      access_token: access,
      access_in: this.#seconds,
      token_type: 'bearer',
      refresh_token: refresh,
      scope: 'read write',
    };
  }
}
