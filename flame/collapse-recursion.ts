import type { FlameNodes } from './flame-model.ts';
import { growTree } from './grow-tree.ts';

/** A tree made from another, and where each node of the other went. */
export interface TreeImage {
  readonly tree: FlameNodes;
  readonly image: Int32Array;
}

/**
 * Merges calls of a function by itself into one box: `direct` where it calls itself, `all` also through others
 * (a → b → a becomes a). Totals stay; what the inner calls did counts for the outer one. `nodes` are in preorder.
 * Part of the program inside the pictures.
 */
export function collapseRecursion(nodes: FlameNodes, mode: 'direct' | 'all'): TreeImage {
  const { length, parent, frame } = nodes;
  const grown = growTree(length);
  const image = new Int32Array(length);
  const imageFrame: number[] = [0];
  if (mode === 'direct') {
    for (let i = 1; i < length; i++) {
      const up = image[parent[i]!]!;
      const to = imageFrame[up] === frame[i] ? up : grown.childOf(up, frame[i]!);
      image[i] = to;
      imageFrame[to] = frame[i]!;
    }
    return { tree: grown.finish(), image };
  }
  let frames = 0;
  for (let i = 0; i < length; i++) if (frame[i]! >= frames) frames = frame[i]! + 1;
  /** Where each function stands on the path to the current node; -1 = it does not. */
  const onPath = new Int32Array(frames).fill(-1);
  const path = new Int32Array(length);
  const entered = new Uint8Array(length);
  let depth = 1;
  for (let i = 1; i < length; i++) {
    while (path[depth - 1] !== parent[i]) {
      const left = path[--depth]!;
      if (entered[left] === 1) onPath[frame[left]!] = -1;
    }
    path[depth++] = i;
    const f = frame[i]!;
    if (onPath[f] === -1) {
      onPath[f] = grown.childOf(image[parent[i]!]!, f);
      entered[i] = 1;
    }
    image[i] = onPath[f]!;
  }
  return { tree: grown.finish(), image };
}
