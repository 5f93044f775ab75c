import { Kind, parse, type DocumentNode, type ExecutionArgs, type OperationDefinitionNode } from 'graphql';

/** Names are the clients' to choose: so many are told apart. */
const MOST_NAMES = 100;
export const OTHER = 'other';

export interface NamedOperation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly name: string;
}

/**
 * What an operation is called where each name costs memory: as its client calls it, where it is one of the persisted
 * operations, or, where there are none, among the first hundred; else `other`.
 */
export class OperationNames {
  readonly #names = new Set<string>(['anonymous']);
  readonly #mayGrow: boolean;
  readonly #known = new WeakMap<DocumentNode, Map<string, NamedOperation>>();

  constructor(persisted?: Iterable<string>) {
    this.#mayGrow = persisted === undefined;
    for (const text of persisted ?? []) {
      for (const { name } of operationsOf(parse(text))) if (name !== undefined) this.#names.add(name.value);
    }
  }

  /** The same object for the same document, which is parsed once. */
  of({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>): NamedOperation {
    const ofDocument = this.#known.get(document) ?? new Map<string, NamedOperation>();
    if (ofDocument.size === 0) this.#known.set(document, ofDocument);
    const key = operationName ?? '';
    let known = ofDocument.get(key);
    if (known === undefined) ofDocument.set(key, (known = this.#find(document, key)));
    return known;
  }

  #find(document: DocumentNode, operationName: string): NamedOperation {
    const operations = operationsOf(document);
    const operation = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
    const given = operation?.name?.value ?? 'anonymous';
    if (this.#mayGrow && this.#names.size < MOST_NAMES) this.#names.add(given);
    return { kind: operation?.operation ?? 'query', name: this.#names.has(given) ? given : OTHER };
  }
}

function operationsOf(document: DocumentNode): OperationDefinitionNode[] {
  return document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
}
