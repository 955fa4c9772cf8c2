/** A range that holds the true value with `confidence` (0…1). */
export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

/** The values in ascending order, as every function here that takes `sorted` wants them. */
export function sortedCopy(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/**
 * The `q`-quantile (0…1) of ascending values by linear interpolation between the two nearest ranks: the value at rank
 * `(n − 1)·q` from 0. Definition 7 of Hyndman and Fan (1996), which R, NumPy and spreadsheets use by default. Exact:
 * no histogram, no sketch. NaN for no values.
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const n = sorted.length;
  if (n === 0) return Number.NaN;
  const rank = (n - 1) * Math.min(1, Math.max(0, q));
  const below = Math.floor(rank);
  const low = sorted[below]!;
  return below + 1 < n ? low + (sorted[below + 1]! - low) * (rank - below) : low;
}

export function median(sorted: ArrayLike<number>): number {
  return quantile(sorted, 0.5);
}

/**
 * Median distance from the median: a width that outliers do not move. `scaled` multiplies by 1.4826, so that it
 * estimates the standard deviation of normally distributed values.
 */
export function medianAbsoluteDeviation(sorted: ArrayLike<number>, options: { scaled?: boolean } = {}): number {
  const center = median(sorted);
  const distances = new Float64Array(sorted.length);
  for (let i = 0; i < distances.length; i++) distances[i] = Math.abs(sorted[i]! - center);
  return median(distances.sort()) * (options.scaled === true ? 1.482602218505602 : 1);
}

/** Arithmetic mean and sample standard deviation (n − 1), in one numerically stable pass. NaN for no values. */
export function meanAndDeviation(values: ArrayLike<number>): { mean: number; deviation: number } {
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const delta = values[i]! - mean;
    mean += delta / (i + 1);
    squares += delta * (values[i]! - mean);
  }
  if (values.length === 0) return { mean: Number.NaN, deviation: Number.NaN };
  return { mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}
