import { Counter, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';

import { CellCounter, CellHistogram } from '../../src/telemetry/cells.ts';

const what = { name: 'calls', help: 'What it counts' };

it('a histogram of cells tells what one of prom-client tells', async () => {
  const [own, known] = [new Registry(), new Registry()];
  const buckets = [0.005, 0.1, 1];
  const cells = new CellHistogram<'kind' | 'of'>({ ...what, buckets, registry: own });
  const histogram = new Histogram({
    ...{ ...what, buckets, labelNames: ['kind', 'of'], registers: [known] },
  });
  for (const labels of [
    { kind: 'query', of: 'a "quoted" one' },
    { kind: 'mutation', of: 'other' },
  ]) {
    const cell = cells.cell(labels);
    histogram.zero(labels);
    expect(await own.metrics()).toBe(await known.metrics());
    // On a bound, between bounds, beyond them, and nothing.
    for (const value of [0.005, 0.0051, 0.1, 0.5, 1, 1.5, 20, 0]) {
      cell.observe(value);
      histogram.observe(labels, value);
    }
    expect(await own.metrics()).toBe(await known.metrics());
  }
});

it('a counter of cells tells what one of prom-client tells, also when it is told twice', async () => {
  const [own, known] = [new Registry(), new Registry()];
  const cells = new CellCounter<'kind'>({ ...what, labelNames: ['kind'], registry: own });
  const counter = new Counter({ ...what, labelNames: ['kind'], registers: [known] });
  const cell = cells.cell({ kind: 'query' });
  counter.inc({ kind: 'query' }, 0);
  for (let times = 0; times < 3; times += 1) {
    cell.n += 2;
    counter.inc({ kind: 'query' }, 2);
    expect(await own.metrics()).toBe(await known.metrics());
  }
});
