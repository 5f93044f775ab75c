const GRAPHQL = 'application/graphql-response+json';
const JSON_TYPE = 'application/json';

/** A refusal repeats what was asked for, several times over. */
export const LONGEST_ACCEPT = 1_000;

/**
 * Which of the two JSON types an answer has, by the first of the Accept header's types that is one; undefined when none
 * is, or where what is odd stands before it or the header is too long: that Yoga decides. The others as Yoga does
 * (plugins/result-processor/accept.ts): in the order given, whatever the weights, and in UTF-8.
 */
export function acceptedJson(accept = '*/*'): string | undefined {
  if (accept.length > LONGEST_ACCEPT) return undefined;
  for (const item of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const [type = '', ...params] = item.split(';');
    const charset = params.find((param) => param.includes('charset='));
    if (charset !== undefined && charset !== 'charset=utf-8') continue;
    // Of any type that is called so, and what has more parts than two: Yoga finds a JSON type in it.
    if (/^\*\/[^*]|\/.*\//.test(type)) return undefined;
    if (type === GRAPHQL) return GRAPHQL;
    if (type === JSON_TYPE || type === '*/*' || type === 'application/*') return JSON_TYPE;
  }
  return undefined;
}
