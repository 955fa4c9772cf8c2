import { holm, quantile, sortedCopy } from '../statistics.ts';
import type { RunTimes, TaskTimes, Timed } from './run-times.ts';
import { detectableBeyond, type RunValues, type TimeSeries, taskCount, timeChange, timeP } from './time-series.ts';

/** A row of `latencies`, `operations` and `phases`. */
export interface TimeDiff {
  readonly id: string;
  /** '' for the latency of a whole task. */
  readonly phase: string;
  readonly quantile: number;
  /** The quantile on each side, in `unit`; null where the side does not have it. */
  readonly before: number | null;
  readonly after: number | null;
  readonly unit: 'nanoseconds';
  /** Tasks that it is known from. */
  readonly beforeTasks: number;
  readonly afterTasks: number;
  /** after / before − 1. */
  readonly relativeDelta: number | null;
  /** 95 %, of `relativeDelta`; null where the tasks are too few for one. */
  readonly interval: readonly [low: number, high: number] | null;
  /** Corrected for how many rows of the list were tested (Holm). */
  readonly p: number | null;
  readonly significant: boolean;
  /** The smallest true relative growth that this comparison would have found 4 times in 5. */
  readonly detectable: number | null;
}

export interface LatencyDiff {
  readonly latencies: readonly TimeDiff[];
  readonly operations: readonly TimeDiff[];
  readonly phases: readonly TimeDiff[];
  readonly series: {
    readonly latencies: readonly TimeSeries[];
    readonly operations: readonly TimeSeries[];
    readonly phases: readonly TimeSeries[];
  };
}

/** Compares task latency (p50, p95), operations and phases (p50 of one occurrence) between two sets of runs. */
export function diffTimes(before: readonly RunTimes[], after: readonly RunTimes[]): LatencyDiff {
  const series = timeSeries(before, after);
  return {
    latencies: rows(series.latencies),
    operations: largestFirst(rows(series.operations)),
    phases: largestFirst(rows(series.phases)),
    series,
  };
}

/** Everything that can be compared, both sides of it side by side. */
export function timeSeries(before: readonly RunTimes[], after: readonly RunTimes[]): LatencyDiff['series'] {
  const hasLatency = [...before, ...after].some(run => run.tasks.some(task => task.latencyNs !== undefined));
  const latency = (task: TaskTimes): number[] => (task.latencyNs === undefined ? [] : [task.latencyNs]);
  return {
    latencies: (hasLatency ? [0.5, 0.95] : []).map(q => ({
      id: `p${q * 100}`,
      phase: '',
      q,
      before: before.map(run => valuesOf(run, latency)),
      after: after.map(run => valuesOf(run, latency)),
    })),
    operations: namedSeries(before, after, task => task.operations),
    phases: namedSeries(before, after, task => task.phases),
  };
}

function namedSeries(
  before: readonly RunTimes[],
  after: readonly RunTimes[],
  timed: (task: TaskTimes) => readonly Timed[],
): TimeSeries[] {
  const runs = [...before, ...after];
  const found = new Map<string, { id: string; phase: string; runs: { values: number[]; tasks: number[] }[] }>();
  for (const [r, run] of runs.entries()) {
    for (const [t, task] of run.tasks.entries()) {
      for (const { phase, id, durationNs } of timed(task)) {
        let entry = found.get(`${phase}\0${id}`);
        if (entry === undefined) {
          entry = { id, phase, runs: runs.map(() => ({ values: [], tasks: [] })) };
          found.set(`${phase}\0${id}`, entry);
        }
        entry.runs[r]!.values.push(durationNs);
        entry.runs[r]!.tasks.push(t);
      }
    }
  }
  return [...found.values()].map(({ id, phase, runs: values }) => ({
    id,
    phase,
    q: 0.5,
    before: values.slice(0, before.length),
    after: values.slice(before.length),
  }));
}

function valuesOf(run: RunTimes, of: (task: TaskTimes) => number[]): RunValues {
  const values: number[] = [];
  const tasks: number[] = [];
  for (const [t, task] of run.tasks.entries()) {
    for (const value of of(task)) {
      values.push(value);
      tasks.push(t);
    }
  }
  return { values, tasks };
}

function rows(series: readonly TimeSeries[]): TimeDiff[] {
  const drafts = series.map(one => {
    const beforeTasks = taskCount(one.before);
    const afterTasks = taskCount(one.after);
    const both = beforeTasks > 0 && afterTasks > 0;
    const change = both ? timeChange(one, 'relative') : undefined;
    return {
      one,
      beforeTasks,
      afterTasks,
      change,
      p: change === undefined ? undefined : timeP(one, 'relative', 0, change),
    };
  });
  const tested = drafts.filter(draft => draft.p !== undefined);
  const corrected = new Map(holm(tested.map(draft => draft.p!)).map((p, i) => [tested[i]!, p]));
  return drafts.map(draft => {
    const { one, beforeTasks, afterTasks, change } = draft;
    const sideAlone = change === undefined ? oneSide(one) : undefined;
    const finite = change !== undefined && Number.isFinite(change.low) && Number.isFinite(change.high);
    const detectable = finite ? detectableBeyond(change, 'relative', 0, 1) : undefined;
    const p = corrected.get(draft) ?? null;
    return {
      id: one.id,
      phase: one.phase,
      quantile: one.q,
      before: change?.before ?? (beforeTasks > 0 ? (sideAlone ?? null) : null),
      after: change?.after ?? (afterTasks > 0 ? (sideAlone ?? null) : null),
      unit: 'nanoseconds',
      beforeTasks,
      afterTasks,
      relativeDelta: change !== undefined && Number.isFinite(change.estimate) ? change.estimate : null,
      interval: finite ? [change.low, change.high] : null,
      p,
      significant: p !== null && p < 0.05 && finite && (change.low > 0 || change.high < 0),
      detectable: detectable !== undefined && Number.isFinite(detectable) ? detectable : null,
    };
  });
}

/** The quantile of what only one side has. */
function oneSide(series: TimeSeries): number {
  const runs = series.before.some(run => run.values.length > 0) ? series.before : series.after;
  return quantile(sortedCopy(runs.flatMap(run => run.values)), series.q);
}

function largestFirst(list: readonly TimeDiff[]): TimeDiff[] {
  const size = (row: TimeDiff): number =>
    row.relativeDelta === null ? Number.POSITIVE_INFINITY : Math.abs(row.relativeDelta);
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...list].sort((a, b) => {
    const x = size(a);
    const y = size(b);
    return (x === y ? 0 : y - x) || compare(a.phase, b.phase) || compare(a.id, b.id);
  });
}
