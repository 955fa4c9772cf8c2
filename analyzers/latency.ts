import { Warnings } from '../src/base/warnings.ts';
import type { ResultHeader } from '../src/model/result.ts';
import type { Trace } from '../src/model/trace.ts';
import { selfTimeNs } from './self-time.ts';
import { buildSpanForest, type SpanForest, type SpanPredicate } from './span-forest.ts';
import { SpanOperations } from './span-operations.ts';
import {
  bootstrapQuantiles,
  groupedSample,
  type Interval,
  meanAndDeviation,
  quantile,
  quantileInterval,
} from './statistics.ts';

export interface LatencyResult extends ResultHeader<'latency'> {
  /** By total time, then service, then name. */
  readonly operations: readonly OperationLatency[];
}

export interface OperationLatency {
  readonly service: string;
  readonly name: string;
  readonly count: number;
  /** Traces that the spans are from: what the intervals treat as independent. */
  readonly traces: number;
  /** Spans with status error. */
  readonly errors: number;
  readonly totalNs: number;
  /** Time in which no child ran. */
  readonly selfNs: number;
  readonly meanNs: number;
  readonly stddevNs: number;
  readonly minNs: number;
  readonly maxNs: number;
  readonly p50Ns: number;
  readonly p95Ns: number;
  readonly p99Ns: number;
  /** 95 % confidence intervals of the three; null where there is too little data for one. */
  readonly p50IntervalNs: readonly [low: number, high: number] | null;
  readonly p95IntervalNs: readonly [low: number, high: number] | null;
  readonly p99IntervalNs: readonly [low: number, high: number] | null;
}

export interface LatencyOptions {
  readonly inputs?: readonly string[];
  readonly exclude?: SpanPredicate | undefined;
  readonly traces?: ReadonlySet<number> | undefined;
  /** Seed of the resampling; the same data and seed always give the same intervals. */
  readonly seed?: number;
  /** A forest of the same trace, where the caller has one already. */
  readonly forest?: SpanForest;
}

const QUANTILES = [0.5, 0.95, 0.99] as const;
/** Values looked at in all draws of one operation: bounds the time that intervals take on large recordings. */
const RESAMPLING_WORK = 2e7;

/**
 * How long spans of each (service, name) took. Quantiles are exact (see `quantile`). Where spans of one operation
 * share traces they share queues and luck, so intervals come from resampling whole traces; where every span is from
 * its own trace, from order statistics.
 */
export function analyzeLatency(trace: Trace, options: LatencyOptions = {}): LatencyResult {
  const forest = options.forest ?? buildSpanForest(trace, options);
  const self = selfTimeNs(forest);
  const operations = new SpanOperations(trace);
  const rowsOf: number[][] = [];
  for (let span = 0; span < forest.length; span++) {
    if (forest.kept[span] === 0 || options.traces?.has(trace.spans.trace[span]!) === false) continue;
    const index = operations.indexOf(span);
    const rows = rowsOf[index];
    if (rows === undefined) rowsOf[index] = [span];
    else rows.push(span);
  }
  const warnings = new Warnings();
  warnings.merge(trace.warnings);
  warnings.merge(forest.warnings.list());
  return {
    schema: 'tprof.latency/1',
    epochNs: String(trace.epochNs),
    inputs: options.inputs ?? [trace.name],
    warnings: warnings.list(),
    operations: rowsOf
      .map((rows, index) => ({
        ...operations.list[index]!,
        ...describe(trace, forest, self, rows, options.seed ?? 1),
      }))
      .sort((a, b) => b.totalNs - a.totalNs || compareText(a.service, b.service) || compareText(a.name, b.name)),
  };
}

function describe(
  trace: Trace,
  forest: SpanForest,
  self: Float64Array,
  rows: readonly number[],
  seed: number,
): Omit<OperationLatency, 'service' | 'name'> {
  const durations = Float64Array.from(rows, row => forest.endNs[row]! - forest.startNs[row]!);
  const { mean, deviation } = meanAndDeviation(durations);
  const sample = groupedSample(
    durations,
    Uint32Array.from(rows, row => trace.spans.trace[row]!),
  );
  const sorted = sample.values;
  const independent = sample.groupCount === rows.length;
  const intervals = independent
    ? QUANTILES.map(q => quantileInterval(sorted, q))
    : bootstrapQuantiles(sample, QUANTILES, {
        seed,
        resamples: Math.round(Math.min(1000, Math.max(100, RESAMPLING_WORK / rows.length))),
      });
  const interval = (i: number): [number, number] | null => pair(intervals?.[i], sample.groupCount, QUANTILES[i]!);
  let errors = 0;
  let selfNs = 0;
  let totalNs = 0;
  for (const [i, row] of rows.entries()) {
    if (trace.spans.status[row] === 2) errors++;
    selfNs += self[row]!;
    totalNs += durations[i]!;
  }
  return {
    count: rows.length,
    traces: sample.groupCount,
    errors,
    totalNs,
    selfNs,
    meanNs: mean,
    stddevNs: deviation,
    minNs: sorted[0]!,
    maxNs: sorted.at(-1)!,
    p50Ns: quantile(sorted, 0.5),
    p95Ns: quantile(sorted, 0.95),
    p99Ns: quantile(sorted, 0.99),
    p50IntervalNs: interval(0),
    p95IntervalNs: interval(1),
    p99IntervalNs: interval(2),
  };
}

/** Resampling few traces cannot reach into a tail that none of them shows: then there is no interval to give. */
function pair(interval: Interval | undefined, groups: number, q: number): [number, number] | null {
  if (interval === undefined || groups * Math.min(q, 1 - q) < 1 || groups < 6) return null;
  return [interval.low, interval.high];
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
