import type { RunTimes } from '../../../analyzers/diff/run-times.ts';
import { normal, type Random } from './sampled-profile.ts';

/** How task latencies of one program are spread: coefficient of variation within a run, and of the runs' medians. */
export interface LatencySpread {
  readonly within: number;
  readonly between: number;
  /** How much longer the first task of a run takes; less with each after it. */
  readonly warmUp?: number;
}

/** A run of `tasks` tasks of 300 ms · `factor`, log-normal, the whole run a little faster or slower by `between`. */
export function simulatedRun(tasks: number, factor: number, spread: LatencySpread, random: Random): RunTimes {
  const run = 3e8 * factor * Math.exp(spread.between * normal(random));
  return {
    name: 'simulated',
    leftOut: 0,
    tasks: Array.from({ length: tasks }, (_, t) => ({
      id: `task ${t}`,
      latencyNs: run * (1 + (spread.warmUp ?? 0) / 2 ** (2 * t)) * Math.exp(spread.within * normal(random)),
      operations: [],
      phases: [],
    })),
  };
}
