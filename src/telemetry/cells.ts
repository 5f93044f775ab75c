import { Counter, type Registry } from 'prom-client';

/** One series of a counter, whose labels are found once: to count costs an addition. */
export interface Cell {
  n: number;
}

/**
 * A counter that is filled when it is scraped. prom-client makes a text of the labels for each increment, which is too
 * much for what happens in every operation.
 */
export class CellCounter<L extends string> {
  readonly #cells: { labels: Record<L, string>; cell: Cell }[] = [];
  readonly #counter: Counter<L>;

  constructor(options: { name: string; help: string; labelNames: readonly L[]; registry: Registry }) {
    const { registry, ...configuration } = options;
    this.#counter = new Counter<L>({
      ...configuration,
      registers: [registry],
      collect: () => this.#drain(),
    });
  }

  /** To be kept by whoever counts. The series is there from now on, at 0. */
  cell(labels: Record<L, string>): Cell {
    const cell = { n: 0 };
    this.#cells.push({ labels, cell });
    return cell;
  }

  #drain(): void {
    for (const { labels, cell } of this.#cells) {
      this.#counter.inc(labels, cell.n);
      cell.n = 0;
    }
  }
}
