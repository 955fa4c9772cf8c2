import { Interner } from '../src/base/interner.ts';
import type { Profile } from '../src/model/profile.ts';

/** Functions of a profile: frames that differ only in line, address or tier are one function. */
export interface FunctionTable {
  readonly length: number;
  /** Function of each frame. */
  readonly ofFrame: Uint32Array;
  /** A frame of each function, to read its name, module and file from. */
  readonly frame: Uint32Array;
  /** The function's line where all its frames agree on one; 0 otherwise. */
  readonly line: Uint32Array;
}

/**
 * A function is its name, module and file. Names that tell nothing (`(anonymous)`, an empty name) are told apart by
 * line and column, since those are different functions.
 */
export function functionTable(profile: Profile): FunctionTable {
  const { frames, strings } = profile;
  const keys = new Interner();
  const ofFrame = new Uint32Array(frames.length);
  const frame: number[] = [];
  const line: number[] = [];
  for (let f = 0; f < frames.length; f++) {
    const name = strings[frames.name[f]!]!;
    const place = isAnonymous(name) ? `,${frames.line[f]},${frames.column[f]}` : '';
    // Index 0 of an interner is the empty string, which no key is.
    const index = keys.intern(`${frames.name[f]},${frames.module[f]},${frames.file[f]}${place}`) - 1;
    if (index === frame.length) {
      frame.push(f);
      line.push(frames.line[f]!);
    } else if (line[index] !== frames.line[f]) {
      line[index] = 0;
    }
    ofFrame[f] = index;
  }
  return { length: frame.length, ofFrame, frame: Uint32Array.from(frame), line: Uint32Array.from(line) };
}

function isAnonymous(name: string): boolean {
  return (
    name === '' || name === '(anonymous)' || name === 'anonymous' || name === '<anonymous>' || name === '[unknown]'
  );
}
