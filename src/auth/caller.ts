export const scopes = ['accounts:read', 'purchases:read', 'purchases:write', 'tokens:read'] as const;
/** What a caller may do here. */
export type Scope = (typeof scopes)[number];

/** Who is calling. */
export interface Caller {
  /** A name for the log; no secret. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** AUTH_MODE=none: whoever reaches the loopback address may do everything. */
export const localCaller: Caller = { name: 'local', scopes: new Set(scopes) };
