/** The statistics that several analyzers share. One door, so that a reader finds what there is. */
export { type Bootstrap, type BootstrapOptions, bootstrap, bootstrapChange } from './statistics/bootstrap.ts';
export { bootstrapQuantiles } from './statistics/bootstrap-quantiles.ts';
export { smallestDetectableEffect } from './statistics/detectable.ts';
export {
  type GroupedSample,
  groupedSample,
  type WeightedStatistic,
  weightedMean,
  weightedQuantile,
} from './statistics/grouped-sample.ts';
export { type Shift, shiftBetween, shiftOfPairs } from './statistics/hodges-lehmann.ts';
export { holm } from './statistics/holm.ts';
export { type MannWhitney, mannWhitneyU, smallestPossibleP } from './statistics/mann-whitney.ts';
export { logGamma, normalCdf, normalQuantile } from './statistics/normal.ts';
export {
  type Interval,
  meanAndDeviation,
  median,
  medianAbsoluteDeviation,
  quantile,
  sortedCopy,
} from './statistics/quantile.ts';
export { quantileInterval } from './statistics/quantile-interval.ts';
export { seededRandom } from './statistics/random.ts';
export { wilsonInterval } from './statistics/wilson.ts';
