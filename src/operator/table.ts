import Table from 'cli-table3';

import { printable } from './terminal.ts';

/** Two blanks between columns and no frame: easy to read, to grep and to copy. */
const plain = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  ...{ left: '', right: '', middle: '  ' },
};
/** Where a long text is wrapped. */
const WIDEST = 72;

/** A table for a person; a last column of long texts is wrapped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    chars: plain,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) made.push(row.map((cell) => wrapped(printable(cell))));
  return trimmed(made.toString());
}

/** A name and a value a line. */
export function facts(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  const known = pairs.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
  return table([], known);
}

function wrapped(text: string): string {
  // What has no blank stays whole, so that it can be copied and found.
  return text.replace(new RegExp(`(?=.{${WIDEST + 1}})(.{1,${WIDEST}}) `, 'g'), '$1\n');
}

function trimmed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
