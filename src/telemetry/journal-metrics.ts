import type { Registry } from 'prom-client';

import { DayLimitError, IllegalMoveError } from '../purchases/journal.ts';
import type { Runtime } from '../purchases/runtime.ts';
import { CellCounter, CellHistogram, type Buckets, type Cell } from './cells.ts';
import { isWrite, journalWrites, type AroundJournal, type JournalWrite } from './journal.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How long the record takes to write, and how often it can be neither read nor written. */
export class JournalMetrics {
  readonly #runtime: Pick<Runtime, 'monotonic'>;
  readonly #writes: ReadonlyMap<JournalWrite, Buckets>;
  readonly #failed: Readonly<Record<'read' | 'write', Cell>>;

  constructor(registry: Registry, runtime: Pick<Runtime, 'monotonic'>) {
    this.#runtime = runtime;
    const seconds = new CellHistogram<'write'>({
      ...{ name: 'gateway_journal_write_seconds', help: 'How long a write of the record took, to the disk' },
      ...{ buckets: SECONDS, registry },
    });
    this.#writes = new Map(journalWrites.map((write) => [write, seconds.cell({ write })]));
    const failures = new CellCounter({
      ...{ name: 'gateway_journal_failures_total', help: 'Reads and writes of the record that failed' },
      ...{ labelNames: ['kind'], registry },
    });
    this.#failed = { read: failures.cell({ kind: 'read' }), write: failures.cell({ kind: 'write' }) };
  }

  readonly around: AroundJournal = async (call, work) => {
    const startedAt = this.#runtime.monotonic();
    const written = isWrite(call) ? this.#writes.get(call) : undefined;
    try {
      const result = await work();
      written?.observe((this.#runtime.monotonic() - startedAt) / 1000);
      return result;
    } catch (error) {
      // Refused by the record's rules: nothing is wrong with it.
      if (!(error instanceof DayLimitError || error instanceof IllegalMoveError))
        this.#failed[written === undefined ? 'read' : 'write'].n += 1;
      throw error;
    }
  };
}
