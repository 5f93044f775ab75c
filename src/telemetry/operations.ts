import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { Gauge, type Registry } from 'prom-client';

import { CellCounter, CellHistogram, type Cell } from './cells.ts';
import { failureOf, type CodeOf } from './failure.ts';
import type { NamedOperation, OperationNames } from './operation-names.ts';

/** Codes are ours and few; should a library bring more, they are counted together. */
const MOST_OUTCOMES = 40;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** Counts operations by name and outcome, and the subscriptions that run. */
export function countOperations<C extends object>(
  registry: Registry,
  { names, codeOf }: { names: OperationNames; codeOf: CodeOf },
): Plugin<C> {
  const counted = new OperationCounts(registry);
  const running = new Gauge({
    ...{ name: 'gateway_subscriptions', help: 'Subscriptions that run, over every entrance' },
    registers: [registry],
  });
  const seconds = new CellHistogram<'kind'>({
    ...{ name: 'gateway_operation_seconds', help: 'How long queries and mutations took' },
    ...{ buckets: SECONDS, registry },
  });
  const ofKind = { query: seconds.cell({ kind: 'query' }), mutation: seconds.cell({ kind: 'mutation' }) };
  return {
    onExecute({ args }) {
      const startedAt = performance.now();
      const operation = names.of(args);
      return {
        onExecuteDone: ({ result }) => {
          // An incremental one counts once its first part is there.
          counted.count(operation, failureOf(result, codeOf));
          if (operation.kind !== 'subscription')
            ofKind[operation.kind].observe((performance.now() - startedAt) / 1000);
        },
      };
    },
    onSubscribe({ args }) {
      const operation = names.of(args);
      return {
        onSubscribeResult: ({ result }) => {
          counted.count(operation, failureOf(result, codeOf));
          if (!isAsyncIterable(result)) return undefined;
          running.inc();
          return { onEnd: () => running.dec() };
        },
      };
    },
  };
}

class OperationCounts {
  readonly #counter: CellCounter<'operation' | 'kind' | 'outcome'>;
  readonly #ok = new WeakMap<NamedOperation, Cell>();
  readonly #cells = new Map<string, Cell>();
  readonly #outcomes = new Set<string>();
  readonly #faults: Cell;

  constructor(registry: Registry) {
    this.#counter = new CellCounter({
      ...{ name: 'gateway_operations_total', help: 'Operations by name, kind and outcome (ok, or a code)' },
      ...{ labelNames: ['operation', 'kind', 'outcome'], registry },
    });
    // There from the start: Prometheus sees no increase in a series that begins with 1.
    this.#faults = new CellCounter({
      ...{ name: 'gateway_internal_errors_total', help: 'Operations that failed by a fault of ours' },
      ...{ labelNames: [], registry },
    }).cell({});
  }

  count(operation: NamedOperation, failure: string | undefined): void {
    let cell = failure === undefined ? this.#ok.get(operation) : undefined;
    if (cell === undefined) {
      cell = this.#cell(operation, failure === undefined ? 'ok' : this.#bounded(failure));
      if (failure === undefined) this.#ok.set(operation, cell);
    }
    cell.n += 1;
    if (failure === 'INTERNAL') this.#faults.n += 1;
  }

  #bounded(outcome: string): string {
    if (this.#outcomes.size < MOST_OUTCOMES) this.#outcomes.add(outcome);
    return this.#outcomes.has(outcome) ? outcome : 'OTHER';
  }

  #cell({ name, kind }: NamedOperation, outcome: string): Cell {
    const key = `${kind} ${name} ${outcome}`;
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const cell = this.#counter.cell({ operation: name, kind, outcome });
    this.#cells.set(key, cell);
    return cell;
  }
}
