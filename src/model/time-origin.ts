import type { Profile } from './profile.ts';

/** Recordings are said to begin at their epoch where their first sample lies this close to it. */
const NEAR_NS = 1e9;

/**
 * What written times count from, in nanoseconds on the profile's clock, for formats that know only "since the start".
 * An epoch that is the start of the recording stays what it is (0); a clock that counts from a machine's boot, or has
 * no epoch at all, counts from the first sample.
 */
export function timeOriginNs({ epochNs, samples }: Profile): number {
  if (samples.timeNs === undefined || samples.length === 0) return 0;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const time of samples.timeNs) {
    if (time < first) first = time;
    if (time > last) last = time;
  }
  return epochNs !== undefined && (first < NEAR_NS || first < last - first) ? 0 : first;
}
