import { describe, expect, it } from 'vitest';

import { chart } from '../../bench/chart.ts';

const bar = (name: string, ...values: number[]) => ({ name, values, ours: false });
const numbers = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map(([, text]) => Number(text));
const lengths = (svg: string) => numbers(svg, /<rect class="bar"[^>]* width="([\d.]+)"/g);

describe('the chart of a benchmark', () => {
  it('draws each bar as long as its median is, from 0 on, on the scale of its panel', () => {
    const svg = chart('t', 'n', [
      { title: 'a', bars: [bar('one', 1_000, 1_000, 1_000), bar('half', 1, 500, 900), bar('none', 0)] },
      { title: 'b', bars: [bar('few', 2), bar('fewer', 1)] },
    ]);
    const [one = 0, half, none, few, fewer] = lengths(svg);
    expect(one).toBeGreaterThan(100);
    expect([half, none, few, fewer]).toStrictEqual([one / 2, 0, one, one / 2]);
  });

  it('draws the middle half from quarter to quarter, and all of it within the picture', () => {
    const svg = chart('t', 'n', [{ title: 'a', bars: [bar('wide', 0, 100, 200, 300, 400)] }]);
    const [from = NaN] = numbers(svg, /<rect class="bar" x="([\d.]+)"/g);
    const [start = NaN] = numbers(svg, /d="M([\d.]+) /g);
    const [end = NaN] = numbers(svg, /H([\d.]+)/g);
    const [length = NaN] = lengths(svg);
    expect((start - from) / length).toBeCloseTo(0.5, 2);
    expect((end - from) / length).toBeCloseTo(1.5, 2);
    expect(end).toBeLessThan(Number(/ width="(\d+)"/.exec(svg)?.[1]));
  });

  it('says all the figures to whoever cannot see it, and takes no text for markup', () => {
    const svg = chart('a < b & "c"', '<script>', [{ title: '</desc>', bars: [bar('x & <y>', 12_345)] }]);
    expect(svg).toContain('<title id="title">a &lt; b &amp; &quot;c&quot;</title>');
    expect(svg).toContain('&lt;script&gt; &lt;/desc&gt;: x &amp; &lt;y&gt; 12,300.</desc>');
    expect(svg).not.toMatch(/<script|<y>|& /);
    expect(svg.match(/<\/desc>/g)).toHaveLength(1);
  });
});
