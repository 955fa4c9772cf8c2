import type { Profile } from '../../src/model/profile.ts';
import { normaliseName, normalisePlace } from './normalise-name.ts';

/** One numbering of functions over all runs of both sides. */
export interface MatchedFunctions {
  readonly length: number;
  /** Normalised name and last parts of file or module, one a function. */
  readonly names: readonly string[];
  readonly places: readonly string[];
  /** Function of each frame, one column a profile: first those before, then those after. */
  readonly ofFrame: readonly Uint32Array[];
}

/**
 * Same normalised name in the same place is the same function. What is left on one side only is matched by name
 * alone, where no other function of that name is left: a moved file or another build folder is not a new function.
 */
export function matchFunctions(before: readonly Profile[], after: readonly Profile[]): MatchedFunctions {
  const names: string[] = [];
  const places: string[] = [];
  const sides: number[] = [];
  const known = new Map<string, number>();
  const columns = [...before, ...after].map((profile, p) => {
    const { frames, strings } = profile;
    const nameOf = memo((index: number) => normaliseName(strings[index]!));
    const placeOf = memo((index: number) => normalisePlace(strings[index]!));
    const column = new Uint32Array(frames.length);
    for (let f = 0; f < frames.length; f++) {
      const name = nameOf(frames.name[f]!);
      const place = placeOf(frames.file[f] === 0 ? frames.module[f]! : frames.file[f]!);
      const key = `${name}\0${place}`;
      let index = known.get(key);
      if (index === undefined) {
        index = names.length;
        known.set(key, index);
        names.push(name);
        places.push(place);
        sides.push(0);
      }
      sides[index] = sides[index]! | (p < before.length ? 1 : 2);
      column[f] = index;
    }
    return column;
  });
  const target = matchLeftovers(names, sides);
  // Renumbered without the functions that were found to be another one.
  const numberOf = new Uint32Array(names.length);
  const kept: number[] = [];
  for (let i = 0; i < names.length; i++) if (target[i] === i) numberOf[i] = kept.push(i) - 1;
  for (let i = 0; i < names.length; i++) numberOf[i] = numberOf[target[i]!]!;
  return {
    length: kept.length,
    names: kept.map(i => names[i]!),
    places: kept.map(i => places[i]!),
    ofFrame: columns.map(column => column.map(f => numberOf[f]!)),
  };
}

/** Which function each one is, itself mostly; a name that is left once on each side goes by the one after. */
function matchLeftovers(names: readonly string[], sides: readonly number[]): Uint32Array {
  const target = Uint32Array.from(names, (_, i) => i);
  const left = new Map<string, { before: number[]; after: number[] }>();
  for (let i = 0; i < names.length; i++) {
    if (sides[i] === 3) continue;
    const entry = left.get(names[i]!) ?? { before: [], after: [] };
    left.set(names[i]!, entry);
    (sides[i] === 1 ? entry.before : entry.after).push(i);
  }
  for (const { before, after } of left.values()) {
    if (before.length === 1 && after.length === 1) target[before[0]!] = after[0]!;
  }
  return target;
}

function memo(compute: (index: number) => string): (index: number) => string {
  const results = new Map<number, string>();
  return index => {
    let result = results.get(index);
    if (result === undefined) {
      result = compute(index);
      results.set(index, result);
    }
    return result;
  };
}
