import type { Series, SeriesKind, SeriesSource } from '../../src/model/series.ts';

/** A series drawn as its values, one a second; `.` is a reading that failed, `-` before the series began or after it. */
export function series(
  name: string,
  drawing: string,
  more: { kind?: SeriesKind; unit?: string; labels?: Record<string, string>; bornNs?: number; scale?: number } = {},
): Series {
  const words = drawing.trim().split(/\s+/);
  const first = words.findIndex(word => word !== '-');
  const values = words
    .slice(first)
    .filter(word => word !== '-')
    .map(word => (word === '.' ? Number.NaN : Number(word) * (more.scale ?? 1)));
  const { kind = 'gauge', unit = 'count', labels = {}, bornNs } = more;
  const born = bornNs === undefined ? {} : { bornNs };
  return { name, labels, kind, unit, first, values: Float64Array.from(values), ...born };
}

/** A source that was read once a second, `seconds` times. */
export function source(
  probe: string,
  seconds: number,
  found: readonly Series[],
  more: Partial<SeriesSource> = {},
): SeriesSource {
  return {
    probe,
    target: {},
    intervalMs: 1000,
    originNs: 0n,
    timesNs: Float64Array.from({ length: seconds }, (_, i) => i * 1e9),
    series: found,
    gaps: [],
    documents: [],
    ...more,
  };
}
