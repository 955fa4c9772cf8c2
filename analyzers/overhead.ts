import type { CaptureOverhead, OverheadChange, OverheadMeasure } from '../src/model/capture.ts';
import { studentQuantile } from './statistics/student-t.ts';
import { meanAndDeviation, median, sortedCopy } from './statistics.ts';

/** One round: the command once unwatched and once watched, in turn. */
export interface OverheadRound {
  readonly first: 'unwatched' | 'watched';
  readonly unwatched: Readonly<Record<string, number>>;
  /** The same measures; `self-cpu` is what tprof itself used meanwhile. */
  readonly watched: Readonly<Record<string, number>>;
}

export type OverheadResult = CaptureOverhead;

export const SELF_CPU = 'self-cpu';
const CONFIDENCE = 0.95;

/**
 * Differences between the two runs of each round: a machine that grows slower does so for both. The share is a ratio,
 * whose logarithm is symmetric; intervals are Student's over rounds, which hold also for few of them.
 */
export function analyzeOverhead(
  rounds: readonly OverheadRound[],
  about: Pick<OverheadResult, 'requestedRounds' | 'failedRuns' | 'interrupted' | 'watchedBy'> & {
    readonly measures: readonly Pick<OverheadMeasure, 'id' | 'what'>[];
  },
): OverheadResult {
  const { measures, ...rest } = about;
  const selfCpu = rounds.map(round => round.watched[SELF_CPU] ?? Number.NaN).filter(ns => !Number.isNaN(ns));
  return {
    ...rest,
    rounds: rounds.length,
    order: rounds.map(({ first }) => first),
    measures: measures.flatMap(measure => {
      const pairs = rounds
        .map(({ unwatched, watched }) => [unwatched[measure.id], watched[measure.id]])
        .filter((pair): pair is [number, number] => pair.every(value => value !== undefined && value > 0));
      return pairs.length === 0 ? [] : [measureOf(measure, pairs)];
    }),
    selfCpuNs: selfCpu.length === 0 ? null : median(sortedCopy(selfCpu)),
  };
}

function measureOf(
  { id, what }: Pick<OverheadMeasure, 'id' | 'what'>,
  pairs: readonly (readonly [number, number])[],
): OverheadMeasure {
  const unwatched = pairs.map(([value]) => value);
  const watched = pairs.map(([, value]) => value);
  const difference = centre(pairs.map(([a, b]) => b - a));
  const ratio = centre(pairs.map(([a, b]) => Math.log(b / a)));
  const relative: OverheadChange = {
    estimate: Math.expm1(ratio.estimate),
    interval: ratio.interval === null ? null : [Math.expm1(ratio.interval[0]), Math.expm1(ratio.interval[1])],
  };
  return {
    id,
    what,
    unit: 'nanoseconds',
    unwatched,
    watched,
    unwatchedMedian: median(sortedCopy(unwatched)),
    watchedMedian: median(sortedCopy(watched)),
    difference,
    relative,
    significant: relative.interval !== null && (relative.interval[0] > 0 || relative.interval[1] < 0),
  };
}

/** Mean and its interval. */
function centre(values: readonly number[]): OverheadChange {
  const { mean, deviation } = meanAndDeviation(values);
  const n = values.length;
  if (n < 2) return { estimate: mean, interval: null };
  const reach = (studentQuantile(CONFIDENCE, n - 1) * deviation) / Math.sqrt(n);
  return { estimate: mean, interval: [mean - reach, mean + reach] };
}
