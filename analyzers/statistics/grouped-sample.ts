/**
 * Values that are not independent of each other within a group: the spans of one task share its queue, its batch and
 * its luck. Statistics are computed under one weight a group, so that resampling draws whole groups.
 */
export interface GroupedSample {
  /** Ascending. */
  readonly values: Float64Array;
  /** Group of each value, 0 … groupCount − 1. */
  readonly group: Uint32Array;
  readonly groupCount: number;
}

/** Sorts values and their groups together. Without groups each value is its own: plain resampling. */
export function groupedSample(values: ArrayLike<number>, groups?: ArrayLike<number | string>): GroupedSample {
  const order = Uint32Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]! || i - j);
  const indexOf = new Map<number | string, number>();
  const group = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const key = groups === undefined ? i : groups[i]!;
    let index = indexOf.get(key);
    if (index === undefined) {
      index = indexOf.size;
      indexOf.set(key, index);
    }
    group[i] = index;
  }
  return {
    values: Float64Array.from(order, i => values[i]!),
    group: Uint32Array.from(order, i => group[i]!),
    groupCount: indexOf.size,
  };
}

/** A number computed from a sample in which each group counts `weights[group]` times. NaN where no group counts. */
export type WeightedStatistic = (sample: GroupedSample, weights: Uint32Array) => number;

/** The `q`-quantile by the definition of `quantile()`, as if every value stood there as often as its group counts. */
export function weightedQuantile(q: number): WeightedStatistic {
  return ({ values, group }, weights) => {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += weights[group[i]!]!;
    if (total === 0) return Number.NaN;
    const rank = (total - 1) * q;
    const below = Math.floor(rank);
    const fraction = rank - below;
    let seen = 0;
    for (let i = 0; i < values.length; i++) {
      seen += weights[group[i]!]!;
      if (seen <= below) continue;
      const low = values[i]!;
      if (fraction === 0 || seen > below + 1) return low;
      let next = i + 1;
      while (next < values.length && weights[group[next]!] === 0) next++;
      return next < values.length ? low + (values[next]! - low) * fraction : low;
    }
    return values[values.length - 1]!;
  };
}

/** The mean under group weights. */
export const weightedMean: WeightedStatistic = ({ values, group }, weights) => {
  let total = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = weights[group[i]!]!;
    total += weight;
    sum += weight * values[i]!;
  }
  return sum / total;
};
