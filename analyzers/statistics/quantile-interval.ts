import { logGamma } from './normal.ts';
import type { Interval } from './quantile.ts';

/**
 * Confidence interval of the `q`-quantile from two of the values themselves (order statistics): no assumption about
 * the distribution, only that the values are independent. How many values lie below the true quantile is binomial
 * (n, q), so each tail is cut where its probability is still ≤ (1 − confidence) / 2. `confidence` of the result is
 * what the two values really cover, at least what was asked for.
 * Undefined where so few values cannot promise it: the median at 95 % needs 6, p95 needs 72, p99 needs 368.
 */
export function quantileInterval(sorted: ArrayLike<number>, q: number, confidence = 0.95): Interval | undefined {
  const n = sorted.length;
  if (n === 0 || q <= 0 || q >= 1) return undefined;
  const tail = (1 - confidence) / 2;
  const mean = n * q;
  const reach = 12 * Math.sqrt(n * q * (1 - q)) + 20;
  const first = Math.max(0, Math.floor(mean - reach));
  const last = Math.min(n, Math.ceil(mean + reach));
  // Below `first` and above `last` there is less than 1e-30 of the probability.
  const low = cutTail(n, q, first, last, tail);
  const high = cutTail(n, 1 - q, n - last, n - first, tail);
  if (low.count === 0 || high.count === 0) return undefined;
  return {
    low: sorted[low.count - 1]!,
    high: sorted[n - high.count]!,
    confidence: 1 - low.probability - high.probability,
  };
}

/** The greatest `count` with P(B < count) ≤ tail, for B binomial (n, p), and that probability. */
function cutTail(
  n: number,
  p: number,
  first: number,
  last: number,
  tail: number,
): { count: number; probability: number } {
  const odds = p / (1 - p);
  let mass = Math.exp(logBinomial(n, first) + first * Math.log(p) + (n - first) * Math.log1p(-p));
  let probability = 0;
  for (let k = first; k <= last; k++) {
    if (probability + mass > tail) return { count: k, probability };
    probability += mass;
    mass *= ((n - k) / (k + 1)) * odds;
  }
  return { count: last, probability };
}

function logBinomial(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}
