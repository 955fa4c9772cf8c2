import { median, normalQuantile, type Shift, shiftBetween, shiftOfPairs, sortedCopy } from '../statistics.ts';
import { runSpread, spreadMargin } from './run-spread.ts';
import type { ChangeKind, RunValues, TimeChange, TimeSeries } from './time-series.ts';

/**
 * How much longer the typical task takes: the change of the median that gates ask about, known as well as the tasks
 * allow. By ranks (Hodges and Lehmann), which needs fewer tasks than resampling medians does for the same precision.
 *
 * Where both sides ran the same tasks in the same order, run by run, the first is compared with the first, the second with
 * the second: what the place in a run does to a task (caches that fill, connections that open) is no noise then. Decided
 * by how the runs were made, never by what they show.
 */
export function typicalChange(series: TimeSeries, kind: ChangeKind, confidence: number): TypicalChange {
  const take = (ns: number): number => (kind === 'relative' ? Math.log(Math.max(1, ns)) : ns);
  const give = (shift: number): number => (kind === 'relative' ? Math.exp(shift) - 1 : shift);
  const before = series.before.map(run => taskMedians(run, take));
  const after = series.after.map(run => taskMedians(run, take));
  const pairs = pairsOf(before, after);
  // Fewer pairs than this cannot leave an interval of this confidence at all, where unpaired values may.
  const paired = pairs !== undefined && 2 ** (1 - pairs.length) <= 1 - confidence;
  const shift: Shift = paired ? shiftOfPairs(pairs, confidence) : shiftBetween(allOf(before), allOf(after), confidence);
  const spread = runSpread(middlesOf(before), middlesOf(after));
  const margin = spreadMargin(spread, confidence);
  const low = Math.min(shift.low, shift.estimate - margin);
  const high = Math.max(shift.high, shift.estimate + margin);
  const reach = (shift.high - shift.low) / (2 * normalQuantile((1 + confidence) / 2));
  const [b, a] = [series.before, series.after].map(side => median(sortedCopy(side.flatMap(run => run.values))));
  return {
    before: b!,
    after: a!,
    median: kind === 'relative' ? a! / b! - 1 : a! - b!,
    estimate: give(shift.estimate),
    low: give(low),
    high: give(high),
    standardError: Math.max(reach, spread?.standardError ?? 0),
    paired,
  };
}

export interface TypicalChange extends TimeChange {
  /** Of the medians themselves. */
  readonly median: number;
  readonly paired: boolean;
}

/** One value a task, by the task's place in its run. */
type TaskValues = ReadonlyMap<number, number>;

function taskMedians(run: RunValues, take: (ns: number) => number): TaskValues {
  const byTask = new Map<number, number[]>();
  for (const [i, task] of run.tasks.entries()) {
    const values = byTask.get(task) ?? [];
    byTask.set(task, values);
    values.push(run.values[i]!);
  }
  return new Map([...byTask].map(([task, values]) => [task, take(median(sortedCopy(values)))]));
}

/** Differences of tasks in the same place of runs in the same place; undefined where the two sides were not run alike. */
function pairsOf(before: readonly TaskValues[], after: readonly TaskValues[]): number[] | undefined {
  if (before.length !== after.length) return undefined;
  const pairs: number[] = [];
  for (const [r, one] of before.entries()) {
    const other = after[r]!;
    if (one.size !== other.size) return undefined;
    for (const [task, value] of one) {
      const opposite = other.get(task);
      if (opposite === undefined) return undefined;
      pairs.push(opposite - value);
    }
  }
  return pairs;
}

function allOf(side: readonly TaskValues[]): number[] {
  return side.flatMap(run => [...run.values()]);
}

/** The middle of each run by the same kind of estimate: known better than its median, and as little moved by outliers. */
function middlesOf(side: readonly TaskValues[]): number[] {
  return side.filter(run => run.size > 0).map(run => shiftOfPairs([...run.values()], 0.5).estimate);
}
