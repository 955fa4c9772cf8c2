import { type Interval, meanAndDeviation, quantile, quantileInterval, sortedCopy } from '../../analyzers/statistics.ts';
import type { TaskResult } from '../../examples/tasker-lite/run.ts';
import type { Scenario } from '../../examples/tasker-lite/scenarios.ts';
import { Warnings } from '../base/warnings.ts';
import type { ResultHeader } from '../model/result.ts';

/** `tprof.e2e/1`: what the client of a run saw. */
export interface E2eResult extends ResultHeader<'e2e'> {
  readonly scenario: {
    readonly id: string;
    readonly namespace: string;
    readonly name: string;
    readonly version: string;
  };
  readonly target: {
    /** False where `--cluster` drove a Tasker that was there already. */
    readonly embedded: boolean;
    readonly urls: readonly string[];
    /** What carries the messages of the embedded workload; of another Tasker it is not known. */
    readonly messaging?: 'postgresql' | 'rabbitmq';
    readonly processes: readonly { readonly kind: string; readonly instance: string; readonly pid: number }[];
  };
  readonly concurrency: number;
  readonly requested: number;
  readonly failed: number;
  /** Ended early, by a signal. */
  readonly aborted: boolean;
  readonly wallNs: number;
  /** Tasks that completed, per second of `wallNs`. */
  readonly throughputPerS: number;
  /** Over the tasks that completed; from the request to the news of the end. */
  readonly latency: LatencyFigures;
  /** In the order in which they ended. */
  readonly tasks: readonly {
    readonly taskUuid: string;
    readonly status: string;
    readonly startNs: number;
    readonly latencyNs: number;
    /** With `--slow-in-turn`: whether it was of a slow round. */
    readonly slowed?: boolean;
  }[];
}

export interface LatencyFigures {
  readonly count: number;
  readonly minNs: number | null;
  readonly meanNs: number | null;
  readonly stddevNs: number | null;
  readonly maxNs: number | null;
  readonly p50Ns: number | null;
  readonly p95Ns: number | null;
  readonly p99Ns: number | null;
  /** Where the true quantiles lie; null where there are too few tasks to say. */
  readonly intervals: { readonly p50: Interval | null; readonly p95: Interval | null; readonly p99: Interval | null };
}

/** Below these, a quantile is one of the largest values and no more: 1 / (1 − q). */
export const TASKS_FOR = { p95: 20, p99: 100 } as const;

export function e2eResult(run: {
  scenario: Scenario;
  target: E2eResult['target'];
  concurrency: number;
  requested: number;
  aborted: boolean;
  wallMs: number;
  tasks: readonly TaskResult[];
  /** Time between two looks at a task, where there was no better news. */
  pollMs: number | undefined;
}): E2eResult {
  const { tasks } = run;
  const epochNs = BigInt(Math.floor(Math.min(...tasks.map(task => task.startedUnixMs), Date.now()))) * 1_000_000n;
  const epochMs = Number(epochNs / 1_000_000n);
  const completed = tasks.filter(task => task.status === 'complete');
  const warnings = new Warnings();
  if (completed.length > 0 && completed.length < TASKS_FOR.p95) {
    warnings.add(
      'few-tasks',
      `${completed.length} tasks are too few for p95 and p99: they say no more than the largest value`,
    );
  } else if (completed.length > 0 && completed.length < TASKS_FOR.p99) {
    warnings.add('few-tasks', `${completed.length} tasks are too few for p99: it says no more than the largest value`);
  }
  if (run.pollMs !== undefined) {
    warnings.add(
      'polled-latency',
      `the end of a task was looked for every ${run.pollMs} ms: latencies are too large by up to that`,
    );
  }
  return {
    schema: 'tprof.e2e/1',
    epochNs: String(epochNs),
    inputs: [],
    warnings: warnings.list(),
    scenario: {
      id: run.scenario.id,
      namespace: run.scenario.namespace,
      name: run.scenario.name,
      version: run.scenario.version,
    },
    target: run.target,
    concurrency: run.concurrency,
    requested: run.requested,
    failed: tasks.length - completed.length,
    aborted: run.aborted,
    wallNs: Math.round(run.wallMs * 1e6),
    throughputPerS: run.wallMs > 0 ? completed.length / (run.wallMs / 1000) : 0,
    latency: latencyFigures(completed.map(task => Math.round(task.latencyMs * 1e6))),
    tasks: tasks.map(task => ({
      taskUuid: task.taskUuid,
      status: task.status,
      startNs: Math.round((task.startedUnixMs - epochMs) * 1e6),
      latencyNs: Math.round(task.latencyMs * 1e6),
      ...(task.slowed === undefined ? {} : { slowed: task.slowed }),
    })),
  };
}

function latencyFigures(latenciesNs: readonly number[]): LatencyFigures {
  const sorted = sortedCopy(latenciesNs);
  const count = sorted.length;
  const q = (p: number): number | null => (count === 0 ? null : quantile(sorted, p));
  const { mean, deviation } = meanAndDeviation(sorted);
  return {
    count,
    minNs: q(0),
    meanNs: count === 0 ? null : mean,
    stddevNs: count < 2 ? null : deviation,
    maxNs: q(1),
    p50Ns: q(0.5),
    p95Ns: q(0.95),
    p99Ns: q(0.99),
    intervals: {
      p50: quantileInterval(sorted, 0.5) ?? null,
      p95: quantileInterval(sorted, 0.95) ?? null,
      p99: quantileInterval(sorted, 0.99) ?? null,
    },
  };
}
