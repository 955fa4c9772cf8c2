import type { Profile } from '../model/profile.ts';
import type { ProfileWriteOptions } from './format.ts';

/** For formats that hold one weight: which one is written, where the profile has several. */
export function oneWeightLoss(profile: Profile, options: ProfileWriteOptions): string[] {
  const written = profile.valueTypes[options.value ?? profile.defaultValue];
  const others = profile.valueTypes.filter(type => type !== written).map(type => type.name);
  if (written === undefined || others.length === 0) return [];
  return [`it holds one weight: written is ${written.name}, not ${others.join(', ')} (--event NAME chooses)`];
}
