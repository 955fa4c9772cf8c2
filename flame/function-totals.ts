import type { FlameView } from './flame-model.ts';

export interface FunctionTotal {
  readonly frame: number;
  readonly self: number;
  readonly total: number;
}

/**
 * Self and total of every function of a view, by self, then total, then name. A call below another call of the same
 * function does not count again. Part of the program inside the pictures.
 */
export function functionTotals(view: FlameView): FunctionTotal[] {
  const { length, frame, end } = view;
  let frames = 0;
  for (let i = 0; i < length; i++) if (frame[i]! >= frames) frames = frame[i]! + 1;
  const self = new Float64Array(frames);
  const total = new Float64Array(frames);
  /** Where the outermost open call of each function ends. */
  const openUntil = new Int32Array(frames);
  for (let i = 0; i < length; i++) {
    if (view.level[i]! < 0) continue;
    const f = frame[i]!;
    self[f]! += view.self[i]!;
    if (i >= openUntil[f]!) {
      total[f]! += view.total[i]!;
      openUntil[f] = end[i]!;
    }
  }
  const result: FunctionTotal[] = [];
  for (let f = 1; f < frames; f++) if (total[f]! > 0) result.push({ frame: f, self: self[f]!, total: total[f]! });
  return result.sort((a, b) => b.self - a.self || b.total - a.total || a.frame - b.frame);
}

/** Weight of the boxes below `zoom` whose frame matches; one inside another counts once. */
export function matchedTotal(view: FlameView, zoom: number, matches: Uint8Array): number {
  let sum = 0;
  for (let i = zoom; i < view.end[zoom]!; ) {
    if (view.level[i]! >= 0 && matches[view.frame[i]!] === 1) {
      sum += view.total[i]!;
      i = view.end[i]!;
    } else {
      i++;
    }
  }
  return sum;
}
