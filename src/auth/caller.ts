export const scopes = ['accounts:read', 'purchases:read', 'purchases:write', 'tokens:read'] as const;
/** What a caller may do here. */
export type Scope = (typeof scopes)[number];

/** How much a caller may spend: exact decimal text, such as `500.00`, in the currency of the account that is debited. */
export interface CallerLimits {
  readonly perPurchase?: string;
  readonly perDay?: string;
}

/** Who is calling, as its token or key says. */
export interface Caller {
  /** Who it is, for the log and the audit: the token's `sub`, the key's name. No secret. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The name of the integration that it belongs to; undefined when its token or key names none. */
  readonly integration: string | undefined;
  /** The only accounts that it may see and debit; undefined when its token or key names none: all of its integration. */
  readonly accounts: ReadonlySet<number> | undefined;
  readonly limits?: CallerLimits;
  /** From then on it is nobody; undefined when its token or key does not expire. */
  readonly expiresAt?: Date;
}

/** AUTH_MODE=none: whoever reaches the loopback address may do everything. */
export const localCaller: Caller = {
  name: 'local',
  scopes: new Set(scopes),
  integration: undefined,
  accounts: undefined,
};
