import type { Registry } from 'prom-client';

import type { Renewal } from '../datasources/session.ts';
import type { Endpoint, UpstreamCall } from '../datasources/transport.ts';
import { surfaces, type Surface } from '../purchases/catalogue.ts';
import { CellCounter, CellHistogram, type Buckets, type Cell } from './cells.ts';

type Outcome = '2xx' | '4xx' | '5xx' | 'other' | 'not_sent' | 'lost';
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60];

interface Counted {
  readonly cells: Readonly<Record<Outcome, Cell>>;
  readonly seconds: Buckets;
}

/** What is told of the calls of one integration as they end. */
export interface UpstreamCounts {
  called(call: UpstreamCall): void;
  renewed(surface: Surface, how: Renewal, worked: boolean): void;
}

/** Calls of ScratchPower, and the sessions that they make, by integration. */
export class UpstreamMetrics {
  readonly #calls;
  readonly #seconds;
  readonly #renewals;

  constructor(registry: Registry) {
    this.#calls = new CellCounter({
      ...{ name: 'gateway_upstream_calls_total', help: 'Calls of ScratchPower by what came of them' },
      ...{ labelNames: ['integration', 'surface', 'endpoint', 'outcome'], registry },
    });
    this.#seconds = new CellHistogram<'integration' | 'surface' | 'endpoint'>({
      ...{ name: 'gateway_upstream_call_seconds', help: 'How long they took, to the last byte' },
      ...{ buckets: SECONDS, registry },
    });
    this.#renewals = new CellCounter({
      ...{ name: 'gateway_session_renewals_total', help: 'Logins and refreshes by whether they worked' },
      ...{ labelNames: ['integration', 'surface', 'how', 'outcome'], registry },
    });
  }

  of(integration: string): UpstreamCounts {
    const counted = new Map(surfaces.map((surface) => [surface, new Map<Endpoint, Counted>()]));
    const renewals = new Map(surfaces.map((surface) => [surface, this.#renewalsOf(integration, surface)]));
    return {
      called: ({ surface, endpoint, status, outcome, ms }) => {
        let one = counted.get(surface)?.get(endpoint);
        if (one === undefined) {
          one = this.#count({ integration, surface, endpoint });
          counted.get(surface)?.set(endpoint, one);
        }
        one.cells[outcomeOf(outcome, status)].n += 1;
        one.seconds.observe(ms / 1000);
      },
      renewed: (surface, how, worked) => {
        const cell = renewals.get(surface)?.[how][worked ? 'ok' : 'failed'];
        if (cell !== undefined) cell.n += 1;
      },
    };
  }

  #count(labels: { integration: string; surface: Surface; endpoint: Endpoint }): Counted {
    const cell = (outcome: Outcome) => this.#calls.cell({ ...labels, outcome });
    return {
      cells: {
        ...{ '2xx': cell('2xx'), '4xx': cell('4xx'), '5xx': cell('5xx'), other: cell('other') },
        ...{ not_sent: cell('not_sent'), lost: cell('lost') },
      },
      seconds: this.#seconds.cell(labels),
    };
  }

  #renewalsOf(integration: string, surface: Surface) {
    const cells = (how: string) => ({
      ok: this.#renewals.cell({ integration, surface, how, outcome: 'ok' }),
      failed: this.#renewals.cell({ integration, surface, how, outcome: 'failed' }),
    });
    return { login: cells('login'), refresh: cells('refresh') };
  }
}

function outcomeOf(outcome: UpstreamCall['outcome'], status: number | null): Outcome {
  if (outcome === 'NOT_SENT') return 'not_sent';
  if (outcome === 'LOST' || status === null) return 'lost';
  if (status >= 200 && status < 300) return '2xx';
  if (status >= 400 && status < 500) return '4xx';
  return status >= 500 ? '5xx' : 'other';
}
