import type { GroupedSample } from './grouped-sample.ts';
import { type Interval, quantile } from './quantile.ts';
import { seededRandom } from './random.ts';

/**
 * Bootstrap intervals of several quantiles (ascending `qs`) from the same draws of whole groups: one pass over the
 * values a draw for all of them, and that only up to the highest. Undefined with fewer than two groups.
 */
export function bootstrapQuantiles(
  sample: GroupedSample,
  qs: readonly number[],
  options: { readonly confidence?: number; readonly resamples?: number; readonly seed?: number } = {},
): Interval[] | undefined {
  const { confidence = 0.95, resamples = 1000, seed = 1 } = options;
  const { values, group, groupCount } = sample;
  if (groupCount < 2) return undefined;
  const sizes = new Uint32Array(groupCount);
  for (const g of group) sizes[g] = sizes[g]! + 1;
  const random = seededRandom(seed);
  const weights = new Uint32Array(groupCount);
  const draws = qs.map(() => new Float64Array(resamples));
  for (let r = 0; r < resamples; r++) {
    weights.fill(0);
    let total = 0;
    for (let g = 0; g < groupCount; g++) {
      const picked = Math.floor(random() * groupCount);
      weights[picked] = weights[picked]! + 1;
      total += sizes[picked]!;
    }
    let at = 0;
    let seen = weights[group[0]!]!;
    for (let i = 0; i < qs.length; i++) {
      const rank = (total - 1) * qs[i]!;
      const below = Math.floor(rank);
      while (seen <= below) seen += weights[group[++at]!]!;
      const low = values[at]!;
      let high = low;
      if (rank > below && seen === below + 1) {
        let next = at + 1;
        while (weights[group[next]!] === 0) next++;
        high = values[next]!;
      }
      draws[i]![r] = low + (high - low) * (rank - below);
    }
  }
  return draws.map(draw => {
    draw.sort();
    return {
      low: quantile(draw, (1 - confidence) / 2),
      high: quantile(draw, (1 + confidence) / 2),
      confidence,
    };
  });
}
