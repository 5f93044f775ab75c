const HARMLESS = ['staging', 'sandbox', 'test', 'testing', 'dev', 'uat', 'qa', 'localhost'];
const LIVE = ['prod', 'production', 'live'];

/**
 * Whether real money may be behind the address. Everything may that does not say that it is not: a name that has one of
 * the words above, or this very machine.
 */
export function looksLikeProduction(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  if (hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)) return false;
  const words = hostname.toLowerCase().split(/[.-]/);
  return words.some((word) => LIVE.includes(word)) || !words.some((word) => HARMLESS.includes(word));
}

/** The address without /v1 and a trailing slash. */
export function baseOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.replace(/\/+$/, '').replace(/\/v1$/, '');
}
