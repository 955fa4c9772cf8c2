import { type Interval, normalCdf, wilsonInterval } from '../statistics.ts';
import { runSpread, spreadMargin, spreadP } from './run-spread.ts';

/** A share of the samples, one element a run. */
export interface RunShares {
  /** 0…1. */
  readonly shares: readonly number[];
  /** How many independent samples each share is known from. */
  readonly sizes: readonly number[];
}

export interface ShareChange extends Interval {
  readonly before: number;
  readonly after: number;
  readonly delta: number;
  /** Two-sided, uncorrected. */
  readonly p: number;
}

/**
 * How much a share changed. The interval is Newcombe's for two proportions (1998, from Wilson's of each), widened to
 * what the spread of the runs asks for (Welch) where there are several: never narrower than sampling allows. The p is
 * the larger of both tests'.
 */
export function shareChange(before: RunShares, after: RunShares, confidence = 0.95): ShareChange {
  const b = pooled(before);
  const a = pooled(after);
  const delta = a.share - b.share;
  if (b.size === 0 || a.size === 0) {
    return { before: b.share, after: a.share, delta, low: -1, high: 1, confidence, p: 1 };
  }
  const wb = wilsonInterval(b.share, b.size, confidence);
  const wa = wilsonInterval(a.share, a.size, confidence);
  const down = Math.sqrt((a.share - wa.low) ** 2 + (wb.high - b.share) ** 2);
  const up = Math.sqrt((wa.high - a.share) ** 2 + (b.share - wb.low) ** 2);
  const spread = runSpread(before.shares, after.shares);
  const margin = spreadMargin(spread, confidence);
  const common = (b.share * b.size + a.share * a.size) / (b.size + a.size);
  const error = Math.sqrt(common * (1 - common) * (1 / b.size + 1 / a.size));
  const sampling = error === 0 ? 1 : Math.min(1, 2 * normalCdf(-Math.abs(delta) / error));
  return {
    before: b.share,
    after: a.share,
    delta,
    low: Math.max(-1, delta - Math.max(down, margin)),
    high: Math.min(1, delta + Math.max(up, margin)),
    confidence,
    p: Math.max(sampling, spreadP(spread, delta)),
  };
}

function pooled({ shares, sizes }: RunShares): { share: number; size: number } {
  // Exact: a share times its size, divided by it again, is another number in the last digit.
  if (shares.length === 1) return { share: shares[0]!, size: sizes[0]! };
  let size = 0;
  let sum = 0;
  for (const [i, share] of shares.entries()) {
    size += sizes[i]!;
    sum += share * sizes[i]!;
  }
  return { share: size === 0 ? 0 : Math.min(1, Math.max(0, sum / size)), size };
}
