import type { DocumentNode, ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';

import { keepText, textOf } from './answer-text.ts';
import { Reads, type AllReads } from './reads.ts';
import { executeFor, type Args, type Asker, type SharedAnswerOptions } from './shared-answer.ts';

/** Characters of all answers together, and of one: few are as long as that. */
const MOST_REMEMBERED = 4_000_000;
const LONGEST = 100_000;

interface Remembered {
  readonly reads: AllReads;
  readonly result: ExecutionResult;
  readonly size: number;
}

/**
 * Answers to queries that read nothing but the upstream. Such a one is asked again of the upstream each time; when all of
 * it is what it was the last time, so is the answer, and it need not be executed and written again.
 */
export class RememberedAnswers {
  readonly #options: SharedAnswerOptions;
  readonly #remembered = new LRUCache<string, Remembered>({
    ...{ maxSize: MOST_REMEMBERED, maxEntrySize: LONGEST },
    sizeCalculation: ({ size }) => size,
  });
  /** Those that read more than that. */
  readonly #others = new WeakSet<DocumentNode>();

  constructor(options: SharedAnswerOptions) {
    this.#options = options;
  }

  /** `key` is of AnswerKeys. */
  async answer(key: string, args: Args, asker: Asker): Promise<ExecutionResult> {
    const { document } = args;
    if (this.#others.has(document)) return executeFor(args, asker, this.#options);
    const reads = new Reads(args.contextValue.domain, asker);
    const known = this.#remembered.get(key);
    if (known !== undefined && (await reads.areStill(known.reads))) return known.result;
    const result = await executeFor(args, { domain: reads.domain(), ...asker }, this.#options);
    if (result.errors !== undefined) return result;
    const all = await reads.all();
    if (all === undefined) this.#others.add(document);
    else {
      keepText(result);
      this.#remembered.set(key, { reads: all, result, size: key.length + textOf(result).length });
    }
    return result;
  }
}
