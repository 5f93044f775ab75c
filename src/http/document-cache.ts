import type { DocumentNode } from 'graphql';
import type { YogaServerOptions } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

type DocumentCache = Exclude<
  YogaServerOptions<object, object>['parserAndValidationCache'],
  boolean | undefined
>;

/**
 * Of all documents together. A token takes up to half a kilobyte in the syntax tree, and 2.6 with the code that is compiled
 * for it: at worst some 170 megabytes. It is a thousand short documents, or 64 of the longest.
 */
const MOST_TOKENS = 64_000;
/** Text is kept too, be it spaces and comments: so much of it counts as a token. */
const CHARACTERS = 16;

/** Remembers parsed documents, so much of them that nobody fills the memory with ever new ones; no documents with faults. */
export function documentCache(): DocumentCache {
  return {
    documentCache: new LRUCache<string, DocumentNode>({
      maxSize: MOST_TOKENS,
      sizeCalculation: (document, text) => tokensOf(document) + Math.ceil(text.length / CHARACTERS),
    }),
    errorCache: { get: () => undefined, set: () => undefined },
  };
}

function tokensOf(document: DocumentNode): number {
  let count = 0;
  for (let token = document.loc?.startToken; token != null; token = token.next ?? undefined) count += 1;
  return count;
}
