// https://prometheus.io/docs/practices/histograms/#errors-of-quantile-estimation
import type { Series, SeriesSource } from '../src/model/series.ts';
import type { HistogramFigures } from './system-figures-result.ts';
import { totalRise } from './system-figures-series.ts';

interface Parts {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly unit: string;
  readonly buckets: { readonly le: number; readonly series: Series }[];
  sum?: Series;
  count?: Series;
}

/** Histograms of a source with what was observed during the recording; those in which nothing was are left out. */
export function histogramFigures(source: SeriesSource, index: number): HistogramFigures[] {
  const found = new Map<string, Parts>();
  for (const series of source.series) {
    const match = series.kind === 'histogram' ? /^(.*)_(bucket|sum|count)$/.exec(series.name) : null;
    if (match === null) continue;
    const [, name = '', part] = match;
    const { le, ...labels } = series.labels;
    const key = `${name}\0${JSON.stringify(Object.entries(labels).sort())}`;
    let parts = found.get(key);
    if (parts === undefined) {
      parts = {
        name,
        labels,
        unit: /_seconds$/.test(name) ? 'nanoseconds' : /_bytes$/.test(name) ? 'bytes' : '',
        buckets: [],
      };
      found.set(key, parts);
    }
    if (part === 'sum') parts.sum = series;
    else if (part === 'count') parts.count = series;
    else if (le !== undefined) parts.buckets.push({ le: boundOf(le), series });
  }
  return [...found.values()].flatMap(parts => figuresOf(parts, index));
}

function figuresOf({ name, labels, unit, buckets, sum, count }: Parts, source: number): HistogramFigures[] {
  // On the wire a bucket holds those below it, too.
  const bounds = buckets
    .map(({ le, series }) => ({ le: unit === 'nanoseconds' ? le * 1e9 : le, below: totalRise(series) }))
    .sort((a, b) => a.le - b.le);
  const observed = count === undefined ? (bounds.at(-1)?.below ?? 0) : totalRise(count);
  if (observed <= 0) return [];
  const total = sum === undefined ? 0 : totalRise(sum);
  const at = (q: number): number | null => quantileOf(bounds, q * observed);
  return [
    {
      source,
      name,
      labels,
      unit: unit === '' ? (sum?.unit ?? 'count') : unit,
      count: observed,
      sum: total,
      mean: total / observed,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
      buckets: bounds.map(({ le, below }, i) => ({
        le: Number.isFinite(le) ? le : null,
        count: below - (bounds[i - 1]?.below ?? 0),
      })),
    },
  ];
}

function quantileOf(bounds: readonly { readonly le: number; readonly below: number }[], rank: number): number | null {
  let lower = 0;
  let before = 0;
  for (const { le, below } of bounds) {
    if (below >= rank) {
      if (!Number.isFinite(le)) return null;
      return below === before ? le : lower + ((le - lower) * (rank - before)) / (below - before);
    }
    lower = le;
    before = below;
  }
  return null;
}

function boundOf(text: string): number {
  return /^\+?inf$/i.test(text) ? Number.POSITIVE_INFINITY : Number(text);
}
