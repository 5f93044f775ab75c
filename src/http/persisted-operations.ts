import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { GraphQLError, parse, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { z } from 'zod';

import { schema } from '../schema/index.ts';

/** Operations that clients name instead of sending. `only`: no others are taken. */
export interface PersistedOperations {
  readonly only: boolean;
  /** By the SHA-256 of its text, in hexadecimal, or by the manifest's own id. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Without a manifest: texts are taken, and a name without its text is told that there are none. A manifest is never empty. */
export const NO_MANIFEST: PersistedOperations = { only: false, texts: new Map() };

/** @graphql-codegen's client preset: { "<sha256>": "query ..." }. */
const codegenManifest = z.record(z.string(), z.string());
/** Apollo's and Relay's build tools: the ids may be of their own. */
const apolloManifest = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string(), body: z.string() })),
});
const SHA_256 = /^[0-9a-f]{64}$/;

/**
 * Reads a manifest, or throws an Error that names the file, the entry and the remedy: each text must be an operation of
 * this schema, and each SHA-256 must be that of its text.
 */
export async function loadPersistedOperations(path: string, only: boolean): Promise<PersistedOperations> {
  const fault = (what: string) => new Error(`PERSISTED_OPERATIONS=${path}: ${what}`);
  const content: unknown = await readFile(path, 'utf8').then(
    (text) => parseJson(text, fault),
    (error: unknown) => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      throw fault(`the file cannot be read (${code}). Name the manifest that your build wrote.`);
    },
  );
  const texts = new Map<string, string>();
  for (const [id, text] of entriesOf(content, fault)) {
    const hash = createHash('sha256').update(text).digest('hex');
    if (SHA_256.test(id) && id !== hash) {
      throw fault(`entry ${id}: the text's SHA-256 is ${hash}. Build the manifest again.`);
    }
    const errors = errorsOf(text);
    if (errors.length > 0) throw fault(`entry ${id}: ${errors.join(' ')}`);
    texts.set(id, text).set(hash, text);
  }
  if (texts.size === 0) throw fault('it has no operations. Build the manifest again.');
  return { only, texts };
}

function parseJson(text: string, fault: (what: string) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fault(`it is no JSON (${error instanceof Error ? error.message : ''}). Build the manifest again.`);
  }
}

function entriesOf(content: unknown, fault: (what: string) => Error): [id: string, text: string][] {
  const apollo = apolloManifest.safeParse(content);
  if (apollo.success) return apollo.data.operations.map(({ id, body }) => [id, body]);
  const codegen = codegenManifest.safeParse(content);
  if (!codegen.success) {
    const where = codegen.error.issues[0]?.path.join('.') ?? '';
    throw fault(
      `${where === '' ? 'it' : `entry ${where}`} is no operation's text. It must be {"<sha256>": "<operation>"} or Apollo's manifest.`,
    );
  }
  const entries = Object.entries(codegen.data);
  const wrong = entries.find(([id]) => !SHA_256.test(id));
  if (wrong !== undefined)
    throw fault(`entry ${wrong[0]}: the name must be the text's SHA-256 in hexadecimal.`);
  return entries;
}

function errorsOf(text: string): string[] {
  try {
    return validate(schema, parse(text)).map(({ message }) => message);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** As a request brings them, over whichever entrance. */
interface Params {
  readonly query?: unknown;
  readonly extensions?: unknown;
  /** As of the GraphQL over HTTP working draft. */
  readonly documentId?: unknown;
}

/** Apollo's protocol. */
const apolloExtension = z.object({
  persistedQuery: z.object({ version: z.literal(1), sha256Hash: z.string() }),
});

/**
 * The text of the operation that is meant, for HTTP and WebSocket alike: undefined when the request names none and brings
 * none. Throws a GraphQLError when it may not be run. A text that comes with its hash is run by its text alone, where
 * texts are taken: nothing that a client sends is ever remembered here.
 */
export function operationText(params: Params, persisted: PersistedOperations): unknown {
  const { query } = params;
  const hasText = query !== undefined && query !== null && query !== '';
  if (hasText && !persisted.only) return query;
  const id = idOf(params);
  if (hasText && (id === undefined || persisted.texts.get(id) !== query)) {
    throw refusal(
      'PERSISTED_OPERATIONS_ONLY',
      'Only the operations of the manifest are run here. Send one by its hash, in extensions.persistedQuery.sha256Hash.',
    );
  }
  if (id === undefined) return query;
  if (persisted.texts.size === 0) throw notSupported(params);
  const text = persisted.texts.get(id);
  // These very words are Apollo's protocol: its clients then send the text too.
  if (text === undefined) throw refusal('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
  return text;
}

function idOf({ documentId, extensions }: Params): string | undefined {
  if (typeof documentId === 'string') return documentId;
  const apollo = apolloExtension.safeParse(extensions);
  return apollo.success ? apollo.data.persistedQuery.sha256Hash : undefined;
}

function notSupported({ documentId }: Params): GraphQLError {
  // These very words are Apollo's protocol: its clients then send the text, and no hash any more.
  const told =
    typeof documentId === 'string'
      ? 'No operation is known by a documentId here, for there is no manifest (PERSISTED_OPERATIONS). Send its text as `query`.'
      : 'PersistedQueryNotSupported';
  return refusal('PERSISTED_QUERY_NOT_SUPPORTED', told);
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status: 400, spec: true } } });
}

/** Puts the text in the place of its hash, for HTTP. */
export function persistedOperations(persisted: PersistedOperations): Plugin {
  return {
    onParams: ({ params, setParams }) => {
      const query = operationText(params, persisted);
      if (typeof query === 'string') setParams({ ...params, query });
    },
  };
}
