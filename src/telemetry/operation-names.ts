import {
  getOperationAST,
  Kind,
  parse,
  type DocumentNode,
  type ExecutionArgs,
  type OperationDefinitionNode,
} from 'graphql';

/** Names are the clients' to choose: so many are told apart. */
const MOST_NAMES = 100;
/** In characters. Longer ones are nobody's to read, and each series of a metric would carry them. */
const LONGEST_NAME = 100;
export const OTHER = 'other';

export interface NamedOperation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly name: string;
}

/** Also of a document that has no operation at all. */
const NONE: NamedOperation = { kind: 'query', name: 'anonymous' };

/**
 * What an operation is called where each name costs memory: as its client calls it, where it is one of the persisted
 * operations, or, where there are none, among the first hundred; else `other`, as one of more than a hundred characters is.
 */
export class OperationNames {
  readonly #names = new Set<string>([NONE.name]);
  readonly #mayGrow: boolean;
  readonly #known = new WeakMap<OperationDefinitionNode, NamedOperation>();

  constructor(persisted?: Iterable<string>) {
    this.#mayGrow = persisted === undefined;
    for (const text of persisted ?? []) {
      for (const { name } of operationsOf(parse(text))) this.#add(name?.value ?? NONE.name);
    }
  }

  /**
   * The same object for the same operation of a document, which is parsed once. A name that the document has not, or none
   * where it has several, is answered by an error: it counts as the first.
   */
  of({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>): NamedOperation {
    const operation = getOperationAST(document, operationName) ?? operationsOf(document)[0];
    if (operation === undefined) return NONE;
    let known = this.#known.get(operation);
    if (known === undefined) this.#known.set(operation, (known = this.#find(operation)));
    return known;
  }

  #find({ operation: kind, name }: OperationDefinitionNode): NamedOperation {
    const given = name?.value ?? NONE.name;
    if (this.#mayGrow && this.#names.size < MOST_NAMES) this.#add(given);
    return { kind, name: this.#names.has(given) ? given : OTHER };
  }

  #add(name: string): void {
    if (name.length <= LONGEST_NAME) this.#names.add(name);
  }
}

function operationsOf(document: DocumentNode): OperationDefinitionNode[] {
  return document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
}
