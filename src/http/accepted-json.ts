const GRAPHQL = 'application/graphql-response+json';
const JSON_TYPE = 'application/json';

/**
 * Which of the two JSON types an answer has, by the first of the Accept header's types that is one; undefined when none
 * is. As Yoga decides (plugins/result-processor/accept.ts): in the order given, whatever the weights, and in UTF-8.
 */
export function acceptedJson(accept = '*/*'): string | undefined {
  for (const item of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const [type, ...params] = item.split(';');
    const charset = params.find((param) => param.includes('charset='));
    if (charset !== undefined && charset !== 'charset=utf-8') continue;
    if (type === GRAPHQL) return GRAPHQL;
    if (type === JSON_TYPE || type === '*/*' || type === 'application/*') return JSON_TYPE;
  }
  return undefined;
}
