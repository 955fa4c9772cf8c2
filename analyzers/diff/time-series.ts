import {
  type Bootstrap,
  bootstrapChange,
  groupedSample,
  mannWhitneyU,
  median,
  normalCdf,
  normalQuantile,
  quantile,
  sortedCopy,
  weightedQuantile,
} from '../statistics.ts';
import { type RunSpread, runSpread, spreadMargin, spreadP } from './run-spread.ts';

/** Durations of one run with the task of each: tasks are what is independent. */
export interface RunValues {
  readonly values: readonly number[];
  readonly tasks: readonly number[];
}

/** One measured thing on both sides, one element a run. */
export interface TimeSeries {
  readonly id: string;
  readonly phase: string;
  /** The quantile that is compared. */
  readonly q: number;
  readonly before: readonly RunValues[];
  readonly after: readonly RunValues[];
}

/** How the two sides are compared: as `after / before − 1`, or as `after − before` in nanoseconds. */
export type ChangeKind = 'relative' | 'absolute';

export interface TimeChange {
  readonly before: number;
  readonly after: number;
  readonly estimate: number;
  /** −∞…∞ where the tasks are too few to say. */
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
}

/** Values looked at in all draws of one series: bounds the time that intervals take on large recordings. */
const RESAMPLING_WORK = 2e7;

/** Change of the quantile. Interval: whole tasks resampled, widened to what the spread of the runs asks for. */
export function timeChange(series: TimeSeries, kind: ChangeKind, confidence = 0.95): TimeChange {
  const { q } = series;
  const before = pool(series.before);
  const after = pool(series.after);
  const count = before.values.length + after.values.length;
  const change = kind === 'relative' ? (b: number, a: number) => a / b - 1 : (b: number, a: number) => a - b;
  const drawn: Bootstrap = bootstrapChange(before, after, weightedQuantile(q), {
    confidence,
    change,
    resamples: Math.round(Math.min(2000, Math.max(400, RESAMPLING_WORK / Math.max(1, count)))),
  });
  const spread = spreadOf(series, kind);
  const margin = spreadMargin(spread, confidence);
  // The spread of a ratio is that of its logarithm: exp takes it back.
  const reach = (sign: 1 | -1): number =>
    kind === 'absolute' ? drawn.estimate + sign * margin : (1 + drawn.estimate) * Math.exp(sign * margin) - 1;
  return {
    before: quantile(before.values, q),
    after: quantile(after.values, q),
    estimate: drawn.estimate,
    low: spread === undefined ? drawn.low : Math.min(drawn.low, reach(-1)),
    high: spread === undefined ? drawn.high : Math.max(drawn.high, reach(1)),
    standardError: Math.max(drawn.standardError, spread?.standardError ?? 0),
  };
}

/**
 * Two-sided p that nothing but `threshold` lies between the sides (0: that there is no change). The median is tested
 * by Mann and Whitney's test on one value a task, other quantiles by their distance in standard errors; where there
 * are several runs, by their spread too, and the larger p counts.
 */
export function timeP(series: TimeSeries, kind: ChangeKind, threshold: number, change: TimeChange): number {
  const distance = change.estimate - threshold;
  const runs = spreadP(
    spreadOf(series, kind),
    kind === 'absolute' ? distance : Math.log(Math.max(1e-9, 1 + change.estimate) / (1 + threshold)),
  );
  if (series.q !== 0.5) {
    const normal = Number.isFinite(change.standardError)
      ? 2 * normalCdf(-Math.abs(distance) / Math.max(change.standardError, Number.MIN_VALUE))
      : 1;
    return Math.max(Math.min(1, normal), runs);
  }
  const moved = taskMedians(series.before).map(v => (kind === 'relative' ? v * (1 + threshold) : v + threshold));
  return Math.max(mannWhitneyU(moved, taskMedians(series.after)).p, runs);
}

/**
 * The smallest true change beyond `threshold` that would have been found 4 times in 5, by the width of the interval as
 * it is: few runs make it wider than standard errors alone say.
 */
export function detectableBeyond(change: TimeChange, kind: ChangeKind, threshold: number, sign: 1 | -1): number {
  const reserve = normalQuantile(0.8) * change.standardError;
  if (kind === 'absolute') {
    return threshold + sign * ((sign > 0 ? change.estimate - change.low : change.high - change.estimate) + reserve);
  }
  const factor = sign > 0 ? (1 + change.estimate) / (1 + change.low) : (1 + change.estimate) / (1 + change.high);
  return (1 + threshold) * factor * Math.exp(sign * reserve) - 1;
}

/** How many tasks of a side have the thing. */
export function taskCount(side: readonly RunValues[]): number {
  return side.reduce((sum, run) => sum + new Set(run.tasks).size, 0);
}

function pool(side: readonly RunValues[]): ReturnType<typeof groupedSample> {
  return groupedSample(
    side.flatMap(run => run.values),
    side.flatMap((run, r) => run.tasks.map(task => `${r} ${task}`)),
  );
}

function spreadOf(series: TimeSeries, kind: ChangeKind): RunSpread | undefined {
  const perRun = (side: readonly RunValues[]): number[] =>
    side
      .filter(run => run.values.length > 0)
      .map(run => quantile(sortedCopy(run.values), series.q))
      .map(value => (kind === 'relative' ? Math.log(Math.max(1, value)) : value));
  return runSpread(perRun(series.before), perRun(series.after));
}

function taskMedians(side: readonly RunValues[]): number[] {
  return side.flatMap(run => {
    const byTask = new Map<number, number[]>();
    for (const [i, task] of run.tasks.entries()) {
      const values = byTask.get(task) ?? [];
      byTask.set(task, values);
      values.push(run.values[i]!);
    }
    return [...byTask.values()].map(values => median(sortedCopy(values)));
  });
}
