import { type FrameIndex, NO_STACK, type Profile, type StackIndex } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { matchFunctions } from './match-functions.ts';
import { commonWeight, valueIndex } from './profile-diff.ts';
import { withoutWaiting } from './run-weights.ts';

/** Value columns of the union, as `FlameOptions.diff` takes them. */
export const DIFF_COLUMNS = { before: 0, after: 1 } as const;

/**
 * The union of both sides' call trees as a Profile with a *before* and an *after* column. The weight before is scaled: so
 * that both columns have the same sum (normalised by total), or to as many tasks or seconds as the side after had. Frames are named
 * by their normalised name and place, so that what only a build renamed stands in one box; waiting is left out.
 */
export function diffProfile(
  before: readonly Profile[],
  after: readonly Profile[],
  options: {
    readonly name: string;
    readonly weight?: string | undefined;
    /** Tasks or seconds of all runs of each side, to compare costs; shares of the total are compared without. */
    readonly amounts?: { readonly before: number; readonly after: number } | undefined;
  },
): Profile {
  const profiles = [...before, ...after];
  const weight = commonWeight(profiles, options.weight);
  const matched = matchFunctions(before, after);
  const running = profiles.map(profile => withoutWaiting(profile, valueIndex(profile, weight.name)));
  const sumOf = (side: readonly Profile[]): number =>
    side.reduce((sum, p) => sum + p.samples.values[0]!.reduce((all, v) => all + v, 0), 0);
  const sumBefore = sumOf(running.slice(0, before.length));
  const sumAfter = sumOf(running.slice(before.length));
  const { amounts } = options;
  const scale =
    amounts !== undefined
      ? amounts.after / amounts.before
      : sumBefore === 0 || sumAfter === 0
        ? 1
        : sumAfter / sumBefore;
  const builder = new ProfileBuilder(options.name, [
    { name: `before: ${weight.name}`, unit: weight.unit },
    { name: `after: ${weight.name}`, unit: weight.unit },
  ]);
  builder.defaultValue = DIFF_COLUMNS.after;
  const thread = builder.thread({ pid: 0, tid: 0, processName: '', threadName: '' });
  for (const [p, { frames, strings, stacks, samples, lostSamples }] of running.entries()) {
    const isBefore = p < before.length;
    const ofFrame = matched.ofFrame[p]!;
    const frameOf = Uint32Array.from({ length: frames.length }, (_, f) =>
      builder.frame({
        name: matched.names[ofFrame[f]!]!,
        file: matched.places[ofFrame[f]!]!,
        category: strings[frames.category[f]!]!,
        flags: frames.flags[f]!,
      }),
    );
    const stackOf = new Int32Array(stacks.length);
    for (let i = 0; i < stacks.length; i++) {
      const parent = stacks.parent[i]! < 0 ? NO_STACK : (stackOf[stacks.parent[i]!]! as StackIndex);
      stackOf[i] = builder.stack(parent, frameOf[stacks.frame[i]!]! as FrameIndex);
    }
    for (let s = 0; s < samples.length; s++) {
      const value = samples.values[0]![s]!;
      if (value === 0) continue;
      const stack = (samples.stack[s]! < 0 ? NO_STACK : stackOf[samples.stack[s]!]!) as StackIndex;
      builder.aggregate({ thread, stack, values: isBefore ? [value * scale, 0] : [0, value] });
    }
    builder.lostSamples += lostSamples;
  }
  return builder.finish();
}
