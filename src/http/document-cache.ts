import { Kind, visit, type DefinitionNode, type DocumentNode } from 'graphql';
import type { YogaServerOptions } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

type DocumentCache = Exclude<
  YogaServerOptions<object, object>['parserAndValidationCache'],
  boolean | undefined
>;

/**
 * Of all documents together. A token takes up to half a kilobyte in the syntax tree, and 2.6 with the code that is compiled
 * for it: at worst some 170 megabytes. It is a thousand short documents, or 64 of a thousand tokens.
 */
const MOST_TOKENS = 64_000;
/**
 * Of one document, with what its fragments make of it. A longer one is not remembered, and so never compiled, which would
 * hold up everybody: fragments within fragments make a second's work of two kilobytes.
 */
const LONGEST = 4_000;
/** Text is kept too, be it spaces and comments: so much of it counts as a token. */
const CHARACTERS = 16;

/** Remembers parsed documents, so much of them that nobody fills the memory with ever new ones; no documents with faults. */
export function documentCache(): DocumentCache {
  return {
    documentCache: new LRUCache<string, DocumentNode>({
      maxSize: MOST_TOKENS,
      maxEntrySize: LONGEST,
      sizeCalculation: (document, text) => sizeOf(document) + Math.ceil(text.length / CHARACTERS),
    }),
    errorCache: { get: () => undefined, set: () => undefined },
  };
}

/** Its tokens, and those of each fragment as often as it is spread: so it is compiled. */
function sizeOf(document: DocumentNode): number {
  const fragments = new Map<string, DefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const known = new Map<string, number>();
  const spreadIn = (definition: DefinitionNode): number => {
    let tokens = 0;
    visit(definition, { FragmentSpread: ({ name }) => void (tokens += spread(name.value)) });
    return tokens;
  };
  const spread = (name: string): number => {
    const fragment = fragments.get(name);
    if (fragment === undefined) return 0;
    // Of a ring of fragments, which validation refuses later, each counts once.
    if (!known.has(name)) known.set(name, 0).set(name, tokensOf(fragment) + spreadIn(fragment));
    return known.get(name) ?? 0;
  };
  const operations = document.definitions.filter(({ kind }) => kind !== Kind.FRAGMENT_DEFINITION);
  const spreads = operations.reduce((sum, operation) => sum + spreadIn(operation), 0);
  return tokensOf(document) + Math.min(spreads, LONGEST);
}

function tokensOf({ loc }: DocumentNode | DefinitionNode): number {
  let count = 0;
  for (let token = loc?.startToken; token != null; token = token.next ?? undefined) {
    count += 1;
    if (token === loc?.endToken) break;
  }
  return count;
}
