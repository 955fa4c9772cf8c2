import type { Profile } from './profile.ts';
import type { ProfileBuilder } from './profile-builder.ts';

/** Enters all frames (and mappings) of a profile into a builder. Result: index there of each frame here. */
export function copyFrames(profile: Profile, builder: ProfileBuilder): Uint32Array {
  const { frames: f, strings } = profile;
  const mappingOf = profile.mappings.map(mapping => builder.mapping(mapping));
  const result = new Uint32Array(f.length);
  for (let i = 0; i < f.length; i++) {
    result[i] = builder.frame({
      name: strings[f.name[i]!]!,
      decoration: strings[f.decoration[i]!]!,
      module: strings[f.module[i]!]!,
      file: strings[f.file[i]!]!,
      line: f.line[i]!,
      column: f.column[i]!,
      category: strings[f.category[i]!]!,
      address: f.address[i]!,
      mapping: f.mapping[i]! < 0 ? -1 : mappingOf[f.mapping[i]!]!,
      flags: f.flags[i]!,
    });
  }
  return result;
}
