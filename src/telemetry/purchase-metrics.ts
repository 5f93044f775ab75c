import type { Registry } from 'prom-client';

import { productTypes, surfaces } from '../purchases/catalogue.ts';
import type { Journal } from '../purchases/journal.ts';
import { purchaseStatuses, type Purchase, type PurchaseStatus } from '../purchases/purchase.ts';
import { CellCounter, type Cell } from './cells.ts';

type Moved = (purchase: Pick<Purchase, 'order'>, to: PurchaseStatus) => void;

/** What becomes of purchases, as this instance records it: each move is counted by the one instance that makes it. */
export class PurchaseMetrics {
  readonly #counter;

  constructor(registry: Registry) {
    this.#counter = new CellCounter({
      name: 'gateway_purchases_total',
      help: 'Purchases that came to a status, by the instance that recorded it; PENDING counts those that began',
      ...{ labelNames: ['integration', 'surface', 'product', 'status'], registry },
    });
  }

  /** The same journal, whose moves are counted. */
  counting(journal: Journal): Journal {
    const moved = this.#movesOf(journal.integration);
    return {
      ...journal,
      begin: async (...args) => {
        const begun = await journal.begin(...args);
        if (begun.attempt !== null) moved(begun.purchase, begun.purchase.status);
        return begun;
      },
      startAttempt: async (id, from, ...rest) => {
        const started = await journal.startAttempt(id, from, ...rest);
        if (started !== null && started.purchase.status !== from)
          moved(started.purchase, started.purchase.status);
        return started;
      },
      finishAttempt: async (attempt, result, change) => {
        const purchase = await journal.finishAttempt(attempt, result, change);
        // One that stays in doubt has one more check behind it; one that comes into doubt has none.
        if (change.status !== 'UNRESOLVED' || change.checks === 0) moved(purchase, change.status);
        return purchase;
      },
    };
  }

  #movesOf(integration: string): Moved {
    const cells = new Map<string, Map<string, Map<PurchaseStatus, Cell>>>();
    for (const surface of surfaces) {
      const ofSurface = new Map<string, Map<PurchaseStatus, Cell>>();
      cells.set(surface, ofSurface);
      // Each is there from the start: what was never counted has no rate.
      for (const product of productTypes) {
        const cell = (status: PurchaseStatus) =>
          this.#counter.cell({ integration, surface, product, status });
        ofSurface.set(product, new Map(purchaseStatuses.map((status) => [status, cell(status)])));
      }
    }
    return ({ order }, to) => {
      const cell = cells.get(order.surface)?.get(order.productType)?.get(to);
      if (cell !== undefined) cell.n += 1;
    };
  }
}
