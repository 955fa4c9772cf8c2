import { type Interval, normalCdf, normalQuantile } from '../statistics.ts';
import { runSpread, spreadMargin, spreadP } from './run-spread.ts';

/** What the weight of functions is counted against. */
export type Normalisation = 'total' | 'task' | 'wall';

/** What a function cost in each run of a side, and how many independent samples that is known from. */
export interface RunCosts {
  /** In the weight's unit, for one task or one second of wall time. */
  readonly costs: readonly number[];
  readonly sizes: readonly number[];
}

export interface CostChange extends Interval {
  readonly before: number;
  readonly after: number;
  readonly delta: number;
  /** Two-sided, uncorrected. */
  readonly p: number;
}

/**
 * How much a cost for one task, or for one second, changed. Samples are counted like any rare event (Poisson), which is
 * as wide as few samples ask for; several runs make it as wide as their own spread asks for (Welch).
 */
export function costChange(before: RunCosts, after: RunCosts, confidence = 0.95): CostChange {
  const b = summary(before);
  const a = summary(after);
  const delta = a.cost - b.cost;
  const spread = runSpread(before.costs, after.costs);
  const sampling = Math.sqrt(b.error ** 2 + a.error ** 2);
  const margin = Math.max(normalQuantile((1 + confidence) / 2) * sampling, spreadMargin(spread, confidence));
  const p = sampling === 0 ? (delta === 0 ? 1 : 0) : 2 * normalCdf(-Math.abs(delta) / sampling);
  return {
    before: b.cost,
    after: a.cost,
    delta,
    low: delta - margin,
    high: delta + margin,
    confidence,
    p: Math.max(Math.min(1, p), spreadP(spread, delta)),
  };
}

/** Mean over the runs, and its standard error from the samples alone. A run without a sample counts as one. */
function summary({ costs, sizes }: RunCosts): { cost: number; error: number } {
  const n = Math.max(1, costs.length);
  const cost = costs.reduce((sum, value) => sum + value, 0) / n;
  const variance = costs.reduce((sum, value, i) => sum + value ** 2 / Math.max(1, sizes[i]!), 0) / n ** 2;
  return { cost, error: Math.sqrt(variance) };
}
