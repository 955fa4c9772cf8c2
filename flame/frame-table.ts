import { FrameFlag, type Profile } from '../src/model/profile.ts';
import type { FlameFrames } from './flame-model.ts';

/** What a frame is told by when a category is asked for; strings are '' where the profile does not say. */
export interface FrameFacts {
  readonly name: string;
  readonly module: string;
  readonly file: string;
  /** The source's own category. */
  readonly category: string;
  /** Bits of `FrameFlag`. */
  readonly flags: number;
}

export type CategoryOf = (frame: FrameFacts) => string;

/** Flags that make two frames of one name different boxes. */
const TELLING_FLAGS = FrameFlag.kernel | FrameFlag.truncated | FrameFlag.waiting;

/** More categories than a colour scale can tell apart, or a byte can number. */
const MOST_CATEGORIES = 200;

/** The category of a frame where the caller has no better idea: kernel, waiting, or what the source itself says. */
export const sourceCategory: CategoryOf = ({ category, flags }) => {
  if ((flags & FrameFlag.waiting) !== 0) return 'waiting';
  if ((flags & FrameFlag.kernel) !== 0) return 'kernel';
  if (category !== '') return category.toLowerCase();
  return (flags & FrameFlag.jit) !== 0 ? 'jit' : 'application';
};

/**
 * Functions of a profile as boxes know them: frames of one name, module and file are one, whatever their line or
 * address (functions without a name also need the same line). `of[f]` is the box frame of profile frame `f`; only
 * frames that are `shown` have one. `distinct`: no two of them share theirs.
 */
export function frameTable(
  profile: Profile,
  shown: Uint8Array,
  categoryOf: CategoryOf,
  rootLabel: string,
): { frames: FlameFrames; of: Uint32Array; distinct: boolean } {
  const { frames, strings } = profile;
  const keyOf = new Map<string, number>();
  const keys: { label: string; place: string; frame: number }[] = [];
  const of = new Uint32Array(frames.length);
  let frameCount = 0;
  for (let f = 0; f < frames.length; f++) {
    if (shown[f] === 0) continue;
    frameCount++;
    const name = strings[frames.name[f]!]!;
    const nameless = name === '' || name === '(anonymous)' || name === '<anonymous>';
    const line = nameless ? frames.line[f]! : 0;
    const key = `${frames.name[f]},${frames.module[f]},${frames.file[f]},${frames.flags[f]! & TELLING_FLAGS},${line}`;
    let index = keyOf.get(key);
    if (index === undefined) {
      const module = strings[frames.module[f]!]!;
      const file = strings[frames.file[f]!]!;
      index = keys.length;
      keyOf.set(key, index);
      keys.push({
        label: nameless ? namelessLabel(name, module, file, line) : name,
        place: module === file || file === '' ? module : module === '' ? file : `${module} · ${file}`,
        frame: f,
      });
    }
    of[f] = index;
  }

  const order = keys.map((_, index) => index);
  const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  order.sort((a, b) => text(keys[a]!.label, keys[b]!.label) || text(keys[a]!.place, keys[b]!.place) || a - b);
  const rank = new Uint32Array(keys.length);
  for (let r = 0; r < order.length; r++) rank[order[r]!] = r + 1;
  for (let f = 0; f < of.length; f++) if (shown[f] === 1) of[f] = rank[of[f]!]!;

  const length = keys.length + 1;
  const labels = [rootLabel];
  const place = new Uint32Array(length);
  const category = new Uint8Array(length);
  const waiting = new Uint8Array(length);
  const places = new Map<string, number>([['', 0]]);
  const categories = new Map<string, number>([['', 0]]);
  for (let r = 0; r < order.length; r++) {
    const { label, place: at, frame } = keys[order[r]!]!;
    labels.push(label);
    if (!places.has(at)) places.set(at, places.size);
    place[r + 1] = places.get(at)!;
    const flags = frames.flags[frame]!;
    const id = categoryOf({
      name: strings[frames.name[frame]!]!,
      module: strings[frames.module[frame]!]!,
      file: strings[frames.file[frame]!]!,
      category: strings[frames.category[frame]!]!,
      flags,
    });
    if (!categories.has(id) && categories.size < MOST_CATEGORIES) categories.set(id, categories.size);
    category[r + 1] = categories.get(id) ?? 0;
    waiting[r + 1] = (flags & FrameFlag.waiting) !== 0 || id === 'waiting' ? 1 : 0;
  }
  return {
    frames: {
      length,
      labels,
      place,
      places: [...places.keys()],
      category,
      categories: [...categories.keys()],
      waiting,
    },
    of,
    distinct: frameCount === keys.length,
  };
}

function namelessLabel(name: string, module: string, file: string, line: number): string {
  const short = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  if (name === '' && file === '') return module === '' ? '(unknown)' : `(unknown in ${short(module)})`;
  const where = file === '' ? short(module) : line === 0 ? short(file) : `${short(file)}:${line}`;
  return where === '' ? name : `${name === '' ? '(unknown)' : name} ${where}`;
}
