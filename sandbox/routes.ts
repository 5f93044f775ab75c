import type { Surface } from './answers.ts';
import type { Endpoint } from './faults.ts';

const table: readonly [surface: Surface, method: string, path: RegExp, endpoint: Endpoint][] = [
  ['v1', 'POST', /^\/v1\/auth\/login$/, 'login'],
  ['v1', 'POST', /^\/v1\/auth\/refresh$/, 'refresh'],
  ['v1', 'DELETE', /^\/v1\/auth\/logout$/, 'logout'],
  ['v1', 'GET', /^\/v1\/auth\/me$/, 'me'],
  ['v1', 'GET', /^\/v1\/accounts$/, 'accounts'],
  ['v1', 'GET', /^\/v1\/accounts\/(\d{1,15})$/, 'account'],
  ['v1', 'GET', /^\/v1\/vas-products$/, 'products'],
  ['v1', 'POST', /^\/v1\/purchases\/validate$/, 'validate'],
  ['v1', 'POST', /^\/v1\/purchases\/confirm$/, 'confirm'],
  ['v1', 'POST', /^\/v1\/purchases\/retry$/, 'retry'],
  ['current', 'POST', /^\/auth\/login$/, 'login'],
  ['current', 'POST', /^\/auth\/refresh$/, 'refresh'],
  ['current', 'DELETE', /^\/auth\/logout$/, 'logout'],
  ['current', 'GET', /^\/auth\/me$/, 'me'],
  ['current', 'POST', /^\/api\/topup\/validate$/, 'validate'],
  ['current', 'POST', /^\/api\/topup\/confirm$/, 'confirm'],
  ['current', 'POST', /^\/api\/topup\/retry$/, 'retry'],
];

export interface Route {
  readonly surface: Surface;
  readonly endpoint: Endpoint;
  /** The method that the path would take instead; null when there is no such path. */
  readonly allowed: string | null;
  readonly accountId: number | null;
}

export function route(method: string, path: string): Route {
  const matching = table.filter(([, , pattern]) => pattern.test(path));
  const found = matching.find(([, wanted]) => wanted === method);
  const surface: Surface = /^\/v1(\/|$)/.test(path) ? 'v1' : 'current';
  if (found === undefined)
    return { surface, endpoint: 'other', allowed: matching[0]?.[1] ?? null, accountId: null };
  const id = found[2].exec(path)?.[1];
  return {
    surface: found[0],
    endpoint: found[3],
    allowed: null,
    accountId: id === undefined ? null : Number(id),
  };
}
