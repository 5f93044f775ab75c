import type { Plugin } from 'graphql-yoga';
import { collectDefaultMetrics, Registry } from 'prom-client';

import type { Journal } from '../purchases/journal.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { CodeOf } from './failure.ts';
import { JournalMetrics } from './journal-metrics.ts';
import { aroundJournal } from './journal.ts';
import { serveMetrics, type MetricsServer } from './metrics-server.ts';
import type { OperationNames } from './operation-names.ts';
import { countOperations } from './operations.ts';
import { PurchaseMetrics } from './purchase-metrics.ts';
import { StateMetrics, type Watched } from './state-metrics.ts';
import { UpstreamMetrics, type UpstreamCounts } from './upstream-metrics.ts';

/** Everything that is measured, for Prometheus. No label ever holds what a customer or a caller gave (R9). */
export class Metrics {
  readonly #registry = new Registry();
  readonly #operations: { readonly names: OperationNames; readonly codeOf: CodeOf };
  readonly #upstream: UpstreamMetrics;
  readonly #journal: JournalMetrics;
  readonly #purchases: PurchaseMetrics;
  readonly #state: StateMetrics;

  constructor(options: { runtime: Pick<Runtime, 'monotonic'>; names: OperationNames; codeOf: CodeOf }) {
    collectDefaultMetrics({ register: this.#registry });
    this.#operations = options;
    this.#upstream = new UpstreamMetrics(this.#registry);
    this.#journal = new JournalMetrics(this.#registry, options.runtime);
    this.#purchases = new PurchaseMetrics(this.#registry);
    this.#state = new StateMetrics(this.#registry);
  }

  /** To be called once. */
  plugin<C extends object>(): Plugin<C> {
    return countOperations(this.#registry, this.#operations);
  }

  upstream(integration: string): UpstreamCounts {
    return this.#upstream.of(integration);
  }

  /** The same journal, measured. */
  journal(journal: Journal): Journal {
    return this.#purchases.counting(aroundJournal(journal, this.#journal.around));
  }

  /** Serves them, on a listener of their own. Rejects when it cannot listen. */
  serve(where: Parameters<typeof serveMetrics>[0], watched: Watched): Promise<MetricsServer> {
    const { contentType } = this.#registry;
    return serveMetrics(where, contentType, async () => {
      await this.#state.look(watched);
      return this.#registry.metrics();
    });
  }
}
