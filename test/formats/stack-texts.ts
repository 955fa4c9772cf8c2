import type { Profile } from '../../src/model/profile.ts';

/** Samples as people draw them: `main;step;query 5`, one a row, root first. */
export function stackTexts(profile: Profile, value: number = profile.defaultValue): string[] {
  const { frames, samples, stacks, strings } = profile;
  return Array.from({ length: samples.length }, (_, s) => {
    const names: string[] = [];
    for (let at = samples.stack[s]!; at >= 0; at = stacks.parent[at]!) {
      names.push(strings[frames.name[stacks.frame[at]!]!]!);
    }
    return `${names.reverse().join(';')} ${samples.values[value]![s]}`;
  });
}
