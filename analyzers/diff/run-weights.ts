import type { Profile } from '../../src/model/profile.ts';
import { categoryOf } from '../categories.ts';
import { functionTotals, stackWeights } from '../stack-weights.ts';
import { clumping } from './clumping.ts';

/** Where the weight of one run went, waiting left out as the hot-path report does. */
export interface RunWeights {
  readonly self: Float64Array;
  readonly total: Float64Array;
  readonly all: number;
  /** How many samples of equal weight would say as much. */
  readonly size: number;
}

/** Value columns that count samples, whatever else the profile weighs. */
const COUNTS_SAMPLES = 'samples';

/** Self and total of each function (a sample counts once however often the function recurs) by one value column. */
export function runWeights(profile: Profile, value: number, ofFrame: Uint32Array, functionCount: number): RunWeights {
  const running = withoutWaiting(profile, value);
  const weights = stackWeights(running, 0);
  const self = new Float64Array(functionCount);
  let all = weights.withoutStack;
  for (let i = 0; i < profile.stacks.length; i++) {
    const f = ofFrame[profile.stacks.frame[i]!]!;
    self[f] = self[f]! + weights.self[i]!;
    all += weights.self[i]!;
  }
  const total = functionTotals(running, { length: functionCount, ofFrame }, weights);
  const values = running.samples.values[0]!;
  const size = sampleSize(profile, values, value, all) / clumping(profile, values, ofFrame, functionCount);
  return { self, total, all, size };
}

/** The profile with one value column, in which waiting samples weigh nothing. */
export function withoutWaiting(profile: Profile, value: number): Profile {
  const { frames, strings, samples, stacks } = profile;
  const waiting = Uint8Array.from({ length: frames.length }, (_, f) => {
    const category = categoryOf({
      name: strings[frames.name[f]!]!,
      module: strings[frames.module[f]!]!,
      file: strings[frames.file[f]!]!,
      category: strings[frames.category[f]!]!,
      flags: frames.flags[f]!,
    });
    return category === 'waiting' ? 1 : 0;
  });
  const values = Float64Array.from(samples.values[value]!);
  for (let s = 0; s < values.length; s++) {
    const stack = samples.stack[s]!;
    if (stack >= 0 && waiting[stacks.frame[stack]!] === 1) values[s] = 0;
  }
  return { ...profile, samples: { ...samples, values: [values] } };
}

/**
 * From a column that counts samples, or the nominal interval, where there is one; otherwise Kish's effective size of
 * the rows, (Σw)² / Σw², which is too small rather than too large where rows are sums of samples.
 */
function sampleSize(profile: Profile, running: Float64Array, value: number, all: number): number {
  const type = profile.valueTypes[value]!;
  if (type.name === COUNTS_SAMPLES) return all;
  const counts = profile.samples.values[profile.valueTypes.findIndex(t => t.name === COUNTS_SAMPLES)];
  let sum = 0;
  let squares = 0;
  let counted = 0;
  for (let s = 0; s < running.length; s++) {
    sum += running[s]!;
    squares += running[s]! ** 2;
    if (running[s] !== 0) counted += counts?.[s] ?? 0;
  }
  const kish = squares === 0 ? 0 : (sum * sum) / squares;
  if (profile.samples.timeNs !== undefined) return kish;
  if (counts !== undefined) return counted;
  if (type.unit === 'nanoseconds' && (profile.intervalNs ?? 0) > 0) return all / profile.intervalNs!;
  return kish;
}
