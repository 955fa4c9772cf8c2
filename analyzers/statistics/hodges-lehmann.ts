import { normalQuantile } from './normal.ts';
import { type Interval, quantile } from './quantile.ts';

/** How far one sample lies from another; infinite bounds where the values are too few for the confidence. */
export interface Shift extends Interval {
  readonly estimate: number;
}

/** Up to this many values, distributions are counted out instead of approximated. */
const EXACT_LIMIT = 60;

/** Differences looked at in one interval: beyond that, evenly spaced quantiles stand for the values. */
const MOST_PAIRS = 4_000_000;

/**
 * The shift from `before` to `after` by Hodges and Lehmann (1963): the median of all differences, with the interval that
 * Mann and Whitney's test leaves (Bauer 1972). 95 % as sure as the mean where values are normal, and hardly moved by
 * outliers.
 */
export function shiftBetween(before: readonly number[], after: readonly number[], confidence: number): Shift {
  const b = thinned(before);
  const a = thinned(after);
  const differences = new Float64Array(b.length * a.length);
  for (let i = 0; i < b.length; i++) for (let j = 0; j < a.length; j++) differences[i * a.length + j] = a[j]! - b[i]!;
  const deviation = Math.sqrt((b.length * a.length * (b.length + a.length + 1)) / 12);
  const thinning = (before.length * after.length) / Math.max(1, differences.length);
  return byRanks(differences, confidence, rankSumCounts(b.length, a.length), deviation, thinning);
}

/**
 * The same for values that belong together two by two, as `after − before` each: the median of the means of all pairs
 * of differences, with the interval of Wilcoxon's signed ranks (Tukey 1949). What both values of a pair share is gone.
 */
export function shiftOfPairs(pairs: readonly number[], confidence: number): Shift {
  const d = thinned(pairs);
  const n = d.length;
  const means = new Float64Array((n * (n + 1)) / 2);
  let at = 0;
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) means[at++] = (d[i]! + d[j]!) / 2;
  const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24);
  return byRanks(means, confidence, signedRankCounts(n), deviation, pairs.length / Math.max(1, n));
}

/** Interval between the k-th smallest and the k-th largest, where the statistic is below k with half of what may err. */
function byRanks(
  values: Float64Array,
  confidence: number,
  counts: Float64Array | undefined,
  deviation: number,
  thinning: number,
): Shift {
  values.sort();
  const estimate = quantile(values, 0.5);
  const tail = (1 - confidence) / 2;
  const k =
    counts === undefined
      ? // Fewer values stand for more: the interval is as wide as theirs would be.
        Math.floor(values.length / 2 + (normalQuantile(tail) * deviation) / Math.sqrt(thinning) - 0.5)
      : lastBelow(counts, tail);
  if (k < 0 || values.length === 0) {
    return { estimate, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, confidence };
  }
  return { estimate, low: values[k]!, high: values[values.length - 1 - k]!, confidence };
}

/** The largest k with P(statistic ≤ k) ≤ tail; −1 where even 0 is more likely than that. */
function lastBelow(counts: Float64Array, tail: number): number {
  const all = counts.reduce((sum, count) => sum + count, 0);
  let sum = 0;
  for (let k = 0; k < counts.length; k++) {
    sum += counts[k]!;
    if (sum / all > tail) return k - 1;
  }
  return counts.length - 1;
}

/** In how many ways U can have each value, n against m without ties (Mann and Whitney's recurrence); undefined if large. */
function rankSumCounts(n: number, m: number): Float64Array | undefined {
  if (n + m > EXACT_LIMIT) return undefined;
  const ways = Array.from({ length: n + 1 }, () => new Float64Array(n * m + 1));
  ways[0]![0] = 1;
  // One value of the pooled sample after the other: taking it for the first sample puts it above those of the second.
  for (let taken = 0; taken < n + m; taken++) {
    for (let k = Math.min(n, taken + 1); k >= 1; k--) {
      const above = taken - (k - 1);
      if (above > m) continue;
      const from = ways[k - 1]!;
      const to = ways[k]!;
      for (let u = from.length - 1 - above; u >= 0; u--) if (from[u] !== 0) to[u + above] = to[u + above]! + from[u]!;
    }
  }
  return ways[n]!;
}

/** In how many ways the sum of the ranks with a plus can have each value. */
function signedRankCounts(n: number): Float64Array | undefined {
  if (n > EXACT_LIMIT) return undefined;
  const ways = new Float64Array((n * (n + 1)) / 2 + 1);
  ways[0] = 1;
  for (let rank = 1; rank <= n; rank++) {
    for (let sum = ways.length - 1; sum >= rank; sum--) ways[sum] = ways[sum]! + ways[sum - rank]!;
  }
  return ways;
}

function thinned(values: readonly number[]): readonly number[] {
  const most = Math.floor(Math.sqrt(MOST_PAIRS));
  if (values.length <= most) return values;
  const sorted = Float64Array.from(values).sort();
  return Array.from({ length: most }, (_, i) => quantile(sorted, (i + 0.5) / most));
}
