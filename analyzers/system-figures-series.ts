import type { Series, SeriesSource } from '../src/model/series.ts';
import { quantile, sortedCopy } from './statistics.ts';
import type { SeriesFigures } from './system-figures-result.ts';

/** Rates of a counter at each of its times; the first is known only where the counter is known to have begun at 0. */
export function rates(series: Series, timesNs: Float64Array): Float64Array {
  const { values, first, bornNs, unit } = series;
  const result = new Float64Array(values.length).fill(Number.NaN);
  let before = bornNs === undefined ? Number.NaN : 0;
  let beforeNs = bornNs ?? 0;
  const scale = unit === 'nanoseconds' ? 1 : 1e9;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    const atNs = timesNs[first + i]!;
    if (!Number.isNaN(before) && atNs > beforeNs) {
      result[i] = (rise(before, value) / (atNs - beforeNs)) * scale;
    }
    before = value;
    beforeNs = atNs;
  }
  return result;
}

/** What a counter rose by from `before` to `after`; one that fell has begun anew at 0. */
function rise(before: number, after: number): number {
  return after >= before ? after - before : after;
}

/** What a counter rose by during the recording, restarts included. */
export function totalRise({ values, bornNs }: Series): number {
  let before = bornNs === undefined ? Number.NaN : 0;
  let total = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    if (!Number.isNaN(before)) total += rise(before, value);
    before = value;
  }
  return total;
}

/** A series as its figures; undefined where it never had one. */
export function seriesFigures(series: Series, source: SeriesSource, index: number): SeriesFigures | undefined {
  const counts = series.kind !== 'gauge';
  const values = counts ? rates(series, source.timesNs) : series.values;
  const summary = summarise(values);
  if (summary === undefined) return undefined;
  const { name, labels, kind, first } = series;
  const constant = source.probe === 'prometheus' && summary.min === summary.max && !series.values.some(Number.isNaN);
  return {
    source: index,
    name,
    labels,
    kind,
    unit: counts ? rateUnit(series.unit) : series.unit,
    first,
    values: constant ? [] : toJson(values),
    ...(constant ? { constant } : {}),
    ...summary,
    ...(counts ? { total: totalRise(series) } : {}),
  };
}

export function summarise(
  values: Float64Array,
): Pick<SeriesFigures, 'min' | 'median' | 'max' | 'mean' | 'last'> | undefined {
  const known = values.filter(value => !Number.isNaN(value));
  if (known.length === 0) return undefined;
  const sorted = sortedCopy(known);
  let sum = 0;
  for (const value of known) sum += value;
  return {
    min: sorted[0]!,
    median: quantile(sorted, 0.5),
    max: sorted[sorted.length - 1]!,
    mean: sum / known.length,
    last: known[known.length - 1]!,
  };
}

/** Not-a-number is no JSON. */
export function toJson(values: Float64Array): (number | null)[] {
  return Array.from(values, value => (Number.isNaN(value) ? null : value));
}

/** Nanoseconds a nanosecond are a share: of one processor, of the time. */
export function rateUnit(unit: string): string {
  return unit === 'nanoseconds' ? 'share' : `${unit}/s`;
}

/** The sum of several series at each time of their source; not-a-number only where none has a value. */
export function sumOf(columns: readonly { readonly first: number; readonly values: Float64Array }[]): {
  readonly first: number;
  readonly values: Float64Array;
} {
  const first = Math.min(...columns.map(column => column.first));
  const end = Math.max(...columns.map(column => column.first + column.values.length));
  const values = new Float64Array(end - first).fill(Number.NaN);
  for (const column of columns) {
    for (let i = 0; i < column.values.length; i++) {
      const value = column.values[i]!;
      const at = column.first - first + i;
      if (!Number.isNaN(value)) values[at] = (Number.isNaN(values[at]!) ? 0 : values[at]!) + value;
    }
  }
  return { first, values };
}
