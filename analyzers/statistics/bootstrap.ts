import type { GroupedSample, WeightedStatistic } from './grouped-sample.ts';
import { type Interval, quantile } from './quantile.ts';
import { seededRandom } from './random.ts';

export interface BootstrapOptions {
  /** Default 0.95. */
  readonly confidence?: number;
  /** Default 2000. */
  readonly resamples?: number;
  /** Default 1: the same data always gives the same interval. */
  readonly seed?: number;
}

export interface Bootstrap extends Interval {
  /** The statistic of the data as they are. */
  readonly estimate: number;
  /** Standard deviation of the resampled statistic. */
  readonly standardError: number;
}

/**
 * Percentile bootstrap (Efron 1979): draws as many groups as there are, with replacement, and takes the quantiles of
 * the statistic over all draws. Costs one pass over the values a draw: nothing is sorted again.
 * With fewer than two groups nothing can be said: the interval is −∞…∞.
 */
export function bootstrap(
  sample: GroupedSample,
  statistic: WeightedStatistic,
  options: BootstrapOptions = {},
): Bootstrap {
  return bootstrapOf([sample], values => values[0]!, statistic, options);
}

/** The same for the change of a statistic between two samples: `change(before, after)`, by default the difference. */
export function bootstrapChange(
  before: GroupedSample,
  after: GroupedSample,
  statistic: WeightedStatistic,
  options: BootstrapOptions & { readonly change?: (before: number, after: number) => number } = {},
): Bootstrap {
  const change = options.change ?? ((b: number, a: number) => a - b);
  return bootstrapOf([before, after], values => change(values[0]!, values[1]!), statistic, options);
}

function bootstrapOf(
  samples: readonly GroupedSample[],
  combine: (values: readonly number[]) => number,
  statistic: WeightedStatistic,
  options: BootstrapOptions,
): Bootstrap {
  const { confidence = 0.95, resamples = 2000, seed = 1 } = options;
  const weights = samples.map(sample => new Uint32Array(sample.groupCount).fill(1));
  const estimate = combine(samples.map((sample, i) => statistic(sample, weights[i]!)));
  if (samples.some(sample => sample.groupCount < 2)) {
    const low = Number.NEGATIVE_INFINITY;
    const high = Number.POSITIVE_INFINITY;
    return { estimate, low, high, confidence, standardError: Number.POSITIVE_INFINITY };
  }
  const random = seededRandom(seed);
  const draws = new Float64Array(resamples);
  let sum = 0;
  for (let r = 0; r < resamples; r++) {
    const values = samples.map((sample, i) => {
      const drawn = weights[i]!.fill(0);
      for (let g = 0; g < drawn.length; g++) {
        const picked = Math.floor(random() * drawn.length);
        drawn[picked] = drawn[picked]! + 1;
      }
      return statistic(sample, drawn);
    });
    draws[r] = combine(values);
    sum += draws[r]!;
  }
  const mean = sum / resamples;
  let squares = 0;
  for (const draw of draws) squares += (draw - mean) ** 2;
  draws.sort();
  return {
    estimate,
    low: quantile(draws, (1 - confidence) / 2),
    high: quantile(draws, (1 + confidence) / 2),
    confidence,
    standardError: Math.sqrt(squares / (resamples - 1)),
  };
}
