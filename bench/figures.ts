import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

import prettier from 'prettier';

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** By linear interpolation between the two nearest. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined) return NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** With as many digits as say something: 12,300 · 123 · 12.3 · 1.23 · 0.123. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

/** `12.3 (11.9–12.8)`: the median, and between which two the middle half lies. */
export function spread(values: readonly number[]): string {
  return `${figure(median(values))} (${figure(quantile(values, 0.25))}–${figure(quantile(values, 0.75))})`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** `2 × AMD EPYC, 24 GiB, Linux 6.1; Node.js 20.20.2`, and what else is named. */
export function machine(...more: readonly string[]): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const here = `${availableParallelism()} × ${cpu?.model ?? 'unknown processor'}, ${memory} GiB, Linux ${release().split('.', 2).join('.')}`;
  return [`${here}; Node.js ${process.versions.node}`, ...more].join(', ');
}

/** Puts the text between `<!-- bench:NAME -->` and `<!-- /bench -->` of the page, in the house's format. */
export async function publish(page: string, name: string, text: string): Promise<void> {
  const before = await readFile(page, 'utf8');
  const [start, end] = [`<!-- bench:${name} -->`, '<!-- /bench -->'];
  const from = before.indexOf(start);
  const until = before.indexOf(end, from);
  if (from < 0 || until < 0) throw new Error(`${page} has no place for "${name}"`);
  const told = `${before.slice(0, from + start.length)}\n\n${text}\n\n${before.slice(until)}`;
  const style = (await prettier.resolveConfig(page)) ?? {};
  await writeFile(page, await prettier.format(told, { ...style, filepath: page }));
}

/** The commit that is measured, and whether it is as committed. */
export function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'src', 'sandbox') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
}
