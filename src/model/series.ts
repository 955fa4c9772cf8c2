/**
 * Figures over time, as probes read them while a recording ran. All series of one source share its times:
 *
 *     source.timesNs:   t0    t1    t2    t3    t4
 *     series A (first 0) 3     4    NaN    5     7        NaN: nothing could be read
 *     series B (first 2)             8     8              ended before t4
 */
export interface SeriesSource {
  /** Id of the probe: `process`, `postgres`, … */
  readonly probe: string;
  /** What was looked at, without credentials; attribute names of OpenTelemetry where there is one (`server.address`). */
  readonly target: Readonly<Record<string, string | number>>;
  readonly intervalMs: number;
  /** Nanoseconds on the monotonic clock after `originNs`, rising. */
  readonly timesNs: Float64Array;
  /** Of the monotonic clock (CLOCK_MONOTONIC). */
  readonly originNs: bigint;
  readonly series: readonly Series[];
  readonly gaps: readonly SeriesGap[];
  readonly documents: readonly SeriesDocument[];
}

export interface Series {
  /** `process.cpu`, `postgres.connections`, or the name that the watched program gave it. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: SeriesKind;
  /** `nanoseconds`, `bytes`, `count`, `share`, or a word of the watched program. */
  readonly unit: string;
  /** Index into the source's `timesNs` of the first value. */
  readonly first: number;
  readonly values: Float64Array;
  /** When it was 0: a counter whose first stretch counts as well. On the clock of `timesNs`. */
  readonly bornNs?: number;
}

/** `counter`: only rises, but for restarts; its rate is what tells. The parts of a histogram are counters. */
export type SeriesKind = 'gauge' | 'counter' | 'histogram';

/** A stretch in which nothing could be read. */
export interface SeriesGap {
  readonly fromNs: number;
  readonly toNs: number;
  readonly missed: number;
  readonly why: string;
}

/** What is no number over time: table statistics, statements; read now and then. */
export interface SeriesDocument {
  readonly atNs: number;
  readonly name: string;
  readonly value: unknown;
}

/** The value at an index of the source's times; not-a-number outside of the series. */
export function seriesValueAt(series: Series, time: number): number {
  const index = time - series.first;
  return index >= 0 && index < series.values.length ? series.values[index]! : Number.NaN;
}

/** The last document of that name; undefined where there is none. */
export function lastDocument(source: SeriesSource, name: string): SeriesDocument | undefined {
  return source.documents.findLast(document => document.name === name);
}

/** The first document of that name; undefined where there is none. */
export function firstDocument(source: SeriesSource, name: string): SeriesDocument | undefined {
  return source.documents.find(document => document.name === name);
}
