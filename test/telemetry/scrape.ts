/** One value, as Prometheus keeps it. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All that was there at one instant. */
export interface Scrape {
  readonly atSeconds: number;
  readonly samples: readonly Sample[];
}

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;

/** As Prometheus does: with the labels of its target, and `up`, which it makes itself. */
export async function scrape(url: string, atSeconds: number): Promise<Scrape> {
  const target = { job: 'scratchpower-gateway', instance: 'one' };
  const text = await fetch(url).then(
    (response) => response.text(),
    () => undefined,
  );
  const up = { name: 'up', labels: target, value: text === undefined ? 0 : 1 };
  const samples = (text ?? '').split('\n').flatMap((line): Sample[] => {
    if (line === '' || line.startsWith('#')) return [];
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined) throw new Error(`no sample: ${line}`);
    const own = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', is = '']) => [
      label,
      is,
    ]);
    return [{ name, labels: { ...Object.fromEntries(own), ...target }, value: Number(value) }];
  });
  return { atSeconds, samples: [...samples, up] };
}
