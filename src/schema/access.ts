import { AuthScopeFailureType, type AuthFailure } from '@pothos/plugin-scope-auth';
import { GraphQLError } from 'graphql';

import { scopes, type Caller, type Scope } from '../auth/caller.ts';

/** What a rule may ask for: to have been let in at all, or a scope. */
export type Grant = 'authenticated' | Scope;

/** Who is here has been let in: the entrances see to that. */
export function grantsOf({ scopes: own }: Caller): Record<Grant, boolean> {
  return {
    authenticated: true,
    'accounts:read': own.has('accounts:read'),
    'purchases:read': own.has('purchases:read'),
    'purchases:write': own.has('purchases:write'),
    'tokens:read': own.has('tokens:read'),
  };
}

type Grants = Partial<Record<Grant, true>>;
export type Rule = Grants | { readonly $any: Grants };

/**
 * The rules, as the fields and types name them. A field of Query, Mutation and Subscription has its own. Any other field
 * has that of its type, and its own besides where it leads to something else.
 */
export const rules = {
  /** Whoever was let in. */
  anyone: { authenticated: true },
  readAccounts: { 'accounts:read': true },
  readPurchases: { 'purchases:read': true },
  buy: { 'purchases:write': true },
  /**
   * For the types Purchase and Quote. A list, a node or an event of purchases asks for `purchases:read` where it is asked
   * for; a mutation gives who may buy the purchase or the quote that it has made.
   */
  readOrBuy: { $any: { 'purchases:read': true, 'purchases:write': true } },
  readTokens: { 'tokens:read': true },
} as const;

/**
 * The rule of a type that is a part of something else: whoever may see that may see this. Said in so many words, for a
 * type without a rule is refused, and not asked for again with each of a thousand amounts.
 */
export const reached = { reachedBy: 'what it is a part of' } as const;

/**
 * The rule of a type, for its `extensions`. It is not asked when one comes along, but of whoever asks for one: each field
 * that leads to the type must ask for as much, itself or by its own type's rule, or the schema is not served
 * (require-rules.ts). So nothing is asked again for each of fifty purchases.
 */
export const guardedBy = (rule: Rule) => ({ guardedBy: rule });

/** Of a field that leads to an interface: what it finds there it asks for itself, by the kind of thing. */
export const asksByKind = { guards: 'each kind by its own rule' } as const;

/** Why something is not shown or done. */
export function forbidden(any: readonly string[]): GraphQLError {
  const named = any.join(' or ');
  return new GraphQLError(
    any.length === 0 ? 'This is not allowed.' : `This needs the scope ${named}, which you do not have.`,
    { extensions: { code: 'FORBIDDEN', scopes: any } },
  );
}

/** The same, of what the plugin found missing. */
export function forbiddenBy(failure: AuthFailure): GraphQLError {
  return forbidden(missingIn(failure));
}

function missingIn(failure: AuthFailure): string[] {
  switch (failure.kind) {
    case AuthScopeFailureType.AuthScope:
      return (scopes as readonly string[]).includes(failure.scope) ? [failure.scope] : [];
    case AuthScopeFailureType.AnyAuthScopes:
    case AuthScopeFailureType.AllAuthScopes:
      return failure.failures.flatMap(missingIn);
    default:
      return [];
  }
}
