import { Gauge, type Registry } from 'prom-client';

import type { SurfaceState } from '../datasources/surface-client.ts';
import { surfaces, type Surface } from '../purchases/catalogue.ts';
import type { Journal, JournalRecord } from '../purchases/journal.ts';
import type { Runtime } from '../purchases/runtime.ts';

/** What is looked at when somebody scrapes. */
export interface Watched {
  readonly runtime: Pick<Runtime, 'now'>;
  readonly record: Pick<JournalRecord, 'unsettled'>;
  readonly sockets: () => number;
  readonly socketLimit: number;
  readonly integrations: readonly {
    readonly name: string;
    readonly upstream: { state(surface: Surface): SurfaceState };
    readonly feed: { readonly position: number };
    readonly dispatcher: { readonly active: ReadonlyMap<string, unknown> };
    readonly journal: Pick<Journal, 'lastPosition'>;
  }[];
}

/** How things are at the moment of a scrape. */
export class StateMetrics {
  readonly #gauges;
  #looking: Promise<void> | undefined;

  constructor(registry: Registry) {
    const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Gauge<L>({ name: `gateway_${name}`, help, labelNames, registers: [registry] });
    const surface = ['integration', 'surface'] as const;
    const status = ['integration', 'status'] as const;
    this.#gauges = {
      circuit: gauge('upstream_circuit_open', '1 while the circuit is open: no calls are sent', surface),
      inUse: gauge('upstream_in_use', 'Calls under way, of those that may be at once', surface),
      places: gauge('upstream_places', 'UPSTREAM_CONCURRENCY', surface),
      waiting: gauge('upstream_waiting', 'Calls that wait for a place', surface),
      queue: gauge('upstream_queue', 'UPSTREAM_QUEUE', surface),
      session: gauge('session_up', '1 while there is a session that is good', surface),
      unsettled: gauge('purchases_unsettled', 'Purchases in the whole record that are not settled', status),
      oldest: gauge(
        'purchases_unsettled_oldest_seconds',
        'How long the one has waited that waits longest; 0 where there is none',
        status,
      ),
      inFlight: gauge('purchases_in_flight', 'Purchases that this instance works on now', ['integration']),
      lag: gauge('event_lag', 'Events in the record that subscribers here have not had', ['integration']),
      readable: gauge('journal_up', '1 while the record can be read'),
      sockets: gauge('sockets', 'WebSockets that are open'),
      socketLimit: gauge('sockets_limit', 'LIMIT_SOCKETS'),
    };
  }

  /** Once for all who ask at the same time. */
  look(at: Watched): Promise<void> {
    return (this.#looking ??= this.#look(at).finally(() => (this.#looking = undefined)));
  }

  async #look(at: Watched): Promise<void> {
    const { circuit, inUse, places, waiting, queue, session, inFlight, readable } = this.#gauges;
    this.#gauges.sockets.set(at.sockets());
    this.#gauges.socketLimit.set(at.socketLimit);
    for (const { name: integration, upstream, dispatcher } of at.integrations) {
      inFlight.set({ integration }, dispatcher.active.size);
      for (const surface of surfaces) {
        const labels = { integration, surface };
        const state = upstream.state(surface);
        circuit.set(labels, state.circuit === 'CLOSED' ? 0 : 1);
        inUse.set(labels, state.inUse);
        places.set(labels, state.places);
        waiting.set(labels, state.waiting);
        queue.set(labels, state.queue);
        session.set(labels, state.session ? 1 : 0);
      }
    }
    try {
      for (const integration of at.integrations) await this.#read(integration, at);
      readable.set(1);
    } catch {
      // All else is told all the same. What was read before is no longer true.
      for (const gauge of [this.#gauges.unsettled, this.#gauges.oldest, this.#gauges.lag]) gauge.reset();
      readable.set(0);
    }
  }

  async #read({ name: integration, feed, journal }: Watched['integrations'][number], at: Watched) {
    const { unsettled, oldest, lag } = this.#gauges;
    for (const { status, count, since } of await at.record.unsettled(integration)) {
      unsettled.set({ integration, status }, count);
      const waited = since === null ? 0 : (at.runtime.now().getTime() - since.getTime()) / 1000;
      oldest.set({ integration, status }, Math.max(0, waited));
    }
    lag.set({ integration }, Math.max(0, (await journal.lastPosition()) - feed.position));
  }
}
