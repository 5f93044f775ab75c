import type { DocumentNode } from 'graphql';
import type { YogaServerOptions } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

type DocumentCache = Exclude<
  YogaServerOptions<object, object>['parserAndValidationCache'],
  boolean | undefined
>;

/** Documents of clients that are written once; a document with its syntax tree takes up to half a megabyte. */
const MOST_DOCUMENTS = 128;
const MOST_CHARACTERS = 1_000_000;

/** Remembers parsed documents, few enough that nobody fills the memory with ever new ones; no documents with faults. */
export function documentCache(): DocumentCache {
  return {
    documentCache: new LRUCache<string, DocumentNode>({
      max: MOST_DOCUMENTS,
      maxSize: MOST_CHARACTERS,
      sizeCalculation: (_document, text) => text.length + 1,
    }),
    errorCache: { get: () => undefined, set: () => undefined },
  };
}
