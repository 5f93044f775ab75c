import { Counter, type Metric, type Registry } from 'prom-client';

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

/** One series of a histogram: to observe costs a look for the bucket and three additions. */
export class Buckets {
  readonly #bounds: readonly number[];
  /** In each bucket alone; the last is what is more than all bounds. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` from the lowest up. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? Infinity)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** How many were at most each bound, and all of them last. */
  get cumulative(): readonly number[] {
    let all = 0;
    return this.#counts.map((count) => (all += count));
  }

  get sum(): number {
    return this.#sum;
  }
}

/** A histogram of such series, for the same reason: prom-client makes texts of labels and of bounds at each observation. */
export class CellHistogram<L extends string> {
  readonly #cells: { readonly labels: Readonly<Record<L, string>>; readonly cell: Buckets }[] = [];
  readonly #bounds: readonly number[];

  constructor(options: {
    readonly name: string;
    readonly help: string;
    readonly buckets: readonly number[];
    readonly registry: Registry;
  }) {
    const { name, help, buckets, registry } = options;
    this.#bounds = buckets;
    // All that a registry asks a metric for.
    const metric = {
      name,
      get: () => Promise.resolve({ name, help, type: 'histogram', values: this.#values(name) }),
    };
    registry.registerMetric(metric as unknown as Metric);
  }

  /** To be kept by whoever observes. The series is there from now on, with nothing in it. */
  cell(labels: Readonly<Record<L, string>>): Buckets {
    const cell = new Buckets(this.#bounds);
    this.#cells.push({ labels, cell });
    return cell;
  }

  #values(name: string) {
    return this.#cells.flatMap(({ labels, cell }) => {
      const { cumulative, sum } = cell;
      const all = cumulative.at(-1) ?? 0;
      return [
        ...cumulative.map((value, at) => ({
          ...{ value, metricName: `${name}_bucket` },
          labels: { le: this.#bounds[at] ?? '+Inf', ...labels },
        })),
        { value: sum, metricName: `${name}_sum`, labels },
        { value: all, metricName: `${name}_count`, labels },
      ];
    });
  }
}
