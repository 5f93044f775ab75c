const GRAPHQL = 'application/graphql-response+json';
const JSON_TYPE = 'application/json';

/** A refusal repeats what was asked for, several times over. */
export const LONGEST_ACCEPT = 1_000;

/** All that Yoga answers with (plugins/use-result-processor.ts). */
const ANSWERS = [GRAPHQL, JSON_TYPE, 'text/event-stream', 'multipart/mixed'];

/**
 * Which of the two JSON types an answer has, by the first of the Accept header's types that is one; undefined when none
 * is, or where what is odd stands before it or the header is too long: that Yoga decides. The others as Yoga does
 * (plugins/result-processor/accept.ts): in the order given, whatever the weights, and in UTF-8.
 */
export function acceptedJson(accept = '*/*'): string | undefined {
  if (accept.length > LONGEST_ACCEPT) return undefined;
  for (const type of typesOf(accept)) {
    // Of any type that is called so, and what has more parts than two: Yoga finds a JSON type in it.
    if (/^\*\/[^*]|\/.*\//.test(type)) return undefined;
    if (type === GRAPHQL) return GRAPHQL;
    if (type === JSON_TYPE || type === '*/*' || type === 'application/*') return JSON_TYPE;
  }
  return undefined;
}

/** Whether the header allows any answer at all, as Yoga reads it. */
export function isAnswerable(accept: string): boolean {
  return typesOf(accept === '' ? '*/*' : accept).some((type) => {
    const [main, sub] = type.split('/');
    return ANSWERS.some((answer) => {
      const [answerMain, answerSub] = answer.split('/');
      return (main === '*' || main === answerMain) && (sub === '*' || sub === answerSub);
    });
  });
}

/** In the order given, but those that are not in UTF-8. */
function typesOf(accept: string): string[] {
  return accept
    .replace(/\s/g, '')
    .toLowerCase()
    .split(',')
    .flatMap((item) => {
      const [type = '', ...params] = item.split(';');
      const charset = params.find((param) => param.includes('charset='));
      return charset === undefined || charset === 'charset=utf-8' ? [type] : [];
    });
}
