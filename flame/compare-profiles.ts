import { TprofError } from '../src/base/errors.ts';
import { mergeProfiles } from '../src/model/merge-profiles.ts';
import type { Profile } from '../src/model/profile.ts';

/**
 * Two profiles as one with a *before* and an *after* column of one weight: what a differential picture is drawn from.
 * `weight` names a value column of both; by default that of `after`. Throws `TprofError('input-invalid')` where one has
 * no such column.
 */
export function compareProfiles(before: Profile, after: Profile, name: string, weight?: string): Profile {
  const wanted = weight ?? after.valueTypes[after.defaultValue]!.name;
  const one = side(before, wanted, 0);
  const other = side(after, wanted, 1);
  if (one.valueTypes[0]!.unit !== other.valueTypes[0]!.unit) {
    throw new TprofError(
      'input-invalid',
      `${before.name} has ${wanted} in ${one.valueTypes[0]!.unit}, ${after.name} in ${other.valueTypes[0]!.unit}`,
      {
        hint: 'compare two recordings of the same profiler, or name a weight that both have in one unit with --weight',
      },
    );
  }
  return mergeProfiles([one, other], name);
}

function side(profile: Profile, weight: string, at: 0 | 1): Profile {
  const index = profile.valueTypes.findIndex(type => type.name === weight);
  if (index === -1) {
    throw new TprofError('input-invalid', `${profile.name} has no weight '${weight}'`, {
      hint: `it has: ${profile.valueTypes.map(type => type.name).join(', ')}; name one that both have with --weight`,
    });
  }
  const { unit } = profile.valueTypes[index]!;
  const values = profile.samples.values[index]!;
  const none = new Float64Array(values.length);
  const { timeNs: _, ...samples } = profile.samples;
  return {
    ...profile,
    valueTypes: [
      { name: `before: ${weight}`, unit },
      { name: `after: ${weight}`, unit },
    ],
    defaultValue: 1,
    // Times of two recordings have nothing to do with each other.
    samples: { ...samples, timeNs: undefined, values: at === 0 ? [values, none] : [none, values] },
  };
}
