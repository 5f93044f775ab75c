import { parser } from '@prometheus-io/lezer-promql';

import type { Sample, Scrape } from './scrape.ts';

type Node = ReturnType<typeof parser.parse>['topNode'];
type Vector = readonly Omit<Sample, 'name'>[];
type Value = number | Vector;
interface Range {
  readonly labels: Sample['labels'];
  readonly values: readonly number[];
}

/** The names of the series that an expression asks for. Throws when it is none. */
export function seriesOf(expression: string): string[] {
  const names: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, name, from, to }) => {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expression}`);
      if (name === 'VectorSelector')
        names.push(
          expression
            .slice(from, to)
            .replace(/\{[^]*/, '')
            .trim(),
        );
    },
  });
  return names;
}

/**
 * What an expression gives on scrapes of which the latest is now: the part of PromQL that our rules are written in. A range
 * is all the scrapes, and `rate` and `increase` are not extrapolated beyond them. Throws at all else.
 */
export function evaluate(expression: string, scrapes: readonly Scrape[]): Value {
  const now = scrapes.at(-1);
  if (now === undefined) throw new Error('nothing was scraped');
  const text = ({ from, to }: Node) => expression.slice(from, to);
  const child = (node: Node, name: string) => {
    const found = node.getChild(name);
    if (found === null) throw new Error(`${name} is missing in ${text(node)}`);
    return found;
  };
  const children = (node: Node) => {
    const all: Node[] = [];
    for (let one = node.firstChild; one !== null; one = one.nextSibling) all.push(one);
    return all;
  };
  const select = (node: Node, samples: readonly Sample[]): readonly Sample[] => {
    const matchers = [...text(node).matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)];
    const wanted = text(child(node, 'Identifier'));
    return samples.filter(
      ({ name, labels }) =>
        name === wanted &&
        matchers.every(([, label = '', op, value = '']) => {
          const has = labels[label] ?? '';
          if (op === '=~') return new RegExp(`^(?:${value})$`).test(has);
          return op === '=' ? has === value : has !== value;
        }),
    );
  };
  const rangeOf = (node: Node): Range[] =>
    select(child(node, 'VectorSelector'), now.samples).map(({ name, labels }) => ({
      labels,
      values: scrapes.flatMap(({ samples }) =>
        samples.filter((one) => one.name === name && key(one.labels) === key(labels)).map((one) => one.value),
      ),
    }));
  const increases = (node: Node): Vector =>
    rangeOf(node)
      .filter(({ values }) => values.length > 1)
      .map(({ labels, values }) => ({ labels, value: (values.at(-1) ?? 0) - (values[0] ?? 0) }));
  const value = (node: Node): Value => {
    switch (node.name) {
      case 'NumberDurationLiteral':
        return Number(text(node));
      case 'VectorSelector':
        return select(node, now.samples);
      case 'ParenExpr':
        return value(onlyOf(children(node)));
      case 'BinaryExpr':
        return binary(node);
      case 'AggregateExpr':
        return aggregate(node);
      case 'FunctionCall':
        return call(node);
      default:
        throw new Error(`${node.name} is not evaluated here: ${text(node)}`);
    }
  };
  const vector = (node: Node): Vector => {
    const is = value(node);
    if (typeof is === 'number') throw new Error(`a number where a vector is needed: ${text(node)}`);
    return is;
  };
  const call = (node: Node): Value => {
    const args = children(child(node, 'FunctionCallBody'));
    const [first, second] = args;
    if (first === undefined) throw new Error(text(node));
    const name = text(child(node, 'FunctionIdentifier'));
    if (name === 'increase') return increases(first);
    if (name === 'rate') {
      const seconds = now.atSeconds - (scrapes[0]?.atSeconds ?? 0);
      return increases(first).map((one) => ({ ...one, value: one.value / seconds }));
    }
    if (name !== 'histogram_quantile' || second === undefined)
      throw new Error(`${name} is not evaluated here`);
    return quantiles(Number(text(first)), vector(second));
  };
  const aggregate = (node: Node): Vector => {
    const modifier = node.getChild('AggregateModifier');
    const by = modifier === null ? [] : (text(child(modifier, 'GroupingLabels')).match(/\w+/g) ?? []);
    const how = text(child(node, 'AggregateOp'));
    const groups = groupsOf(vector(onlyOf(children(child(node, 'FunctionCallBody')))), by);
    return groups.map(({ labels, values }) => ({
      labels,
      value:
        how === 'sum'
          ? values.reduce((sum, one) => sum + one, 0)
          : how === 'max'
            ? Math.max(...values)
            : Math.min(...values),
    }));
  };
  const binary = (node: Node): Value => {
    const [left, operator, right] = children(node);
    if (left === undefined || operator === undefined || right === undefined) throw new Error(text(node));
    const ones = vector(left);
    const others = value(right);
    return ones.flatMap(({ labels, value: one }): Vector => {
      const other =
        typeof others === 'number' ? others : others.find((it) => key(it.labels) === key(labels))?.value;
      if (other === undefined) return [];
      switch (text(operator)) {
        case '/':
          return [{ labels, value: one / other }];
        case '>':
          return one > other ? [{ labels, value: one }] : [];
        case '==':
          return one === other ? [{ labels, value: one }] : [];
        default:
          throw new Error(`${text(operator)} is not evaluated here`);
      }
    });
  };
  seriesOf(expression);
  return value(onlyOf(children(parser.parse(expression).topNode)));
}

/** Interpolated within the bucket, as Prometheus does; beyond the last bound it is that bound. */
function quantiles(quantile: number, buckets: Vector): Vector {
  const without = ({ le: _, ...labels }: Sample['labels']) => labels;
  const groups = new Map<string, { labels: Sample['labels']; buckets: { le: number; count: number }[] }>();
  for (const { labels, value } of buckets) {
    const group = groups.get(key(without(labels))) ?? { labels: without(labels), buckets: [] };
    group.buckets.push({ le: Number((labels['le'] ?? '').replace('+Inf', 'Infinity')), count: value });
    groups.set(key(without(labels)), group);
  }
  return [...groups.values()].map(({ labels, buckets: all }) => {
    const sorted = all.toSorted((one, other) => one.le - other.le);
    const rank = quantile * (sorted.at(-1)?.count ?? 0);
    const at = sorted.findIndex(({ count }) => count >= rank);
    const { le, count } = sorted[at] ?? { le: NaN, count: 0 };
    const { le: from, count: below } = sorted[at - 1] ?? { le: 0, count: 0 };
    if (rank === 0) return { labels, value: NaN };
    if (le === Infinity) return { labels, value: from };
    return { labels, value: from + ((le - from) * (rank - below)) / (count - below) };
  });
}

function groupsOf(vector: Vector, by: readonly string[]) {
  const groups = new Map<string, { labels: Sample['labels']; values: number[] }>();
  for (const { labels, value } of vector) {
    const own = Object.fromEntries(by.map((name) => [name, labels[name] ?? '']));
    const group = groups.get(key(own)) ?? { labels: own, values: [] };
    group.values.push(value);
    groups.set(key(own), group);
  }
  return [...groups.values()];
}

const key = (labels: Sample['labels']) => JSON.stringify(Object.entries(labels).sort());

function onlyOf(nodes: readonly Node[]): Node {
  const [only, ...others] = nodes;
  if (only === undefined || others.length > 0) throw new Error('one expression is expected');
  return only;
}
