import type { LatencyDiff } from './latency-diff.ts';
import type { ProfileDiff } from './profile-diff.ts';

export type Verdict = 'regressed' | 'improved' | 'unchanged' | 'inconclusive';

/** A comparison that could have missed more than this says nothing by finding nothing: relative for times and costs … */
const DETECTABLE_TIME = 0.1;
/** … and half the interval's width for shares, in points of share. */
const DETECTABLE_SHARE = 0.02;

/**
 * One word for the whole. Times decide where there are any: the median latency of a task, then its p95. Without times
 * it is the largest significant change of a function's self share: shares add up to 1, so that what grew most is what
 * became dearer, and what shrank most what became cheaper, while all others move a little the other way.
 */
export function verdictOf(profile: ProfileDiff | undefined, times: LatencyDiff | undefined): Verdict {
  const latencies = times?.latencies ?? [];
  for (const row of latencies) {
    if (row.significant && row.relativeDelta !== null) return row.relativeDelta > 0 ? 'regressed' : 'improved';
  }
  const [median] = latencies;
  if (median !== undefined) {
    return median.detectable !== null && median.detectable <= DETECTABLE_TIME ? 'unchanged' : 'inconclusive';
  }
  if (profile === undefined) return 'inconclusive';
  const largest = profile.functions.find(f => f.significant);
  if (largest !== undefined) return (largest.cost?.delta ?? largest.deltaSelf) > 0 ? 'regressed' : 'improved';
  const tested = profile.functions.filter(f => f.p !== null);
  const sure = tested.every(({ interval: [low, high], cost }) =>
    cost === null
      ? (high - low) / 2 <= DETECTABLE_SHARE
      : (cost.interval[1] - cost.interval[0]) / 2 <= DETECTABLE_TIME * Math.max(cost.before, cost.after),
  );
  return sure && tested.length > 0 ? 'unchanged' : 'inconclusive';
}
