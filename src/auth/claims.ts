import { z } from 'zod';

import type { Refusal } from './authenticator.ts';
import { scopes, type Caller, type CallerLimits, type Scope } from './caller.ts';

/** Which claims tell what. Each is the name of a claim as it is, be it an address with dots and slashes. */
export interface ClaimNames {
  readonly integration: string;
  readonly accounts: string;
  readonly limits: string;
}

/** By which of them an issuer tells scopes: RFC 9068, and what others use. The first that is there counts. */
const SCOPE_CLAIMS = ['scope', 'scp', 'scopes'] as const;

/** What goes into logs and the audit: no control characters, no invisible ones. */
const name = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{C}]+$/u);
const scopeList = z.union([
  z
    .string()
    .max(4_096)
    .transform((text) => text.split(' ')),
  z.array(z.string().max(255)).max(255),
]);
const accountList = z
  .array(
    z.union([
      z.int().positive(),
      z
        .string()
        .regex(/^[1-9]\d{0,14}$/)
        .transform(Number),
    ]),
  )
  .max(10_000);
/** Exact text, or a whole number: one with a fraction has lost digits before it arrives. */
const amount = z.union([
  z.string().regex(/^\d{1,12}(\.\d{1,4})?$/),
  z
    .int()
    .nonnegative()
    .transform((whole) => String(whole)),
]);
/** Strict: a misspelt limit would be none. */
const limitsClaim = z.strictObject({ per_purchase: amount.optional(), per_day: amount.optional() });

/**
 * Reads a caller from the claims of a verified token. What is there and cannot be read refuses the whole token: it was
 * meant to restrict. `expiresAt` is from when on the token is not accepted any more.
 */
export function callerOf(
  claims: Readonly<Record<string, unknown>>,
  names: ClaimNames,
  expiresAt: Date,
): Caller | Refusal {
  const faults: string[] = [];
  const read = <T>(claim: string, model: z.ZodType<T>): T | undefined => {
    if (!Object.hasOwn(claims, claim)) return undefined;
    const parsed = model.safeParse(claims[claim]);
    if (!parsed.success) faults.push(claim);
    return parsed.data;
  };
  const scopeClaim = SCOPE_CLAIMS.find((claim) => Object.hasOwn(claims, claim)) ?? 'scope';
  const subject = read('sub', name);
  const granted = read(scopeClaim, scopeList) ?? [];
  const integration = read(names.integration, name);
  const accounts = read(names.accounts, accountList);
  const limits = read(names.limits, limitsClaim);
  const [fault] = faults;
  if (fault !== undefined) return { refused: 'invalid', message: `The claim ${fault} cannot be read.` };
  if (subject === undefined) return { refused: 'invalid', message: 'The token lacks the claim sub.' };
  return {
    name: subject,
    scopes: new Set(granted.filter(isScope)),
    integration,
    accounts: accounts && new Set(accounts),
    ...(limits && { limits: limitsOf(limits) }),
    expiresAt,
  };
}

function limitsOf({ per_purchase, per_day }: z.output<typeof limitsClaim>): CallerLimits {
  return {
    ...(per_purchase !== undefined && { perPurchase: per_purchase }),
    ...(per_day !== undefined && { perDay: per_day }),
  };
}

export function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text);
}
