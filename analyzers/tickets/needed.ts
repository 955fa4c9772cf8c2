import { meanAndDeviation, normalQuantile } from '../statistics.ts';

/** A gate's false alarms, and how often it is to find what is there. */
const Z = normalQuantile(0.99) + normalQuantile(0.8);

/** The variance of a median is this much larger than that of a mean. */
const MEDIAN = Math.PI / 2;

/**
 * How many values a side show a change of the median by the factor `truth`, beyond the factor `threshold`, 4 times in 5;
 * from the spread of the values as recorded. null with fewer than three of them: two say nothing of a spread.
 */
export function valuesNeeded(values: readonly number[], truth: number, threshold: number): number | null {
  const positive = values.filter(value => value > 0);
  const distance = Math.abs(Math.log(truth / threshold));
  if (positive.length < 3 || !(distance > 0)) return null;
  const { deviation } = meanAndDeviation(positive.map(Math.log));
  return Math.max(6, Math.ceil(2 * MEDIAN * ((Z * deviation) / distance) ** 2));
}

/** How many independent samples a side show that a share fell from `before` to `after`, by more than `beyond`. */
export function samplesNeeded(before: number, after: number, beyond: number): number | null {
  const distance = before - after - beyond;
  if (!(distance > 0)) return null;
  return Math.max(100, Math.ceil((Z / distance) ** 2 * (before * (1 - before) + after * (1 - after))));
}
