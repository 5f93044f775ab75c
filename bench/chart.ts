import { figure, median, quantile } from './figures.ts';

export interface Bar {
  readonly name: string;
  /** One of each round. */
  readonly values: readonly number[];
  /** Whether it is drawn in the colour that stands out. */
  readonly ours: boolean;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 860;
const MARGIN = 24;
const LABELS = 240;
/** For the figure after the longest bar. */
const FIGURES = 70;
const LONGEST = WIDTH - 2 * MARGIN - LABELS - FIGURES;
const [ROW, BAR] = [26, 16];
const [HEAD, PANEL_HEAD] = [66, 40];

/** A ground of its own, so that it can be read on a page of any colour. */
const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #1f2937 }
  .ground { fill: #ffffff; stroke: #d1d5db } .head { font-size: 16px; font-weight: 600 }
  .panel { font-weight: 600 } .note { fill: #4b5563 } .figure { font-variant-numeric: tabular-nums }
  .bar { fill: #a3acb9 } .ours .bar { fill: #2f6fde } .ours text { font-weight: 600 }
  .half { stroke: #1f2937; stroke-width: 1.5; fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb } .ground { fill: #161b22; stroke: #3d444d } .note { fill: #b3bac4 }
    .bar { fill: #667180 } .ours .bar { fill: #5b96f5 } .half { stroke: #f3f4f6 }
  }`;

/**
 * Bars as SVG, from 0 on: the median of each, and as a line with ends where the middle half lies. Each panel has a scale of
 * its own. Whoever cannot see it is told all the figures.
 */
export function chart(title: string, note: string, panels: readonly Panel[]): string {
  let y = HEAD;
  const drawn = panels.map((panel) => {
    const text = draw(panel, y);
    y += PANEL_HEAD + panel.bars.length * ROW;
    return text;
  });
  const told = panels.map((panel) => {
    const bars = panel.bars.map(({ name, values }) => `${name} ${figure(median(values))}`);
    return `${panel.title}: ${bars.join(', ')}.`;
  });
  const height = y + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title told">
<title id="title">${escaped(title)}</title>
<desc id="told">${escaped([note, ...told].join(' '))}</desc>
<style>${STYLE}
</style>
<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" />
<text class="head" x="${MARGIN}" y="34">${escaped(title)}</text>
<text class="note" x="${MARGIN}" y="54">${escaped(note)}</text>
${drawn.join('\n')}
</svg>
`;
}

function draw({ title, bars }: Panel, top: number): string {
  const longest = Math.max(...bars.map(({ values }) => quantile(values, 0.75)));
  const lengthOf = (value: number) => Math.round((value / longest) * LONGEST * 10) / 10;
  const from = MARGIN + LABELS;
  const rows = bars.map(({ name, values, ours }, at) => {
    const y = top + PANEL_HEAD + at * ROW;
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => lengthOf(quantile(values, share)));
    const [start, end] = [from + (low ?? 0), from + (high ?? 0)];
    return `<g${ours ? ' class="ours"' : ''}>
<text x="${from - 10}" y="${y + 12.5}" text-anchor="end">${escaped(name)}</text>
<rect class="bar" x="${from}" y="${y}" width="${middle ?? 0}" height="${BAR}" rx="2" />
<path class="half" d="M${start} ${y + 4}v8m0-4H${end}m0-4v8" />
<text class="figure" x="${Math.max(end, from + (middle ?? 0)) + 8}" y="${y + 12.5}">${escaped(figure(median(values)))}</text>
</g>`;
  });
  return [`<text class="panel" x="${MARGIN}" y="${top + 26}">${escaped(title)}</text>`, ...rows].join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}
