import { LRUCache } from 'lru-cache';

/** A gateway has few names; who sends ever new ones makes no memory grow. */
const names = new LRUCache<string, string>({ max: 100 });
/** Of a Host that is none. */
const NONE = '';

/** The host name in a Host header, in lower case and without its port; undefined when the header is none. */
export function hostName(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  let name = names.get(host);
  if (name === undefined) {
    name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : NONE;
    names.set(host, name);
  }
  return name === NONE ? undefined : name;
}
