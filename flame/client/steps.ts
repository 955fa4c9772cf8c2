import type { FlameView } from '../flame-model.ts';

// Where the arrow keys lead. Part of the program inside the pictures.

/** The widest child of a box on the side of `sign` (-1: callers of a sandwich); -1 where none is wide enough to be seen. */
export function widestChild(view: FlameView, node: number, sign: number, narrowest: number): number {
  let best = -1;
  for (let i = node + 1; i < view.end[node]!; i = view.end[i]!) {
    if (Math.sign(view.level[i]!) !== sign || view.total[i]! < narrowest) continue;
    if (best === -1 || view.total[i]! > view.total[best]!) best = i;
  }
  return best;
}

/** The next box on the same row to the right (`step` 1) or left (-1) within `zoom`; -1 where there is none. */
export function neighbour(view: FlameView, node: number, step: 1 | -1, zoom: number, narrowest: number): number {
  const row = view.level[node]!;
  const inside = (i: number): boolean => (row < 0 ? view.level[i]! >= row && view.level[i]! <= 0 : true);
  let found = -1;
  for (let i = step === 1 ? view.end[node]! : zoom; i < (step === 1 ? view.end[zoom]! : node); ) {
    if (view.total[i]! < narrowest || !inside(i)) {
      i = view.end[i]!;
    } else if (view.level[i] === row) {
      if (step === 1) return i;
      found = i;
      i = view.end[i]!;
    } else {
      i++;
    }
  }
  return found;
}

/** The next box after `node` (wrapping round) whose frame matches; -1 where nothing matches. */
export function nextMatch(view: FlameView, node: number, step: 1 | -1, zoom: number, matches: Uint8Array): number {
  const from = zoom;
  const count = view.end[zoom]! - from;
  for (let k = 1; k <= count; k++) {
    const i = from + ((((node - from + step * k) % count) + count) % count);
    if (matches[view.frame[i]!] === 1) return i;
  }
  return -1;
}

/** Frames from the root to a node. */
export function pathOf(view: FlameView, node: number): number[] {
  const path: number[] = [];
  for (let at = node; at > 0; at = view.parent[at]!) path.push(view.frame[at]!);
  return path.reverse();
}

/** The node at the end of a path of frames, or the last one that there is. */
export function nodeAt(view: FlameView, path: readonly number[]): number {
  let node = 0;
  for (const frame of path) {
    let child = node + 1;
    while (child < view.end[node]! && view.frame[child] !== frame) child = view.end[child]!;
    if (child >= view.end[node]!) return node;
    node = child;
  }
  return node;
}
